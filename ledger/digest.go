package ledger

import (
	"crypto/sha1" //nolint:gosec // FHIR R4 Attachment.hash is SHA-1 by definition
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"sync"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

// SHA1 says for which files the SHA-1 of FHIR R4's Attachment.hash is computed.
// It costs as much as SHA-256 and the element is optional.
type SHA1 string

// The settings: files of at most one part, all files, none.
const (
	SHA1Small SHA1 = "small"
	SHA1All   SHA1 = "all"
	SHA1Off   SHA1 = "off"
)

// digest is the running fingerprint of an upload's bytes. Its state is saved
// with the offset it describes, so that nothing is ever read back.
type digest struct {
	sha256 hash.Hash
	sha1   hash.Hash // nil when not wanted
	crc    uint32
}

// state layout: version, crc, then each hash with a length byte (0: absent).
// Version 1 had another CRC.
const digestVersion = 2

func newDigest(withSHA1 bool) *digest {
	d := &digest{sha256: sha256.New()}
	if withSHA1 {
		d.sha1 = sha1.New() //nolint:gosec // see import
	}
	return d
}

// resumeDigest continues from a saved state; an empty one starts afresh.
func resumeDigest(state []byte, withSHA1 bool) (*digest, error) {
	if len(state) == 0 {
		return newDigest(withSHA1), nil
	}
	d := newDigest(false)
	if state[0] == digestVersion-1 {
		return nil, clinical.Fail(clinical.Gone, "this upload was begun under an earlier version: begin it again", nil)
	}
	if len(state) < 6 || state[0] != digestVersion {
		return nil, errors.New("ledger: unknown digest state")
	}
	d.crc = binary.BigEndian.Uint32(state[1:5])
	rest := state[5:]
	var one []byte
	if one, rest = cut(rest); one == nil {
		return nil, errors.New("ledger: short digest state")
	}
	if err := d.sha256.(encoding.BinaryUnmarshaler).UnmarshalBinary(one); err != nil {
		return nil, err
	}
	if one, _ = cut(rest); one != nil {
		d.sha1 = sha1.New() //nolint:gosec // see import
		if err := d.sha1.(encoding.BinaryUnmarshaler).UnmarshalBinary(one); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func cut(b []byte) (one, rest []byte) {
	if len(b) == 0 || b[0] == 0 || len(b) < 1+int(b[0]) {
		return nil, nil
	}
	return b[1 : 1+int(b[0])], b[1+int(b[0]):]
}

// state is the digest's saved form.
func (d *digest) state() []byte {
	out := binary.BigEndian.AppendUint32([]byte{digestVersion}, d.crc)
	for _, h := range []hash.Hash{d.sha256, d.sha1} {
		if h == nil {
			out = append(out, 0)
			continue
		}
		b, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil || len(b) > 255 {
			panic("ledger: the standard library's hashes marshal") // cannot happen
		}
		out = append(append(out, byte(len(b))), b...)
	}
	return out
}

// add takes in the bytes of r, but not yet its checksum; SHA-1 runs beside SHA-256.
func (d *digest) add(r *rope) error {
	var side sync.WaitGroup
	if d.sha1 != nil {
		if r.file == nil && r.size > laterBlock {
			side.Go(func() { _ = r.each(func(p []byte) { _, _ = d.sha1.Write(p) }) })
		} else if err := r.each(func(p []byte) { _, _ = d.sha1.Write(p) }); err != nil {
			return err
		}
	}
	err := r.each(func(p []byte) { _, _ = d.sha256.Write(p) })
	side.Wait()
	return err
}

// hash takes in bytes as they come; join must follow.
func (d *digest) hash(p []byte) {
	if d.sha1 != nil {
		_, _ = d.sha1.Write(p)
	}
	_, _ = d.sha256.Write(p)
}

// counting adds what is read to a digest, while the processor has it at hand.
type counting struct {
	io.Reader
	digest *digest
}

// Read implements io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.digest.hash(p[:n])
	return n, err
}

// join adds the checksum of a rope whose bytes were hashed.
func (d *digest) join(r *rope) { d.crc = blob.CombineCRC32C(d.crc, r.crc, r.size) }

// drop forgets SHA-1: the file has grown past what it is wanted for.
func (d *digest) drop() { d.sha1 = nil }

// sum gives the digests of everything added.
func (d *digest) sum() clinical.Digests {
	out := clinical.Digests{SHA256: d.sha256.Sum(nil)}
	if d.sha1 != nil {
		out.SHA1 = d.sha1.Sum(nil)
	}
	return out
}
