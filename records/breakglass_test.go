package records_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

const collapsed = "collapsed in the waiting room"

// glass is the principal asking for the purpose of broken glass, with the
// grants that the rows hold now.
func (c clinic) glass(who string) clinical.Actor {
	c.t.Helper()
	a := c.As(who)
	err := c.Store.InTx(c.t.Context(), a.Tenant, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Actor(ctx, a.ID)
		a.Session.BreakGlass = now.Session.BreakGlass
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if a, err = a.WithPurpose(clinical.BreakTheGlass); err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c clinic) breakGlass(who string, patient clinical.PatientID) records.BrokenGlass {
	c.t.Helper()
	out, err := c.Records.BreakGlass(c.t.Context(), c.As(who), records.BreakGlass{Patient: patient, Reason: collapsed})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// P4: broken glass opens one chart, for looking, while it lasts and no other way.
func TestP4_BrokenGlassOpensOneChartForLooking(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	f := c.upload("clinician", intake(), pdf)
	read := func(a clinical.Actor) error { _, err := c.Records.File(ctx, a, f.ID); return err }
	c.wantKind(read(c.glass("colleague")), clinical.NotFound)

	out := c.breakGlass("colleague", demo.Patient)
	if out.Patient.ID != demo.Patient || out.Grant.ExpiresAt.Sub(out.Grant.GrantedAt) != 15*time.Minute {
		t.Errorf("got %+v", out)
	}
	inside := c.glass("colleague")
	if err := read(inside); err != nil {
		t.Fatalf("with the glass broken: %v", err)
	}
	c.wantKind(read(c.As("colleague")), clinical.NotFound) // another purpose
	if _, err := c.Records.SignedURL(ctx, inside, records.SignedURL{Document: string(f.ID)}); err != nil {
		t.Errorf("download: %v", err)
	}
	_, err := c.Records.Patient(ctx, inside, demo.SecondPatient)
	c.wantKind(err, clinical.NotFound)
	_, err = c.Records.BeginUpload(ctx, inside, intake())
	c.wantKind(err, clinical.Forbidden)
	weak := inside
	weak.Session.MFA = false
	c.wantKind(read(weak), clinical.NotFound)
	// Somebody else's glass opens nothing, nor does one's own for another's purpose.
	stolen := c.glass("outsider")
	stolen.Session.BreakGlass = []clinical.BreakGlassGrant{out.Grant.Grant()}
	c.wantKind(read(stolen), clinical.NotFound)
}

func TestGlassHealsWithTime(t *testing.T) {
	var ahead time.Duration
	c := open(t, clinictest.Setup{Records: func(o *records.Options) { o.Now = func() time.Time { return time.Now().Add(ahead) } }})
	f := c.upload("clinician", intake(), pdf)
	c.breakGlass("colleague", demo.Patient)
	inside := c.glass("colleague")
	l, err := c.Records.SignedURL(t.Context(), inside, records.SignedURL{Document: string(f.ID), Delivery: clinical.Gated, TTL: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	token := l.URL[strings.LastIndex(l.URL, "/")+1:]
	if _, err := c.Records.FollowLink(t.Context(), token, ""); err != nil {
		t.Errorf("a gated link under broken glass: %v", err)
	}
	ahead = 10 * time.Minute // a link lives no longer than the grant it was issued under
	late, err := c.Records.SignedURL(t.Context(), inside, records.SignedURL{Document: string(f.ID), Delivery: clinical.Gated, TTL: 15 * time.Minute})
	if err != nil || late.Link.ExpiresAt.After(inside.Session.BreakGlass[0].Expires) {
		t.Errorf("a link until %v of a grant until %v (%v)", late.Link.ExpiresAt, inside.Session.BreakGlass[0].Expires, err)
	}
	ahead = 16 * time.Minute
	_, err = c.Records.File(t.Context(), inside, f.ID)
	c.wantKind(err, clinical.NotFound)
	_, err = c.Records.FollowLink(t.Context(), token, "")
	c.wantKind(err, clinical.Gone)
}

// The purpose named in the call counts as that of the request does.
func TestSignedURLForThePurposeOfBrokenGlass(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	in := records.SignedURL{Document: string(f.ID), Purpose: clinical.BreakTheGlass}
	_, err := c.Records.SignedURL(t.Context(), c.As("colleague"), in)
	c.wantKind(err, clinical.NotFound)
	c.breakGlass("colleague", demo.Patient)
	l, err := c.Records.SignedURL(t.Context(), c.As("colleague"), in)
	if err != nil || l.Link.Purpose != clinical.BreakTheGlass {
		t.Errorf("%+v: %v", l.Link, err)
	}
}

func TestP4_WhoMayBreakGlass(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	try := func(a clinical.Actor, p clinical.PatientID) *clinical.Failure {
		_, err := c.Records.BreakGlass(ctx, a, records.BreakGlass{Patient: p, Reason: collapsed})
		return clinical.AsFailure(err)
	}
	for _, tc := range []struct {
		who     string
		patient clinical.PatientID
		kind    clinical.Kind
	}{
		{"colleague", demo.LakesidePatient, clinical.NotFound}, // the wall between clinics has no glass
		{"colleague", nobody, clinical.NotFound},
		{"clerk", demo.Patient, clinical.Forbidden},
		{"auditor", demo.Patient, clinical.Forbidden},
		{"admin", demo.Patient, clinical.Forbidden},
		{"pipeline", demo.Patient, clinical.NotFound},
		{"scribe", demo.Patient, clinical.Forbidden},
		{"scribe", demo.SecondPatient, clinical.NotFound},
		{"outsider", demo.Patient, clinical.NotFound},
	} {
		if f := try(c.As(tc.who), tc.patient); f == nil || f.Kind != tc.kind {
			t.Errorf("%s, %s: %v, want %s", tc.who, tc.patient, f, tc.kind)
		}
	}
	// Without a second factor the answer does not depend on the patient.
	weak := c.As("colleague")
	weak.Session.MFA = false
	want := try(weak, demo.Patient)
	for _, p := range []clinical.PatientID{demo.ColleaguePatient, demo.LakesidePatient, nobody, "no-such-id"} {
		if f := try(weak, p); f == nil || f.Kind != clinical.Forbidden || f.Words != want.Words || f.Field != want.Field {
			t.Errorf("without a second factor, %s: %v and %v", p, f, want)
		}
	}
	for field, in := range map[string]records.BreakGlass{
		"reason":    {Patient: demo.Patient, Reason: "  too few  "},
		"expiresIn": {Patient: demo.Patient, Reason: collapsed, TTL: 2 * time.Hour},
	} {
		_, err := c.Records.BreakGlass(ctx, c.As("colleague"), in)
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	alerts := c.events("breakGlass")
	refused := slices.DeleteFunc(alerts, func(e clinical.AuditEvent) bool { return e.Outcome == clinical.Success })
	if len(refused) == 0 || len(refused) != len(alerts) {
		t.Errorf("%d of %d attempts stand in the trail as refused", len(refused), len(alerts))
	}
}

// P5: each use is a security alert, without the words of the reason, and waits
// in a queue until somebody else has looked at it.
func TestP5_BrokenGlassIsAnAlertAndIsReviewed(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	first, second := c.breakGlass("colleague", demo.Patient), c.breakGlass("clinician", demo.ColleaguePatient)
	alerts := c.events("breakGlass")
	if len(alerts) != 2 || alerts[0].ID != first.Grant.Audit || alerts[0].Subtype != "break-glass" || alerts[0].Patient != demo.Patient ||
		alerts[0].Action != clinical.AuditExecute || alerts[0].Entities[1].ID != string(first.Grant.ID) {
		t.Fatalf("alerts: %+v", alerts)
	}
	for _, e := range alerts {
		if strings.Contains(e.Query+e.Detail["reason"], collapsed) {
			t.Error("the reason stands in the trail")
		}
	}
	queue := func(who string, waiting bool) []clinical.GrantID {
		page, err := c.Records.BreakGlassReviews(ctx, c.As(who), records.BreakGlassQuery{Waiting: waiting, Page: clinical.Page{First: 10}})
		if err != nil {
			t.Fatalf("%s: %v", who, err)
		}
		var ids []clinical.GrantID
		for _, b := range page.Items {
			if b.Reason != collapsed {
				t.Errorf("reason %q", b.Reason)
			}
			ids = append(ids, b.ID)
		}
		return ids
	}
	for _, who := range []string{"admin", "auditor"} {
		if got := queue(who, true); !slices.Equal(got, []clinical.GrantID{first.Grant.ID, second.Grant.ID}) {
			t.Errorf("%s sees %v", who, got)
		}
	}
	for _, who := range []string{"clinician", "colleague", "clerk", "pipeline", "scribe", "recorder"} {
		_, err := c.Records.BreakGlassReviews(ctx, c.As(who), records.BreakGlassQuery{Page: clinical.Page{First: 10}})
		if !clinical.Is(err, clinical.Forbidden) {
			t.Errorf("%s reads the queue: %v", who, err)
		}
	}
	if page, err := c.Records.BreakGlassReviews(ctx, c.As("outsider"), records.BreakGlassQuery{Page: clinical.Page{First: 10}}); err == nil {
		t.Errorf("the other clinic sees %v", page)
	}

	review := func(who string, id clinical.GrantID) error {
		_, err := c.Records.ReviewBreakGlass(ctx, c.As(who), records.ReviewBreakGlass{Grant: id, Verdict: clinical.Justified, Remark: "seen"})
		return err
	}
	c.wantKind(review("auditor", first.Grant.ID), clinical.Forbidden)
	c.wantKind(review("colleague", first.Grant.ID), clinical.Forbidden)
	c.wantKind(review("admin", nobody), clinical.NotFound)
	if err := review("admin", first.Grant.ID); err != nil {
		t.Fatal(err)
	}
	c.wantKind(review("admin", first.Grant.ID), clinical.Conflict)
	if got := queue("admin", true); !slices.Equal(got, []clinical.GrantID{second.Grant.ID}) {
		t.Errorf("still waiting: %v", got)
	}
	if got := queue("auditor", false); len(got) != 2 {
		t.Errorf("in all: %v", got)
	}
	if e := c.events("reviewBreakGlass"); len(e) == 0 || e[len(e)-1].Patient != demo.Patient {
		t.Errorf("the review's event: %+v", e)
	}
}

// An administrator who is a clinician, too, does not judge their own.
func TestNobodyReviewsTheirOwn(t *testing.T) {
	c := open(t)
	both := c.As("colleague")
	both.Roles = append(both.Roles, clinical.Admin)
	err := c.Store.InTx(t.Context(), both.Tenant, func(ctx context.Context, tx *store.Tx) error {
		return tx.UpsertMember(ctx, both, store.Login{})
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Records.BreakGlass(t.Context(), both, records.BreakGlass{Patient: demo.Patient, Reason: collapsed})
	if err != nil {
		t.Fatal(err)
	}
	both.Session.Purpose = clinical.Operations
	_, err = c.Records.ReviewBreakGlass(t.Context(), both, records.ReviewBreakGlass{Grant: out.Grant.ID, Verdict: clinical.Justified})
	c.wantKind(err, clinical.Forbidden)
}
