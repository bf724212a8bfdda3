package seal

import (
	"fmt"
	"math"
)

// Kind is what is wrong with a row or a seal.
type Kind string

// The kinds of finding.
const (
	// Changed: the row is not the one that was sealed.
	Changed Kind = "changed"
	// Removed: the row was sealed and is gone.
	Removed Kind = "removed"
	// Inserted: the row was not written by the server: nothing ever queued it to be sealed.
	Inserted Kind = "inserted"
	// Backdated: the row says that it is much older than rows that were sealed before it.
	Backdated Kind = "backdated"
	// Postdated: the row says that it is much younger than its own seal.
	Postdated Kind = "postdated"
	// SealChanged: the database's seal is not the one that is anchored.
	SealChanged Kind = "seal changed"
	// SealRemoved: a seal is missing from the database.
	SealRemoved Kind = "seal removed"
	// Broken: a seal does not begin where the one before it ends.
	Broken Kind = "chain broken"
	// AnchorMissing: the bucket has no anchor of a seal, and none is due.
	AnchorMissing Kind = "anchor missing"
	// AnchorChanged: the anchor was written over or deleted, cannot be read, or
	// lies where it does not belong.
	AnchorChanged Kind = "anchor changed"
	// Differs: the event in an export is not what its row says.
	Differs Kind = "differs from its row"
)

// Finding is one thing that does not fit. It names rows by seq and id and says
// nothing of what is in them.
type Finding struct {
	Kind   Kind
	Tenant string
	// Seal is the number of the seal concerned, 0 when none is.
	Seal int64
	// Seq and ID name the row; of a finding about a seal, its first row as far as known.
	Seq int64
	ID  string
}

// ofSeal reports whether it is about a seal and not about a row.
func (f Finding) ofSeal() bool {
	switch f.Kind {
	case SealChanged, SealRemoved, Broken, AnchorMissing, AnchorChanged:
		return true
	}
	return false
}

// before reports whether f is to be named before g.
func (f Finding) before(g Finding) bool {
	if f.ofSeal() != g.ofSeal() {
		return g.ofSeal()
	}
	return f.Seq < g.Seq
}

// String is the finding in one line.
func (f Finding) String() string {
	if f.ofSeal() {
		return fmt.Sprintf("tenant %s: seal %d: %s", f.Tenant, f.Seal, f.Kind)
	}
	if f.Seq == math.MaxInt64 {
		return fmt.Sprintf("tenant %s: event %s: %s, no row tells of it", f.Tenant, f.ID, f.Kind)
	}
	if f.Seal == 0 {
		return fmt.Sprintf("tenant %s: row %d (event %s): %s, in no seal", f.Tenant, f.Seq, f.ID, f.Kind)
	}
	return fmt.Sprintf("tenant %s: row %d (event %s): %s, seal %d", f.Tenant, f.Seq, f.ID, f.Kind, f.Seal)
}

// maxFindings bounds what a report lists; all are counted.
const maxFindings = 1000

// Report is what a check has seen.
type Report struct {
	Tenant string
	// Seals were checked, Rows of them; Anchored seals are as the bucket has them.
	Seals, Rows, Anchored int64
	// AwaitingAnchor are seals that are due to be anchored, Unsealed rows that are due to be sealed.
	AwaitingAnchor, Unsealed int64
	// End is where the chain ends. Note its head elsewhere: it proves later that
	// nothing up to here was changed, even to someone who lost the bucket too.
	End End
	// Found counts the findings. First is the one about the lowest row, or about
	// the lowest seal when no row is concerned. Findings lists the first thousand.
	Found    int
	First    Finding
	Findings []Finding
}

// OK reports whether everything fits.
func (r *Report) OK() bool { return r.Found == 0 }

func (r *Report) add(k Kind, number, seq int64, id string) {
	f := Finding{Kind: k, Tenant: r.Tenant, Seal: number, Seq: seq, ID: id}
	if r.Found == 0 || f.before(r.First) {
		r.First = f
	}
	if r.Found++; r.Found <= maxFindings {
		r.Findings = append(r.Findings, f)
	}
}
