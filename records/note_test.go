package records_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// webm is the head of a recording, as a browser's recorder writes it.
var webm = append([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 0x01, 0x42, 0xf7, 0x81, 0x01, 0x42, 0xf2, 0x81, 0x04, 0x42, 0xf3, 0x81, 0x08, 0x42, 0x82, 0x84}, "webm0123456789"...)

// recording is a session's audio of the first demo patient.
func recording() records.BeginUpload {
	return records.BeginUpload{Patient: demo.Patient, Kind: "session-audio", ContentType: "audio/webm"}
}

func (c clinic) draft(who string, change ...func(*records.CreateNote)) clinical.Note {
	c.t.Helper()
	n, err := c.tryDraft(who, change...)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c clinic) tryDraft(who string, change ...func(*records.CreateNote)) (clinical.Note, error) {
	c.t.Helper()
	in := records.CreateNote{Patient: demo.Patient, Encounter: demo.Encounter, Title: "Follow-up", Draft: "S: better\nP: rest"}
	for _, ch := range change {
		ch(&in)
	}
	return c.Records.CreateNote(c.t.Context(), c.As(who), in)
}

func (c clinic) sign(who string, n clinical.Note) (clinical.Note, error) {
	return c.Records.SignNote(c.t.Context(), c.As(who), records.SignNote{Note: n.ID, Version: n.Version, AttestedSHA256: n.TextSHA256})
}

func (c clinic) mustSign(who string, n clinical.Note) clinical.Note {
	c.t.Helper()
	signed, err := c.sign(who, n)
	if err != nil {
		c.t.Fatal(err)
	}
	return signed
}

func (c clinic) edit(who string, n clinical.Note, text string) (clinical.Note, error) {
	return c.Records.UpdateNoteDraft(c.t.Context(), c.As(who), records.UpdateNoteDraft{Note: n.ID, Version: n.Version, Draft: text})
}

func (c clinic) amend(who string, n clinical.Note, key string) (clinical.Note, error) {
	return c.Records.AmendNote(c.t.Context(), c.As(who), records.AmendNote{Note: n.ID, Draft: "S: worse", Reason: "misheard", IdempotencyKey: key})
}

func (c clinic) retract(who string, n clinical.Note) (clinical.Note, error) {
	return c.Records.RetractNote(c.t.Context(), c.As(who), records.RetractNote{Note: n.ID, Version: n.Version, Reason: "other visit"})
}

func (c clinic) noteProvenance(n clinical.Note) []clinical.Provenance {
	c.t.Helper()
	out, err := c.Records.NoteProvenance(c.t.Context(), c.As("clinician"), n.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// colleagueJoins puts the first demo patient on the colleague's panel, too.
func (c clinic) colleagueJoins() {
	c.t.Helper()
	c.grant("colleague", demo.Patient)
}

func (c clinic) grant(who string, patient clinical.PatientID) {
	c.t.Helper()
	a := c.As(who)
	err := c.Store.InTx(c.t.Context(), a.Tenant, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddToPanel(ctx, a.ID, patient, nil)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// admin is a connection that no wall holds, for what the program cannot do.
func (c clinic) admin() *sql.DB {
	c.t.Helper()
	db, err := sql.Open("pgx", c.Env.AdminURL)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (c clinic) count(db *sql.DB, query string, args ...any) (n int) {
	c.t.Helper()
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// wantProblem fails unless err is a Conflict with a P in it.
func wantProblem[P error](t *testing.T, err error) (p P) {
	t.Helper()
	if !clinical.Is(err, clinical.Conflict) || !errors.As(err, &p) {
		t.Fatalf("got %v, want a conflict with %T", err, p)
	}
	return p
}

func TestP6_TheModelsDraftAndTheCliniciansTextAreBothKept(t *testing.T) {
	c := open(t)
	audio := c.upload("recorder", recording(), webm)
	ai := c.draft("scribe", func(in *records.CreateNote) { in.DerivedFrom = []string{string(audio.ID)} })
	edited, err := c.edit("clinician", ai, "S: better\nP: rest and fluids")
	if err != nil {
		t.Fatal(err)
	}
	signed := c.mustSign("clinician", edited)
	if signed.Status != clinical.NoteSigned || signed.Version != 3 || signed.Signer != c.As("clinician").ID || signed.Author != c.As("scribe").ID {
		t.Errorf("signed: %+v", signed)
	}
	versions, err := c.Records.NoteVersions(t.Context(), c.As("clinician"), signed.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		status clinical.NoteStatus
		text   string
		by     string
	}{
		{clinical.NoteDraft, ai.Text, "scribe"}, {clinical.NoteDraft, edited.Text, "clinician"}, {clinical.NoteSigned, edited.Text, "clinician"},
	}
	if len(versions) != len(want) {
		t.Fatalf("%d versions, want %d", len(versions), len(want))
	}
	for i, w := range want {
		v := versions[i]
		sum := sha256.Sum256([]byte(w.text))
		if v.Version != i+1 || v.Status != w.status || v.Text != w.text || v.By != c.As(w.by).ID || !slices.Equal(v.TextSHA256, sum[:]) ||
			len(v.Sources) != 1 || v.Sources[0].File != audio.ID {
			t.Errorf("version %d: %+v", i+1, v)
		}
	}
}

func TestNoteProvenanceIsVersionSpecificWithDigests(t *testing.T) {
	c := open(t)
	audio := c.upload("recorder", recording(), webm)
	a, b := 12.5, 19.0
	ai := c.draft("clinician", func(in *records.CreateNote) {
		in.Sources = []records.NoteSource{{File: audio.ID, Start: &a, End: &b}}
		in.DraftedBy = c.As("scribe").ID
	})
	edited, err := c.edit("clinician", ai, "S: well")
	if err != nil {
		t.Fatal(err)
	}
	signed := c.mustSign("clinician", edited)
	heard := clinical.Ref{Type: "Media", ID: string(audio.ID), Version: 1, SHA256: hex.EncodeToString(audio.Digests.SHA256), Fragment: "t=12.5,19.0"}
	at := func(n clinical.Note) clinical.Ref {
		return clinical.Ref{Type: "DocumentReference", ID: string(n.ID), Version: n.Version, SHA256: hex.EncodeToString(n.TextSHA256)}
	}
	doctor, scribe := c.As("clinician").ID, c.As("scribe").ID
	want := []clinical.Provenance{
		{Activity: clinical.ActivityDraft, Targets: []clinical.Ref{at(ai)}, Sources: []clinical.Ref{heard}, Agents: []clinical.ProvenanceAgent{
			{Type: "assembler", Actor: scribe, ActorKind: clinical.Agent, OnBehalfOf: doctor}, {Type: "enterer", Actor: doctor, ActorKind: clinical.User},
		}},
		{Activity: clinical.ActivityEdit, Targets: []clinical.Ref{at(edited)}, Sources: []clinical.Ref{at(ai)}, Agents: []clinical.ProvenanceAgent{
			{Type: "author", Actor: doctor, ActorKind: clinical.User},
		}},
		{Activity: clinical.ActivitySign, Targets: []clinical.Ref{at(signed)}, Sources: []clinical.Ref{at(edited), heard}, Agents: []clinical.ProvenanceAgent{
			{Type: "legal", Actor: doctor, ActorKind: clinical.User},
		}},
	}
	got := c.noteProvenance(signed)
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if g.Activity != w.Activity || g.Patient != demo.Patient || !slices.Equal(g.Targets, w.Targets) || !slices.Equal(g.Sources, w.Sources) || !slices.Equal(g.Agents, w.Agents) {
			t.Errorf("entry %d: %+v, want %+v", i, g, w)
		}
		if (g.Signature != "") != (w.Activity == clinical.ActivitySign) {
			t.Errorf("entry %d: signature %q", i, g.Signature)
		}
	}
}

// who may and may not: hidden is NOT_FOUND, seen is FORBIDDEN.
func TestP4_NoteVerbsAskTheGate(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	const ok, no, hidden = clinical.Kind(-1), clinical.Forbidden, clinical.NotFound
	fresh := func() clinical.Note { return c.draft("clinician") }
	signed := func() clinical.Note { return c.mustSign("clinician", fresh()) }
	verbs := map[string]struct {
		on   func() clinical.Note
		do   func(a clinical.Actor, n clinical.Note) error
		want map[string]clinical.Kind
	}{
		"createNote": {fresh, func(a clinical.Actor, _ clinical.Note) error {
			_, err := c.Records.CreateNote(ctx, a, records.CreateNote{Patient: demo.Patient, Draft: "x"})
			return err
		}, map[string]clinical.Kind{"clinician": ok, "scribe": ok, "recorder": no, "clerk": no, "auditor": no, "admin": no, "pipeline": hidden, "colleague": hidden, "outsider": hidden}},
		"note": {fresh, func(a clinical.Actor, n clinical.Note) error { _, err := c.Records.Note(ctx, a, n.ID); return err },
			map[string]clinical.Kind{"clinician": ok, "scribe": ok, "recorder": hidden, "clerk": hidden, "auditor": hidden, "admin": hidden, "pipeline": hidden, "colleague": hidden, "outsider": hidden}},
		"noteVersions": {fresh, func(a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.NoteVersions(ctx, a, n.ID)
			return err
		}, map[string]clinical.Kind{"clinician": ok, "scribe": ok, "clerk": hidden, "admin": hidden, "colleague": hidden, "outsider": hidden}},
		"noteProvenance": {fresh, func(a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.NoteProvenance(ctx, a, n.ID)
			return err
		}, map[string]clinical.Kind{"clinician": ok, "scribe": ok, "clerk": hidden, "admin": hidden, "colleague": hidden, "outsider": hidden}},
		"notes": {fresh, func(a clinical.Actor, _ clinical.Note) error {
			_, err := c.Records.Notes(ctx, a, demo.Patient, records.NoteQuery{Page: clinical.Page{First: 9}})
			return err
		}, map[string]clinical.Kind{"clinician": ok, "scribe": ok, "recorder": ok, "clerk": ok, "auditor": ok, "admin": ok, "pipeline": hidden, "colleague": hidden, "outsider": hidden}},
		"updateNoteDraft": {fresh, func(a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.UpdateNoteDraft(ctx, a, records.UpdateNoteDraft{Note: n.ID, Version: n.Version, Draft: "y"})
			return err
		}, map[string]clinical.Kind{"clinician": ok, "scribe": no, "recorder": hidden, "clerk": hidden, "admin": hidden, "colleague": hidden, "outsider": hidden}},
		"signNote": {fresh, func(a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.SignNote(ctx, a, records.SignNote{Note: n.ID, Version: n.Version})
			return err
		}, map[string]clinical.Kind{"clinician": ok, "scribe": no, "recorder": hidden, "clerk": hidden, "admin": hidden, "auditor": hidden, "pipeline": hidden, "colleague": hidden, "outsider": hidden}},
		"amendNote": {signed, func(a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.AmendNote(ctx, a, records.AmendNote{Note: n.ID, Draft: "z", Reason: "misheard"})
			return err
		}, map[string]clinical.Kind{"clinician": ok, "scribe": no, "recorder": hidden, "clerk": hidden, "admin": hidden, "colleague": hidden, "outsider": hidden}},
		"retractNote": {signed, func(a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.RetractNote(ctx, a, records.RetractNote{Note: n.ID, Version: n.Version, Reason: "other visit"})
			return err
		}, map[string]clinical.Kind{"clinician": ok, "scribe": no, "recorder": hidden, "clerk": hidden, "admin": hidden, "colleague": hidden, "outsider": hidden}},
	}
	for name, v := range verbs {
		n := v.on()
		for who, want := range v.want {
			if want == ok {
				continue
			}
			if err := v.do(c.As(who), n); !clinical.Is(err, want) {
				t.Errorf("%s as %s: %v, want %s", name, who, err, want)
			}
		}
		if err := v.do(clinical.Actor{}, n); !clinical.Is(err, clinical.Unauthenticated) {
			t.Errorf("%s as nobody: %v", name, err)
		}
		for who, want := range v.want {
			if want != ok {
				continue
			}
			if err := v.do(c.As(who), v.on()); err != nil {
				t.Errorf("%s as %s: %v", name, who, err)
			}
		}
		missing := clinical.Note{ID: nobody, Version: 1}
		if err := v.do(c.As("clinician"), missing); name != "createNote" && name != "notes" && !clinical.Is(err, clinical.NotFound) {
			t.Errorf("%s of what is not there: %v", name, err)
		}
		if err := v.do(c.As("clinician"), clinical.Note{ID: "'; DROP TABLE note; --", Version: 1}); name != "createNote" && name != "notes" && !clinical.Is(err, clinical.NotFound) {
			t.Errorf("%s of a malformed id: %v", name, err)
		}
	}
}

func TestNoteListShowsWhatTheReaderMaySee(t *testing.T) {
	c := open(t)
	c.draft("clinician")
	for who, want := range map[string]int{"clinician": 1, "scribe": 1, "clerk": 0, "auditor": 0, "admin": 0, "recorder": 0} {
		out, err := c.Records.Notes(t.Context(), c.As(who), demo.Patient, records.NoteQuery{Page: clinical.Page{First: 5}})
		if err != nil || len(out.Items) != want {
			t.Errorf("%s sees %d notes (%v), want %d", who, len(out.Items), err, want)
		}
	}
}

func TestP6_NeitherAgentNorDeviceSigns(t *testing.T) {
	c := open(t)
	own := c.draft("scribe")
	_, err := c.sign("scribe", own)
	c.wantKind(err, clinical.Forbidden)
	// Acting for a clinician, with every role there is, does not help.
	scribe, doctor := c.As("scribe"), c.As("clinician")
	scribe.OnBehalfOf, scribe.Roles = &doctor, []clinical.Role{clinical.Clinician, clinical.Admin, clinical.Pipeline}
	_, err = c.Records.SignNote(t.Context(), scribe, records.SignNote{Note: own.ID, Version: 1})
	c.wantKind(err, clinical.Forbidden)
	device := c.As("recorder")
	device.Roles, device.OnBehalfOf = []clinical.Role{clinical.Clinician}, &doctor
	_, err = c.Records.SignNote(t.Context(), device, records.SignNote{Note: own.ID, Version: 1})
	if err == nil {
		t.Fatal("a device signed")
	}
	signed := c.mustSign("clinician", own)
	_, err = c.amend("scribe", signed, "")
	c.wantKind(err, clinical.Forbidden)
	var denied int
	for _, e := range c.events("signNote") {
		if e.Outcome == clinical.MinorFailure && e.Rule == "only-people-sign" {
			denied++
		}
	}
	if denied < 2 {
		t.Errorf("%d refusals stand in the trail under the wall's name", denied)
	}
}

func TestP6_AnAgentEditsAndRetractsItsOwnDraftsOnly(t *testing.T) {
	c := open(t)
	own, others := c.draft("scribe"), c.draft("clinician")
	own, err := c.edit("scribe", own, "S: reworded")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.edit("scribe", others, "mine now")
	c.wantKind(err, clinical.Forbidden)
	_, err = c.retract("scribe", others)
	c.wantKind(err, clinical.Forbidden)
	if _, err = c.retract("scribe", own); err != nil {
		t.Fatal(err)
	}
	signed := c.mustSign("clinician", c.draft("scribe"))
	_, err = c.edit("scribe", signed, "after the fact")
	c.wantKind(err, clinical.Forbidden)
	_, err = c.retract("scribe", signed)
	c.wantKind(err, clinical.Forbidden)
}

func TestSignTwiceStaleOrUnread(t *testing.T) {
	c := open(t)
	n := c.draft("scribe")
	read := n
	n, err := c.edit("clinician", n, "S: other words")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.sign("clinician", read)
	if p := wantProblem[*records.VersionConflict](t, err); p.Current != 2 {
		t.Errorf("the current version is 2, not %d", p.Current)
	}
	_, err = c.Records.SignNote(t.Context(), c.As("clinician"), records.SignNote{Note: n.ID, Version: n.Version, AttestedSHA256: read.TextSHA256})
	if p := wantProblem[*records.TextChanged](t, err); !slices.Equal(p.Current, n.TextSHA256) {
		t.Errorf("digest %x", p.Current)
	}
	signed := c.mustSign("clinician", n)
	_, err = c.sign("clinician", signed)
	if p := wantProblem[*records.NotSignable](t, err); p.Status != clinical.NoteSigned {
		t.Errorf("status %s", p.Status)
	}
	_, err = c.edit("clinician", signed, "late change")
	wantProblem[*records.NotSignable](t, err)
	blank := c.draft("clinician", func(in *records.CreateNote) { in.Draft = " \n" })
	_, err = c.sign("clinician", blank)
	wantProblem[*records.NotSignable](t, err)
	var rules []string
	for _, e := range c.events("signNote") {
		if e.Outcome == clinical.MinorFailure {
			rules = append(rules, e.Rule)
		}
	}
	if want := []string{"version-conflict", "text-changed", "state", "state"}; !slices.Equal(rules, want) {
		t.Errorf("failed attempts in the trail: %v, want %v", rules, want)
	}
}

func TestTwoCliniciansSignAtOnce(t *testing.T) {
	c := open(t)
	c.colleagueJoins()
	for range 5 {
		n := c.draft("scribe")
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, who := range []string{"clinician", "colleague"} {
			actor := c.As(who)
			wg.Go(func() {
				_, errs[i] = c.Records.SignNote(t.Context(), actor, records.SignNote{Note: n.ID, Version: n.Version})
			})
		}
		wg.Wait()
		won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
		if won < 0 || errs[1-won] == nil {
			t.Fatalf("outcomes: %v", errs)
		}
		wantProblem[*records.NotSignable](t, errs[1-won])
		var successes, failures int
		for _, e := range c.events("signNote") {
			if e.Entities[0].ID != string(n.ID) {
				continue
			}
			if e.Outcome == clinical.Success {
				successes++
			} else {
				failures++
			}
		}
		if successes != 1 || failures != 1 {
			t.Errorf("in the trail: %d signed, %d failed", successes, failures)
		}
		signs := 0
		for _, p := range c.noteProvenance(n) {
			if p.Activity == clinical.ActivitySign {
				signs++
			}
		}
		if signs != 1 {
			t.Errorf("%d signatures", signs)
		}
	}
}

func TestAmendmentReplacesOnlyWhenSigned(t *testing.T) {
	c := open(t)
	old := c.mustSign("clinician", c.draft("scribe"))
	draft, err := c.amend("clinician", old, "amend-key-1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.amend("clinician", old, "amend-key-1")
	if err != nil || again.ID != draft.ID {
		t.Fatalf("the same call made %s, then %s (%v)", draft.ID, again.ID, err)
	}
	if draft.Amends != old.ID || draft.Status != clinical.NoteDraft || draft.Encounter != old.Encounter || draft.Title != old.Title {
		t.Errorf("the draft: %+v", draft)
	}
	if now, _ := c.Records.Note(t.Context(), c.As("clinician"), old.ID); now.Status != clinical.NoteSigned || now.AmendedBy != "" {
		t.Errorf("a mere draft replaced the signed note: %+v", now)
	}
	amended := c.mustSign("clinician", draft)
	now, err := c.Records.Note(t.Context(), c.As("clinician"), old.ID)
	if err != nil || now.Status != clinical.NoteAmended || now.AmendedBy != amended.ID || now.Text != old.Text || now.Version != old.Version+1 {
		t.Errorf("the old note: %+v (%v)", now, err)
	}
	var how []clinical.Activity
	for _, p := range c.noteProvenance(draft) {
		how = append(how, p.Activity)
		if p.Activity == clinical.ActivityAmend && (p.Reason != "misheard" || p.Sources[0].ID != string(old.ID) || p.Sources[0].Version != old.Version) {
			t.Errorf("the amendment's evidence: %+v", p)
		}
	}
	if want := []clinical.Activity{clinical.ActivityAmend, clinical.ActivitySupersede, clinical.ActivitySign}; !slices.Equal(how, want) {
		t.Errorf("evidence %v, want %v", how, want)
	}
	_, err = c.amend("clinician", now, "")
	wantProblem[*records.NotSignable](t, err)
	if _, err = c.amend("clinician", amended, ""); err != nil {
		t.Errorf("an amendment is amended in its turn: %v", err)
	}
}

func TestOfTwoAmendmentsOneReplaces(t *testing.T) {
	c := open(t)
	c.colleagueJoins()
	old := c.mustSign("clinician", c.draft("scribe"))
	drafts := make([]clinical.Note, 2)
	errs := make([]error, 2)
	actors := []clinical.Actor{c.As("clinician"), c.As("colleague")}
	for i, who := range []string{"clinician", "colleague"} {
		if drafts[i], errs[i] = c.amend(who, old, ""); errs[i] != nil {
			t.Fatal(errs[i])
		}
	}
	var wg sync.WaitGroup
	for i := range drafts {
		wg.Go(func() {
			_, errs[i] = c.Records.SignNote(t.Context(), actors[i], records.SignNote{Note: drafts[i].ID, Version: 1})
		})
	}
	wg.Wait()
	won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
	if won < 0 {
		t.Fatalf("outcomes: %v", errs)
	}
	wantProblem[*records.NotSignable](t, errs[1-won])
	loser, err := c.Records.Note(t.Context(), c.As("clinician"), drafts[1-won].ID)
	if err != nil || loser.Status != clinical.NoteDraft || loser.Signer != "" {
		t.Errorf("the loser: %+v (%v)", loser, err)
	}
}

func TestNoteSourcesAreDecidedOneByOne(t *testing.T) {
	c := open(t)
	audio := c.upload("recorder", recording(), webm)
	form := c.upload("clinician", intake(), pdf)
	other := intake()
	other.Patient = demo.SecondPatient
	elsewhere := c.upload("clinician", other, pdf)
	draft := func(who string, from ...string) error {
		_, err := c.tryDraft(who, func(in *records.CreateNote) { in.DerivedFrom = from })
		return err
	}
	for name, tc := range map[string]struct {
		who  string
		from clinical.FileID
		kind clinical.Kind
	}{
		"what the scribe may not see": {"scribe", form.ID, clinical.NotFound},
		"another patient's, visible":  {"clinician", elsewhere.ID, clinical.Invalid},
		"another patient's, hidden":   {"scribe", elsewhere.ID, clinical.NotFound},
		"what is not there":           {"clinician", nobody, clinical.NotFound},
		"nonsense":                    {"clinician", "x'", clinical.NotFound},
	} {
		err := draft(tc.who, string(audio.ID), string(tc.from))
		if f := clinical.AsFailure(err); f == nil || f.Kind != tc.kind || f.Field != "derivedFrom" {
			t.Errorf("%s: %v, want %s on derivedFrom", name, err, tc.kind)
		}
	}
	if err := draft("clinician", string(audio.ID), string(form.ID)); err != nil {
		t.Error(err)
	}
	if err := draft("colleague", string(audio.ID)); clinical.AsFailure(err).Field != "patientId" {
		t.Errorf("the hidden patient goes first: %v", err)
	}
	first := c.draft("clinician")
	second := c.draft("clinician", func(in *records.CreateNote) { in.DerivedFrom = []string{string(first.ID), string(audio.ID)} })
	if len(second.Sources) != 2 || second.Sources[0].Note != first.ID || second.Sources[1].File != audio.ID {
		t.Errorf("sources: %+v", second.Sources)
	}
	list := func(q records.NoteQuery, who string) (ids []clinical.NoteID) {
		q.Page = clinical.Page{First: 50}
		out, err := c.Records.Notes(t.Context(), c.As(who), demo.Patient, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range out.Items {
			ids = append(ids, n.ID)
		}
		return ids
	}
	if got := list(records.NoteQuery{FromNote: first.ID}, "clinician"); !slices.Equal(got, []clinical.NoteID{second.ID}) {
		t.Errorf("notes from the note: %v", got)
	}
	if got := list(records.NoteQuery{FromFile: form.ID}, "clinician"); len(got) != 1 {
		t.Errorf("notes from the form: %v", got)
	}
	if got := list(records.NoteQuery{FromFile: form.ID}, "scribe"); len(got) != 0 {
		t.Errorf("the scribe learns what comes from a file it may not see: %v", got)
	}
	if got := list(records.NoteQuery{}, "scribe"); len(got) != 3 {
		t.Errorf("the scribe reads %d notes", len(got))
	}
}

func TestNoteIsAsConfidentialAsItsSources(t *testing.T) {
	c := open(t)
	audio, form := c.upload("recorder", recording(), webm), c.upload("clinician", intake(), pdf)
	if _, err := c.admin().Exec(`UPDATE file SET confidentiality = 1 WHERE id = $1`, string(audio.ID)); err != nil {
		t.Fatal(err)
	}
	n := c.draft("clinician", func(in *records.CreateNote) { in.DerivedFrom = []string{string(form.ID), string(audio.ID)} })
	if n.Confidentiality != clinical.Restricted {
		t.Fatalf("confidentiality %d", n.Confidentiality)
	}
	// The scribe's clearance is lower: neither the recording nor the note is there for it.
	_, err := c.Records.Note(t.Context(), c.As("scribe"), n.ID)
	c.wantKind(err, clinical.NotFound)
	_, err = c.tryDraft("scribe", func(in *records.CreateNote) { in.DerivedFrom = []string{string(audio.ID)} })
	c.wantKind(err, clinical.NotFound)
	// It stays so when the source is taken out, and in what comes from the note.
	n, err = c.Records.UpdateNoteDraft(t.Context(), c.As("clinician"), records.UpdateNoteDraft{Note: n.ID, Version: 1, Draft: "x", DerivedFrom: []string{}})
	if err != nil || len(n.Sources) != 0 || n.Confidentiality != clinical.Restricted {
		t.Errorf("without its source: %+v (%v)", n, err)
	}
	amendment, err := c.amend("clinician", c.mustSign("clinician", n), "")
	if err != nil || amendment.Confidentiality != clinical.Restricted {
		t.Errorf("amendment: %+v (%v)", amendment, err)
	}
}

func TestSpansOfARecording(t *testing.T) {
	c := open(t)
	audio, form := c.upload("recorder", recording(), webm), c.upload("clinician", intake(), pdf)
	if _, err := c.admin().Exec(`UPDATE file SET duration = 60 WHERE id = $1`, string(audio.ID)); err != nil {
		t.Fatal(err)
	}
	at := func(f float64) *float64 { return &f }
	n := c.draft("scribe", func(in *records.CreateNote) {
		in.Sources = []records.NoteSource{{audio.ID, at(12.5), at(19)}, {audio.ID, at(30), nil}, {audio.ID, nil, at(0.0301)}, {audio.ID, at(12.5), at(19)}}
		in.DerivedFrom = []string{string(audio.ID)}
	})
	var got []string
	for _, r := range n.SourceRefs() {
		got = append(got, r.Fragment)
	}
	if want := []string{"t=12.5,19.0", "t=30.0", "t=0.0,0.03"}; !slices.Equal(got, want) {
		t.Errorf("spans %v, want %v", got, want)
	}
	if files := n.Files(); len(files) != 1 || files[0] != audio.ID {
		t.Errorf("files %v", files)
	}
	nan := 0.0
	nan /= nan
	for name, s := range map[string]records.NoteSource{
		"a form":          {form.ID, at(1), at(2)},
		"backwards":       {audio.ID, at(2), at(1)},
		"nothing":         {audio.ID, at(2), at(2)},
		"before the tape": {audio.ID, at(-1), nil},
		"past the end":    {audio.ID, at(59), at(60.5)},
		"no number":       {audio.ID, &nan, nil},
	} {
		_, err := c.tryDraft("clinician", func(in *records.CreateNote) { in.Sources = []records.NoteSource{s} })
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != "sources" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUploadBecomesASourceOfItsDraft(t *testing.T) {
	c := open(t)
	n := c.draft("clinician")
	in := recording()
	in.Note = n.ID
	f := c.upload("clinician", in, webm)
	now, err := c.Records.Note(t.Context(), c.As("clinician"), n.ID)
	if err != nil || now.Version != 2 || len(now.Sources) != 1 || now.Sources[0].File != f.ID || now.Text != n.Text {
		t.Fatalf("the draft: %+v (%v)", now, err)
	}
	files, err := c.Records.Files(t.Context(), c.As("clinician"), demo.Patient, records.FileQuery{Note: n.ID, Page: clinical.Page{First: 5}})
	if err != nil || len(files.Items) != 1 || files.Items[0].ID != f.ID {
		t.Errorf("files of the note: %+v (%v)", files.Items, err)
	}
	hidden, err := c.Records.Files(t.Context(), c.As("clerk"), demo.Patient, records.FileQuery{Note: n.ID, Page: clinical.Page{First: 5}})
	if err != nil || len(hidden.Items) != 0 {
		t.Errorf("files of a note the clerk may not see: %+v (%v)", hidden.Items, err)
	}
	_, err = c.tryUpload("clerk", records.BeginUpload{Patient: demo.Patient, Kind: "consent", ContentType: "application/pdf", Note: n.ID}, pdf)
	if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.NotFound || f.Field != "noteId" {
		t.Errorf("the clerk: %v", err)
	}
	other := intake()
	other.Patient, other.Note = demo.SecondPatient, n.ID
	_, err = c.tryUpload("clinician", other, pdf)
	c.wantKind(err, clinical.Invalid)

	// A draft that is signed while the bytes are under way stays as it was signed.
	size := int64(len(webm))
	in.Length = &size
	begun, err := c.Records.BeginUpload(t.Context(), c.As("clinician"), in)
	if err != nil {
		t.Fatal(err)
	}
	signed := c.mustSign("clinician", now)
	up, err := c.Records.OpenUpload(t.Context(), c.As("clinician"), begun.Upload.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer up.Release()
	if _, err := up.Receive(t.Context(), strings.NewReader(string(webm)), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := up.Finish(t.Context(), false); err != nil {
		t.Fatalf("the file was not stored: %v", err)
	}
	if now, _ = c.Records.Note(t.Context(), c.As("clinician"), n.ID); now.Version != signed.Version || len(now.Sources) != 1 {
		t.Errorf("the signed note: %+v", now)
	}
	_, err = c.tryUpload("clinician", in, webm)
	c.wantKind(err, clinical.Invalid)
}

func TestSameKeySameNote(t *testing.T) {
	c := open(t)
	keyed := func(in *records.CreateNote) { in.IdempotencyKey = "note-key-1" }
	a, b := c.draft("clinician", keyed), c.draft("clinician", keyed)
	if a.ID != b.ID {
		t.Errorf("two notes: %s, %s", a.ID, b.ID)
	}
	_, err := c.tryDraft("clinician", keyed, func(in *records.CreateNote) { in.Draft = "other" })
	c.wantKind(err, clinical.Conflict)
}

func TestSignerSeesWhatLeftTheChart(t *testing.T) {
	c := open(t)
	audio := c.upload("recorder", recording(), webm)
	n := c.draft("scribe", func(in *records.CreateNote) { in.DerivedFrom = []string{string(audio.ID)} })
	if _, err := c.admin().Exec(`UPDATE file SET status = 'entered-in-error' WHERE id = $1`, string(audio.ID)); err != nil {
		t.Fatal(err)
	}
	_, err := c.sign("clinician", n)
	wantProblem[*records.NotSignable](t, err)
	n, err = c.Records.UpdateNoteDraft(t.Context(), c.As("clinician"), records.UpdateNoteDraft{Note: n.ID, Version: n.Version, Draft: n.Text, DerivedFrom: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	c.mustSign("clinician", n)
}

// The audit insert fails: nothing of the act remains.
func TestP5_NoAuditRowNoNote(t *testing.T) {
	c := open(t)
	admin := c.admin()
	draft := c.draft("clinician")
	signed := c.mustSign("clinician", c.draft("clinician"))
	amendment, err := c.amend("clinician", signed, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(`ALTER TABLE audit_event ADD CONSTRAINT full_disk CHECK (verb NOT IN ('createNote', 'updateNoteDraft', 'signNote', 'amendNote', 'retractNote')) NOT VALID`); err != nil {
		t.Fatal(err)
	}
	state := func() [5]int {
		return [5]int{
			c.count(admin, `SELECT count(*) FROM note`), c.count(admin, `SELECT coalesce(sum(version), 0) FROM note`),
			c.count(admin, `SELECT count(*) FROM note_version`), c.count(admin, `SELECT count(*) FROM provenance`), c.count(admin, `SELECT count(*) FROM outbox`),
		}
	}
	before := state()
	for name, try := range map[string]func() error{
		"create":  func() error { _, err := c.tryDraft("clinician"); return err },
		"edit":    func() error { _, err := c.edit("clinician", draft, "other"); return err },
		"sign":    func() error { _, err := c.sign("clinician", draft); return err },
		"amend":   func() error { _, err := c.amend("clinician", signed, ""); return err },
		"replace": func() error { _, err := c.sign("clinician", amendment); return err },
		"retract": func() error { _, err := c.retract("clinician", signed); return err },
	} {
		if err := try(); !clinical.Is(err, clinical.Internal) {
			t.Errorf("%s: %v", name, err)
		}
		if after := state(); after != before {
			t.Errorf("%s left something behind: %v, before %v", name, after, before)
		}
	}
}
