package records_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
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

func hexOf(b []byte) string { return hex.EncodeToString(b) }
