package blob

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCombinedCRCIsThatOfTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 5).Draw(t, "parts")
		var crc uint32
		for _, p := range parts {
			crc = CombineCRC32C(crc, UpdateCRC32C(0, p), int64(len(p)))
		}
		if want := UpdateCRC32C(0, slices.Concat(parts...)); crc != want {
			t.Fatalf("combined %x, whole %x", crc, want)
		}
	})
}

func TestChecksumHeader(t *testing.T) {
	t.Parallel()
	// The check value of CRC-32C for "123456789" in the catalogue of CRCs is e3069283.
	if got := *encodeCRC(UpdateCRC32C(0, []byte("123456789"))); got != "4waSgw==" {
		t.Errorf("encoded %q", got)
	}
	for _, s := range []string{"", "rosUhgp5mIg=", "4waSgw==-2", "*"} {
		if crc, ok := decodeCRC(&s); ok {
			t.Errorf("%q decoded to %x", s, crc)
		}
	}
	if _, ok := decodeCRC(nil); ok {
		t.Error("nothing was decoded")
	}
}
