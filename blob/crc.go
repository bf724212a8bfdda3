package blob

import (
	"crypto/md5" // #nosec: the checksum S3 defines, against accidents
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// castagnoli is the polynomial of CRC32C (RFC 3720 section 12.1), which common
// processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// NewCRC32C is a running CRC32C.
func NewCRC32C() hash.Hash32 { return crc32.New(castagnoli) }

// UpdateCRC32C adds p to the CRC32C of what comes before it.
func UpdateCRC32C(crc uint32, p []byte) uint32 { return crc32.Update(crc, castagnoli, p) }

// encodeCRC writes a CRC32C as S3 headers do: base64 of the four bytes, the
// most significant first.
func encodeCRC(crc uint32) *string {
	return aws.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc)))
}

// decodeCRC is false for a checksum the store did not tell.
func decodeCRC(s *string) (uint32, bool) {
	raw, err := base64.StdEncoding.DecodeString(aws.ToString(s))
	if err != nil || len(raw) != crc32.Size {
		return 0, false
	}
	return binary.BigEndian.Uint32(raw), true
}

// CombineCRC32C is the CRC of two byte strings set end to end, of which the
// second is n bytes long: a times x to the power 8n, plus b, in the field of
// polynomials that the CRC counts in. The method is zlib's crc32_combine.
func CombineCRC32C(a, b uint32, n int64) uint32 {
	shift := uint32(1) << 30 // x; bit 31 is the constant term
	power := uint32(1) << 31 // 1
	for e := uint64(n) << 3; e > 0; e >>= 1 {
		if e&1 == 1 {
			power = multiply(power, shift)
		}
		shift = multiply(shift, shift)
	}
	return multiply(a, power) ^ b
}

// multiply is the product of two polynomials modulo Castagnoli's, all in
// reflected bit order.
func multiply(a, b uint32) (product uint32) {
	for ; a != 0; a <<= 1 {
		if a>>31 == 1 {
			product ^= b
		}
		b = b>>1 ^ -(b&1)&crc32.Castagnoli
	}
	return product
}

// checksum is the header a body travels with: its CRC32C or, for a store
// that does not know this one, its MD5. It leaves the body at its beginning.
func (b *Bucket) checksum(body Body) (crc, md5sum *string, err error) {
	if _, err = body.Seek(0, io.SeekStart); err != nil {
		return nil, nil, fail(errOther, err)
	}
	if b.cfg.FullObjectCRC {
		return encodeCRC(body.CRC32C()), nil, nil
	}
	sum, own := md5.New(), NewCRC32C()
	if _, err = io.Copy(io.MultiWriter(sum, own), body); err != nil {
		return nil, nil, fail(errOther, err)
	}
	if own.Sum32() != body.CRC32C() {
		return nil, nil, fail(ErrDigestMismatch, nil)
	}
	if _, err = body.Seek(0, io.SeekStart); err != nil {
		return nil, nil, fail(errOther, err)
	}
	return nil, aws.String(base64.StdEncoding.EncodeToString(sum.Sum(nil))), nil
}
