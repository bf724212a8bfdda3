package blob

import (
	"slices"
	"testing"

	"github.com/minio/crc64nvme"
	"pgregory.net/rapid"
)

func TestCombinedCRCIsThatOfTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 5).Draw(t, "parts")
		var crc uint64
		for _, p := range parts {
			crc = combineCRC(crc, crc64nvme.Checksum(p), int64(len(p)))
		}
		if want := crc64nvme.Checksum(slices.Concat(parts...)); crc != want {
			t.Fatalf("combined %x, whole %x", crc, want)
		}
	})
}

func TestChecksumHeader(t *testing.T) {
	t.Parallel()
	// The check value of CRC-64/NVME for "123456789" in the catalogue of CRCs is ae8b14860a799888.
	if got := *encodeCRC(crc64nvme.Checksum([]byte("123456789"))); got != "rosUhgp5mIg=" {
		t.Errorf("encoded %q", got)
	}
	for _, s := range []string{"", "rosUhgp5", "rosUhgp5mIg=-2", "*"} {
		if crc, ok := decodeCRC(&s); ok {
			t.Errorf("%q decoded to %x", s, crc)
		}
	}
	if _, ok := decodeCRC(nil); ok {
		t.Error("nothing was decoded")
	}
}
