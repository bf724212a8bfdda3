package blob

import (
	"crypto/md5" // #nosec: the checksum S3 defines, against accidents
	"encoding/base64"
	"encoding/binary"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/minio/crc64nvme"
)

// encodeCRC writes a CRC-64/NVME as S3 headers do: base64 of the eight bytes,
// the most significant first.
func encodeCRC(crc uint64) *string {
	return aws.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc)))
}

// decodeCRC is false for a checksum the store did not tell.
func decodeCRC(s *string) (uint64, bool) {
	raw, err := base64.StdEncoding.DecodeString(aws.ToString(s))
	if err != nil || len(raw) != crc64nvme.Size {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw), true
}

// combineCRC is the CRC of two byte strings set end to end, of which the
// second is n bytes long: a times x to the power 8n, plus b, in the field of
// polynomials that the CRC counts in. The method is zlib's crc32_combine.
func combineCRC(a, b uint64, n int64) uint64 {
	shift := uint64(1) << 62 // x; bit 63 is the constant term
	power := uint64(1) << 63 // 1
	for e := uint64(n) << 3; e > 0; e >>= 1 {
		if e&1 == 1 {
			power = multiply(power, shift)
		}
		shift = multiply(shift, shift)
	}
	return multiply(a, power) ^ b
}

// multiply is the product of two polynomials modulo the NVME polynomial, all
// in reflected bit order.
func multiply(a, b uint64) (product uint64) {
	for ; a != 0; a <<= 1 {
		if a>>63 == 1 {
			product ^= b
		}
		b = b>>1 ^ -(b&1)&crc64nvme.NVME
	}
	return product
}

// checksum is the header a body travels with: its CRC-64/NVME or, for a store
// that does not know this one, its MD5. It leaves the body at its beginning.
func (b *Bucket) checksum(body Body) (crc, md5sum *string, err error) {
	if _, err = body.Seek(0, io.SeekStart); err != nil {
		return nil, nil, fail(errOther, err)
	}
	if b.cfg.FullObjectCRC {
		return encodeCRC(body.CRC64()), nil, nil
	}
	sum, own := md5.New(), crc64nvme.New()
	if _, err = io.Copy(io.MultiWriter(sum, own), body); err != nil {
		return nil, nil, fail(errOther, err)
	}
	if own.Sum64() != body.CRC64() {
		return nil, nil, fail(ErrDigestMismatch, nil)
	}
	if _, err = body.Seek(0, io.SeekStart); err != nil {
		return nil, nil, fail(errOther, err)
	}
	return nil, aws.String(base64.StdEncoding.EncodeToString(sum.Sum(nil))), nil
}
