package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

// A cursor is opaque to callers. It names a row of one list, as seen by one
// principal with one order and filter; with any other it is refused rather than
// answered with a page that means nothing. It holds ids, instants and sizes,
// never words of a chart: cursors end up in URLs (P10).
//
//	version 1 byte | shape 8 | uuid 16 | key 8, where the order has one
const (
	cursorVersion = 1
	shapeSize     = 8
	cursorSize    = 1 + shapeSize + 16
	maxPage       = 1000
)

// shape is what a cursor is bound to.
type shape [shapeSize]byte

// shapeOf digests everything that makes two lists different.
func shapeOf(parts ...any) (s shape) {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, part := range parts {
		_ = enc.Encode(part) // nothing we pass can fail to encode, and a hash takes everything
	}
	copy(s[:], h.Sum(nil))
	return s
}

// position is where a cursor points: a row's id and, where the order has one,
// its key.
type position struct {
	id  string
	key int64
}

func (s shape) cursor(p position, keyed bool) string {
	b := make([]byte, 0, cursorSize+8)
	b = append(b, cursorVersion)
	b = append(b, s[:]...)
	id, _ := hex.DecodeString(strings.ReplaceAll(p.id, "-", "")) // ids come from uuid columns
	b = append(b, id...)
	if keyed {
		b = binary.BigEndian.AppendUint64(b, uint64(p.key))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parse reads a cursor of this shape; Invalid, naming the field, for any other.
func (s shape) parse(field, cursor string, keyed bool) (position, error) {
	size := cursorSize
	if keyed {
		size += 8
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) != size || b[0] != cursorVersion || !bytes.Equal(b[1:1+shapeSize], s[:]) {
		return position{}, clinical.Bad(field, "this cursor does not belong to this list")
	}
	u := b[1+shapeSize : cursorSize]
	p := position{id: fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])}
	if keyed {
		p.key = int64(binary.BigEndian.Uint64(b[cursorSize:]))
	}
	return p, nil
}

// checkPage refuses a page without exactly one sensible size.
func checkPage(p clinical.Page) error {
	switch {
	case p.First < 0 || p.First > maxPage || p.Last == 0 && p.First == 0:
		return clinical.Bad("first", "out of range")
	case p.Last < 0 || p.Last > maxPage || p.First > 0 && p.Last > 0:
		return clinical.Bad("last", "out of range")
	}
	return nil
}
