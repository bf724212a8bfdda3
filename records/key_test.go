package records_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

func (c clinic) createKey(in records.CreateKey) records.CreatedKey {
	c.t.Helper()
	if in.Label == "" {
		in.Label = "Room 2"
	}
	out, err := c.Records.CreateKey(c.t.Context(), c.As("admin"), in)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// byKey is whom a secret opens the door to, as a request with it would be.
func (c clinic) byKey(secret string) (clinical.Actor, error) {
	gate := auth.New(auth.MembersOf(c.Store), auth.KeysOf(c.Store))
	return gate.Authenticate(c.t.Context(), "Bearer "+secret, "")
}

func (c clinic) mustByKey(secret string) clinical.Actor {
	c.t.Helper()
	a, err := c.byKey(secret)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func TestKeyOpensWhatItsMemberMay(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	scribe := c.As("scribe")
	k := c.createKey(records.CreateKey{Member: scribe.ID})
	if !strings.HasPrefix(k.Secret, "bfk_harbor-clinic.") || len(k.Secret) != len("bfk_harbor-clinic.")+43 {
		t.Errorf("secret %q", k.Secret)
	}
	a := c.mustByKey(k.Secret)
	if a.ID != scribe.ID || a.Kind != clinical.Agent || a.Session.MFA || a.Session.Purpose != clinical.Treatment || a.Session.Key != k.Key.ID {
		t.Errorf("got %+v", a)
	}
	f := c.upload("clinician", recording(), webm)
	if _, err := c.Records.File(ctx, a, f.ID); err != nil {
		t.Error(err)
	}
	events := c.events("file")
	if e := events[len(events)-1]; e.Actor != scribe.ID || e.Detail["keyId"] != string(k.Key.ID) {
		t.Errorf("the trail does not say which key: %+v", e)
	}
	keys, err := c.Records.MemberKeys(ctx, c.As("admin"), scribe.ID)
	if err != nil || len(keys) != 1 || keys[0].LastUsedAt == nil || keys[0].State(time.Now()) != clinical.KeyLive {
		t.Errorf("%+v: %v", keys, err)
	}
	for _, secret := range []string{
		"bfk_", "bfk_harbor-clinic", "bfk_harbor-clinic.", k.Secret[:len(k.Secret)-1], k.Secret + "A", "bfk_lakeside-clinic" + k.Secret[len("bfk_harbor-clinic"):],
		"bfk_HARBOR." + strings.Repeat("A", 43), "bfk_harbor-clinic." + strings.Repeat("A", 43), "bfk_no-such-clinic." + strings.Repeat("A", 43),
		"bfk_';DROP TABLE api_key;--." + strings.Repeat("A", 43), "bfk_" + strings.Repeat("x", 10_000),
	} {
		if _, err := c.byKey(secret); !clinical.Is(err, clinical.Unauthenticated) {
			t.Errorf("%.60q: %v", secret, err)
		}
	}
}

// A key's own grants are all that it reaches, until they end.
func TestKeyIsBoundToItsGrants(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	until := time.Now().Add(time.Hour)
	secondAudio := recording()
	secondAudio.Patient = demo.SecondPatient
	first, second := c.upload("clinician", recording(), webm), c.upload("clinician", secondAudio, webm)
	scribe := c.As("scribe").ID
	read := func(a clinical.Actor, f clinical.File) error { _, err := c.Records.File(ctx, a, f.ID); return err }

	patient := c.createKey(records.CreateKey{Member: scribe, Grants: []clinical.KeyGrant{{Patient: demo.SecondPatient, Until: until}}})
	a := c.mustByKey(patient.Secret)
	if err := read(a, second); err != nil {
		t.Error(err)
	}
	c.wantKind(read(a, first), clinical.NotFound) // on the scribe's panel, not in the key's grants

	visit := c.createKey(records.CreateKey{Member: scribe, Grants: []clinical.KeyGrant{{Encounter: demo.Encounter, Until: until}}})
	if g := visit.Key.Grants[0]; g.Patient != demo.Patient || g.Encounter != demo.Encounter {
		t.Errorf("the visit's patient is %s", g.Patient)
	}
	if err := read(c.mustByKey(visit.Secret), first); err != nil {
		t.Error(err)
	}
	if _, err := c.Records.SetPanel(ctx, c.As("admin"), records.SetPanel{Member: scribe, Remove: []clinical.PatientID{demo.SecondPatient}}); err != nil {
		t.Fatal(err)
	}
	c.wantKind(read(c.mustByKey(patient.Secret), second), clinical.NotFound)
}

// An agent that acts for a user may do what both may.
func TestKeyOnBehalfOfAUserIsTheIntersection(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	f := c.upload("clinician", recording(), webm)
	scribe := c.As("scribe").ID
	for who, kind := range map[string]clinical.Kind{"clinician": -1, "colleague": clinical.NotFound, "clerk": clinical.NotFound} {
		k := c.createKey(records.CreateKey{Member: scribe, OnBehalfOf: c.As(who).ID})
		_, err := c.Records.File(ctx, c.mustByKey(k.Secret), f.ID)
		if kind < 0 && err != nil || kind >= 0 && !clinical.Is(err, kind) {
			t.Errorf("for the %s: %v", who, err)
		}
	}
	events := c.events("file")
	if !slices.ContainsFunc(events, func(e clinical.AuditEvent) bool {
		return e.OnBehalfOf == c.As("clinician").ID && e.Actor == scribe && e.Outcome == clinical.Success
	}) {
		t.Error("the trail does not say on whose behalf")
	}
	k := c.createKey(records.CreateKey{Member: scribe, OnBehalfOf: c.As("clinician").ID})
	c.endMembership("clinician")
	if _, err := c.byKey(k.Secret); !clinical.Is(err, clinical.Unauthenticated) {
		t.Errorf("the user left: %v", err)
	}
}

func TestScopesOfAKeyNarrow(t *testing.T) {
	c := open(t)
	k := c.createKey(records.CreateKey{Member: c.As("scribe").ID, Scopes: []string{"patient/Media.c"}})
	f := c.upload("clinician", recording(), webm)
	a := c.mustByKey(k.Secret)
	_, err := c.Records.File(t.Context(), a, f.ID)
	c.wantKind(err, clinical.NotFound)
	if _, err := c.Records.BeginUpload(t.Context(), a, recording()); err != nil {
		t.Errorf("what it is for: %v", err)
	}
}

// What was begun with a key ends when the key is revoked, and not before.
func TestRevokedKeyEndsWhatWasBegunWithIt(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	f := c.upload("clinician", recording(), webm)
	k := c.createKey(records.CreateKey{Member: c.As("scribe").ID})
	a := c.mustByKey(k.Secret)
	l, err := c.Records.SignedURL(ctx, a, records.SignedURL{Document: string(f.ID), Delivery: clinical.Gated})
	if err != nil {
		t.Fatal(err)
	}
	token := l.URL[strings.LastIndex(l.URL, "/")+1:]
	size := int64(len(webm))
	in := recording()
	in.Length = &size
	begun, err := c.Records.BeginUpload(ctx, a, in)
	if err != nil || begun.Upload.Key != k.Key.ID {
		t.Fatalf("%+v: %v", begun.Upload, err)
	}
	if _, err := c.Records.FollowLink(ctx, token, ""); err != nil {
		t.Fatal(err)
	}

	for range 2 { // idempotent
		gone, err := c.Records.RevokeKey(ctx, c.As("admin"), k.Key.ID)
		if err != nil || gone.State(time.Now()) != clinical.KeyRevoked {
			t.Fatalf("%+v: %v", gone, err)
		}
	}
	if _, err := c.byKey(k.Secret); !clinical.Is(err, clinical.Unauthenticated) {
		t.Errorf("the key: %v", err)
	}
	_, err = c.Records.FollowLink(ctx, token, "")
	c.wantKind(err, clinical.Gone)
	up, err := c.Records.OpenUploadByToken(ctx, begun.Upload.ID, begun.Token, "", nil)
	if err == nil {
		up.Release()
	}
	c.wantKind(err, clinical.Unauthenticated)
}

func TestKeysAreMadeOfGoodInput(t *testing.T) {
	c := open(t)
	past, soon := time.Now().Add(-time.Second), time.Now().Add(time.Hour)
	scribe := c.As("scribe").ID
	for _, tc := range []struct {
		name  string
		in    records.CreateKey
		kind  clinical.Kind
		field string
	}{
		{"no such member", records.CreateKey{Member: nobody}, clinical.NotFound, "memberId"},
		{"a person", records.CreateKey{Member: c.As("clerk").ID}, clinical.Invalid, "memberId"},
		{"another clinic's", records.CreateKey{Member: c.As("outsider").ID}, clinical.NotFound, "memberId"},
		{"for nobody", records.CreateKey{Member: scribe, OnBehalfOf: nobody}, clinical.NotFound, "onBehalfOf"},
		{"for a machine", records.CreateKey{Member: scribe, OnBehalfOf: c.As("recorder").ID}, clinical.Invalid, "onBehalfOf"},
		{"for another clinic", records.CreateKey{Member: scribe, OnBehalfOf: c.As("outsider").ID}, clinical.NotFound, "onBehalfOf"},
		{"no label", records.CreateKey{Member: scribe, Label: "  "}, clinical.Invalid, "label"},
		{"a misspelt scope", records.CreateKey{Member: scribe, Scopes: []string{"patient/Media.read"}}, clinical.Invalid, "scopes"},
		{"empty scopes", records.CreateKey{Member: scribe, Scopes: []string{}}, clinical.Invalid, "scopes"},
		{"expired", records.CreateKey{Member: scribe, Expires: &past}, clinical.Invalid, "expiresAt"},
		{"a grant that is over", records.CreateKey{Member: scribe, Grants: []clinical.KeyGrant{{Patient: demo.Patient, Until: past}}}, clinical.Invalid, "grants"},
		{"a grant of nobody", records.CreateKey{Member: scribe, Grants: []clinical.KeyGrant{{Patient: nobody, Until: soon}}}, clinical.NotFound, "grants"},
		{"a grant of another clinic", records.CreateKey{Member: scribe, Grants: []clinical.KeyGrant{{Patient: demo.LakesidePatient, Until: soon}}}, clinical.NotFound, "grants"},
		{"another's visit", records.CreateKey{Member: scribe, Grants: []clinical.KeyGrant{{Patient: demo.SecondPatient, Encounter: demo.Encounter, Until: soon}}}, clinical.Invalid, "grants"},
	} {
		if tc.name != "no label" {
			tc.in.Label = "Room 2"
		}
		_, err := c.Records.CreateKey(t.Context(), c.As("admin"), tc.in)
		if f := clinical.AsFailure(err); f == nil || f.Kind != tc.kind || f.Field != tc.field {
			t.Errorf("%s: %v, want %s on %s", tc.name, err, tc.kind, tc.field)
		}
	}
	keys, err := c.Records.MemberKeys(t.Context(), c.As("admin"), "")
	if err != nil || len(keys) != 0 {
		t.Errorf("%d keys were made (%v)", len(keys), err)
	}
}

// P5: the making of a key is an event of every patient that it opens.
func TestP5_KeysAreAudited(t *testing.T) {
	c := open(t)
	until := time.Now().Add(time.Hour)
	k := c.createKey(records.CreateKey{Member: c.As("scribe").ID, Grants: []clinical.KeyGrant{
		{Patient: demo.Patient, Until: until}, {Patient: demo.SecondPatient, Until: until}, {Encounter: demo.Encounter, Until: until},
	}})
	plain := c.createKey(records.CreateKey{Member: c.As("recorder").ID})
	_, err := c.Records.CreateKey(t.Context(), c.As("clinician"), records.CreateKey{Member: c.As("scribe").ID, Label: "x"})
	c.wantKind(err, clinical.Forbidden)
	events := c.events("createKey")
	var seen []string
	for _, e := range events {
		seen = append(seen, string(e.Patient)+" "+string(e.Outcome)+" "+e.Entities[0].ID)
	}
	want := []string{
		" 0 " + string(plain.Key.ID), " 4 " + string(demo.Harbor),
		string(demo.Patient) + " 0 " + string(k.Key.ID), string(demo.SecondPatient) + " 0 " + string(k.Key.ID),
	}
	slices.Sort(seen)
	if !slices.Equal(seen, want) {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}
