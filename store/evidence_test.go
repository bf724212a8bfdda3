package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

func (h *house) auditEvents(q AuditQuery) (events []clinical.AuditEvent) {
	h.Helper()
	f := h.filter(h.user(north, clinical.Auditor), policy.ReadAudit, policy.AuditLog)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		page, err := tx.AuditEvents(ctx, f, q, first(100))
		events = page.Items
		return err
	})
	return events
}

// An event goes with its effect: both are there or neither is (P5).
func TestP5_AuditGoesWithTheEffect(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	e := newAudit(f)
	wantKind(t, h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.AppendAudit(ctx, e))
		return errors.New("the effect fails")
	}), clinical.Internal)
	if got := h.auditEvents(AuditQuery{}); len(got) != 0 {
		t.Fatalf("the trail tells of what did not happen: %+v", got)
	}
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.AppendAudit(ctx, e) })
	same(t, h.auditEvents(AuditQuery{}), []clinical.AuditEvent{e}, nil)
}

// A client that retries what it is refused cannot flood the trail; each minute
// has its event, with a count of the others.
func TestP5_DenialsAreFoldedByTheMinute(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	at := func(d time.Duration, change func(*clinical.AuditEvent)) clinical.AuditEventID {
		e := newAudit(f)
		e.RecordedAt = noon.Add(d)
		e.RequestID = string(e.ID)
		change(&e)
		var written clinical.AuditEventID
		h.in(north, func(ctx context.Context, tx *Tx) (err error) { written, err = tx.AppendDenial(ctx, e); return err })
		return written
	}
	none := func(*clinical.AuditEvent) {}
	one := at(0, none)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if again := at(time.Duration(i)*time.Second, none); again != one {
				t.Errorf("the refusal was written again as %s", again)
			}
		})
	}
	all.Wait()
	next := at(time.Minute, none)
	other := at(0, func(e *clinical.AuditEvent) { e.Verb = "file" })
	repeats := map[clinical.AuditEventID]int{}
	for _, e := range h.auditEvents(AuditQuery{}) {
		repeats[e.ID] = e.Repeats
	}
	same(t, repeats, map[clinical.AuditEventID]int{one: 20, next: 0, other: 0}, nil)

	// A refusal whose transaction fails is not counted as told.
	e := newAudit(f)
	e.RecordedAt = noon.Add(time.Hour)
	_ = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		_, err := tx.AppendDenial(ctx, e)
		check(t, err)
		return errors.New("fails")
	})
	if again := at(time.Hour, none); again == e.ID {
		t.Error("folded into an event that is not there")
	}
}

func TestAuditQuery(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f, g := h.file(h.patient(north)), h.file(h.patient(north))
	var want []clinical.AuditEvent
	for i := range 7 {
		e := newAudit(f)
		e.RecordedAt = noon.Add(time.Duration(i/2) * time.Hour)
		want = append(want, e)
	}
	o := newAudit(g)
	o.Verb, o.Action, o.Outcome = "files", clinical.AuditExecute, clinical.Success
	h.in(north, func(ctx context.Context, tx *Tx) error {
		for _, e := range append(want, o) {
			check(t, tx.AppendAudit(ctx, e))
		}
		return nil
	})
	slices.SortFunc(want, func(a, b clinical.AuditEvent) int {
		if c := b.RecordedAt.Compare(a.RecordedAt); c != 0 {
			return c
		}
		if a.ID > b.ID {
			return -1
		}
		return 1
	})
	same(t, h.auditEvents(AuditQuery{Patient: f.Patient}), want, nil)
	same(t, h.auditEvents(AuditQuery{Entity: string(g.ID)}), []clinical.AuditEvent{o}, nil)
	same(t, h.auditEvents(AuditQuery{Actor: g.UploadedBy}), []clinical.AuditEvent{o}, nil)
	same(t, h.auditEvents(AuditQuery{Verbs: []string{"files"}}), []clinical.AuditEvent{o}, nil)
	same(t, h.auditEvents(AuditQuery{Actions: []clinical.AuditAction{clinical.AuditExecute}}), []clinical.AuditEvent{o}, nil)
	same(t, h.auditEvents(AuditQuery{Outcomes: []clinical.AuditOutcome{clinical.Success}}), []clinical.AuditEvent{o}, nil)
	from, before := noon.Add(time.Hour), noon.Add(3*time.Hour)
	same(t, h.auditEvents(AuditQuery{Patient: f.Patient, From: &from, Before: &before}), want[1:5], nil)
	same(t, len(h.auditEvents(AuditQuery{Patient: "x"})), 0, nil)

	auditor := h.filter(h.user(north, clinical.Auditor), policy.ReadAudit, policy.AuditLog)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		var got []clinical.AuditEvent
		for p := first(3); ; {
			page, err := tx.AuditEvents(ctx, auditor, AuditQuery{Patient: f.Patient}, p)
			check(t, err)
			if got = append(got, page.Items...); !page.HasNext {
				break
			}
			p.After = page.Cursors[len(page.Cursors)-1]
		}
		same(t, got, want, nil)
		return nil
	})
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	f := h.file(p)
	doctor := h.clinician(north, p.ID)
	second, one := newProvenance(f), newProvenance(f)
	second.RecordedAt, second.Activity, second.Signature = noon.Add(time.Hour), clinical.ActivityScan, "a.b.c"
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.AppendProvenance(ctx, second))
		check(t, tx.AppendProvenance(ctx, one))
		check(t, tx.AppendProvenance(ctx, newProvenance(clinical.File{ID: clinical.NewID[clinical.FileID](noon), Tenant: north, Patient: p.ID, UploadedBy: doctor.ID})))
		subject, err := tx.FileSubject(ctx, f.ID)
		check(t, err)
		got, err := tx.ProvenanceOf(ctx, h.decide(doctor, policy.ReadProvenance, subject))
		same(t, got, []clinical.Provenance{one, second}, err)
		targets, err := tx.ProvenanceTargets(ctx, one.ID)
		same(t, targets, one.Targets, err)
		_, err = tx.ProvenanceTargets(ctx, "x")
		wantKind(t, err, clinical.NotFound)
		return nil
	})
}
