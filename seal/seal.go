package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"time"
)

// Seal is one link of a tenant's chain.
type Seal struct {
	Tenant string
	// Number counts a tenant's seals from 1.
	Number int64
	// SealedAt never goes back from seal to seal; to the microsecond.
	SealedAt time.Time
	// FirstAt and LastAt are the earliest and the latest recorded_at among the rows.
	FirstAt, LastAt time.Time
	// Previous is the head of the seal before, Genesis for the first one.
	Previous Hash
	// Rows are what it seals, ascending by Seq; never none.
	Rows []Entry
}

// Entry is one sealed row: which, and the hash of the chain after it.
type Entry struct {
	Seq  int64  `json:"seq"`
	ID   string `json:"id"`
	Hash Hash   `json:"hash"`
}

// End is where a chain stands.
type End struct {
	Number   int64
	Head     Hash
	SealedAt time.Time
}

// Begin is where a tenant's chain stands before its first seal.
func Begin(tenant string) End { return End{Head: Genesis(tenant)} }

// Next seals rows, which ascend by Seq and are not none, after the given end.
func (e End) Next(tenant string, rows []Row, now time.Time) Seal {
	now = now.UTC().Truncate(time.Microsecond)
	if now.Before(e.SealedAt) {
		now = e.SealedAt // a clock that was set back
	}
	s := Seal{
		Tenant: tenant, Number: e.Number + 1, SealedAt: now, Previous: e.Head,
		FirstAt: rows[0].RecordedAt, LastAt: rows[0].RecordedAt, Rows: make([]Entry, len(rows)),
	}
	at := e.Head
	for i, r := range rows {
		at = r.After(at)
		s.Rows[i] = Entry{Seq: r.Seq, ID: r.ID, Hash: at}
		if r.RecordedAt.Before(s.FirstAt) {
			s.FirstAt = r.RecordedAt
		}
		if r.RecordedAt.After(s.LastAt) {
			s.LastAt = r.RecordedAt
		}
	}
	return s
}

// Head is the hash of the chain after the last row.
func (s Seal) Head() Hash {
	if len(s.Rows) == 0 {
		return s.Previous
	}
	return s.Rows[len(s.Rows)-1].Hash
}

// FromSeq and ToSeq are the seqs of the first and of the last row.
func (s Seal) FromSeq() int64 { return s.Rows[0].Seq }

// ToSeq is the seq of the last row.
func (s Seal) ToSeq() int64 { return s.Rows[len(s.Rows)-1].Seq }

// End is where the chain stands after this seal.
func (s Seal) End() End { return End{Number: s.Number, Head: s.Head(), SealedAt: s.SealedAt} }

// Folder is where the anchors are kept, beside every tenant's objects: no
// tenant's name begins with a dot.
const Folder = ".audit/"

// Key is where the seal's anchor is kept: <Folder><tenant>/yyyy/mm/dd/<number>.json.
// Keys sort as the seals do.
func (s Seal) Key() string {
	return path.Join(Folder, s.Tenant, s.SealedAt.UTC().Format("2006/01/02"), fmt.Sprintf("%012d.json", s.Number))
}

// form is a seal as JSON.
type form struct {
	Format   string  `json:"format"`
	Tenant   string  `json:"tenant"`
	Number   int64   `json:"number"`
	SealedAt string  `json:"sealedAt"`
	FirstAt  string  `json:"firstAt"`
	LastAt   string  `json:"lastAt"`
	FromSeq  int64   `json:"fromSeq"`
	ToSeq    int64   `json:"toSeq"`
	Count    int     `json:"count"`
	Previous Hash    `json:"previous"`
	Head     Hash    `json:"head"`
	Rows     []Entry `json:"rows"`
}

// JSON is the seal as an anchor holds it: the same bytes for the same seal.
func (s Seal) JSON() ([]byte, error) {
	return json.Marshal(form{
		Format: Format, Tenant: s.Tenant, Number: s.Number, SealedAt: written(s.SealedAt), FirstAt: written(s.FirstAt),
		LastAt: written(s.LastAt), FromSeq: s.FromSeq(), ToSeq: s.ToSeq(), Count: len(s.Rows), Previous: s.Previous,
		Head: s.Head(), Rows: s.Rows,
	})
}

// Parse reads a seal from JSON; one that contradicts itself is refused.
func Parse(text []byte) (Seal, error) {
	var f form
	if err := json.Unmarshal(text, &f); err != nil {
		return Seal{}, fmt.Errorf("seal: unreadable: %w", err)
	}
	if f.Format != Format {
		return Seal{}, errors.New("seal: another format than " + Format)
	}
	s := Seal{Tenant: f.Tenant, Number: f.Number, Previous: f.Previous, Rows: f.Rows}
	var errs [3]error
	s.SealedAt, errs[0] = time.Parse(timeLayout, f.SealedAt)
	s.FirstAt, errs[1] = time.Parse(timeLayout, f.FirstAt)
	s.LastAt, errs[2] = time.Parse(timeLayout, f.LastAt)
	if err := errors.Join(errs[:]...); err != nil {
		return Seal{}, fmt.Errorf("seal: unreadable: %w", err)
	}
	if err := s.sound(); err != nil {
		return Seal{}, err
	}
	if f.Head != s.Head() || f.Count != len(s.Rows) || f.FromSeq != s.FromSeq() || f.ToSeq != s.ToSeq() {
		return Seal{}, errors.New("seal: its rows and what it says of them differ")
	}
	return s, nil
}

// sound refuses a seal that Next cannot have made.
func (s Seal) sound() error {
	if s.Number < 1 || len(s.Rows) == 0 {
		return errors.New("seal: without a number, or of nothing")
	}
	for i := range s.Rows[1:] {
		if s.Rows[i].Seq >= s.Rows[i+1].Seq {
			return errors.New("seal: rows out of order")
		}
	}
	return nil
}

func written(t time.Time) string { return t.UTC().Format(timeLayout) }
