package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Format names the format of rows and seals.
const Format = "bonfire-audit-seal/1"

// timeLayout is how instants are written: UTC, six decimals.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Columns are the columns of the audit trail that a row's hash covers: all of
// them, sorted. A column that is added later needs a new format, or the rows
// sealed before it would no longer fit.
func Columns() []string {
	return []string{
		"action", "actor_id", "actor_kind", "detail", "entities", "id", "on_behalf_of", "outcome", "patient_id",
		"purpose", "query", "recorded_at", "request_id", "roles", "rule", "seq", "subtype", "tenant_id", "verb",
	}
}

// Hash is a SHA-256; as text, 64 lower-case hexadecimal digits.
type Hash [sha256.Size]byte

// String is the hash as text.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errors.New("seal: a hash has 64 hexadecimal digits")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// Genesis is the hash before a tenant's first row.
func Genesis(tenant string) Hash { return sha256.Sum256([]byte(Format + "\n" + tenant)) }

// Row is one row of the trail.
type Row struct {
	Seq int64
	ID  string
	// RecordedAt is zero when the column holds no instant that can be read.
	RecordedAt time.Time
	canonical  []byte
}

// ParseRow reads a row from JSON with a member for each column, in any order.
func ParseRow(text []byte) (Row, error) {
	v, err := decode(text)
	if err != nil {
		return Row{}, fmt.Errorf("seal: a row is no JSON: %w", err)
	}
	members, ok := v.(map[string]any)
	if !ok {
		return Row{}, errors.New("seal: a row is no JSON object")
	}
	number, _ := members["seq"].(json.Number)
	r := Row{canonical: appendJSON(nil, v)}
	if r.Seq, err = number.Int64(); err != nil {
		return Row{}, errors.New("seal: a row has no seq")
	}
	r.ID, _ = members["id"].(string)
	at, _ := members["recorded_at"].(string)
	r.RecordedAt, _ = time.Parse(timeLayout, at)
	return r, nil
}

// Canonical is the row as it is hashed. The caller must not change it.
func (r Row) Canonical() []byte { return r.canonical }

// After is the hash of the chain after this row, given the one before it.
func (r Row) After(previous Hash) Hash {
	h := sha256.New()
	h.Write(previous[:])
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], uint64(r.Seq))
	h.Write(seq[:])
	h.Write(r.canonical)
	return Hash(h.Sum(nil))
}
