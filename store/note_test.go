package store

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

func newNote(p clinical.Patient, author clinical.Actor) clinical.Note {
	text := "S: better"
	sum := sha256.Sum256([]byte(text))
	return clinical.Note{
		ID: clinical.NewID[clinical.NoteID](noon), Tenant: p.Tenant, Patient: p.ID, Status: clinical.NoteDraft, Version: 1,
		Title: "Follow-up", Text: text, TextSHA256: sum[:], Author: author.ID, AuthorKind: author.Kind, CreatedAt: noon, UpdatedAt: noon,
		Sources: []clinical.NoteSource{},
	}
}

func (h *house) note(p clinical.Patient, author clinical.Actor, change ...func(*clinical.Note)) clinical.Note {
	h.Helper()
	n := newNote(p, author)
	for _, c := range change {
		c(&n)
	}
	h.in(p.Tenant, func(ctx context.Context, tx *Tx) error { return tx.InsertNote(ctx, n, author) })
	return n
}

// signedNote signs one in the name of the signer.
func (h *house) signedNote(p clinical.Patient, signer clinical.Actor) clinical.Note {
	h.Helper()
	n := h.note(p, signer)
	d := h.decide(signer, policy.SignNote, policy.OfNote(n, nil))
	h.in(p.Tenant, func(ctx context.Context, tx *Tx) (err error) {
		n.Status, n.Signer, n.SignedAt, n.UpdatedAt = clinical.NoteSigned, signer.ID, &noon, noon
		n, err = tx.ChangeNote(ctx, d, n, signer)
		return err
	})
	return n
}

func TestNoteRoundTrip(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	doctor := h.clinician(north, p.ID)
	want := h.note(p, doctor, func(n *clinical.Note) {
		n.Confidentiality = clinical.Restricted
		n.Sources = []clinical.NoteSource{{
			File: clinical.NewID[clinical.FileID](noon), Type: clinical.Media, Version: 2, SHA256: strings.Repeat("ab", 32),
			Span: &clinical.Span{Start: 12500 * time.Millisecond, End: 19 * time.Second},
		}}
	})
	d := h.decide(doctor, policy.ReadNote, policy.OfNote(want, nil))
	h.in(north, func(ctx context.Context, tx *Tx) error {
		got, err := tx.Note(ctx, d)
		check(t, err)
		if len(got.Sources) != 1 || got.Sources[0].Ref() != want.Sources[0].Ref() || got.Text != want.Text || got.Title != want.Title ||
			got.Confidentiality != want.Confidentiality || !got.CreatedAt.Equal(noon) || got.Author != doctor.ID || got.Version != 1 {
			t.Errorf("got %+v, want %+v", got, want)
		}
		_, err = tx.Note(ctx, policy.Decision{})
		wantKind(t, err, clinical.Internal)
		_, err = tx.ChangeNote(ctx, policy.Decision{}, want, doctor)
		wantKind(t, err, clinical.Internal)
		_, err = tx.NoteVersions(ctx, policy.Decision{})
		wantKind(t, err, clinical.Internal)
		return nil
	})
}

// Whoever writes past the program: the database keeps a signed note as it is.
func TestP6_SignedNoteIsImmutableInTheDatabase(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	doctor := h.clinician(north, p.ID)
	n := h.signedNote(p, doctor)
	other := h.user(north, clinical.Clinician)
	superuser := h.as(h.env.AdminURL)
	for _, set := range []string{
		`title = 'other'`, `text = 'other', text_sha256 = sha256('other')`, `text = text || ' '`, `sources = '[{}]'`, `confidentiality = 2`,
		`patient_id = '` + string(h.patient(north).ID) + `'`, `signer_id = '` + string(other.ID) + `'`, `signed_at = now()`,
		`signer_id = NULL, signed_at = NULL, status = 'draft'`, `status = 'draft'`, `author_id = '` + string(other.ID) + `'`,
		`created_at = now()`, `amends = id`, `encounter_id = NULL, title = 'x'`,
		`status = 'amended'`, `status = 'entered-in-error', text = 'x', text_sha256 = sha256('x')`,
	} {
		_, err := superuser.Exec(`UPDATE note SET version = version + 1, ` + set + ` WHERE id = '` + string(n.ID) + `'`)
		if state := sqlState(err); state != restrictViolation && state != "23514" {
			t.Errorf("%s: %v", set, err)
		}
	}
	for _, statement := range []string{
		`UPDATE note SET updated_at = now()`, `DELETE FROM note`,
	} {
		if _, err := superuser.Exec(statement); sqlState(err) != restrictViolation && sqlState(err) != foreignKeyViolation {
			t.Errorf("%s: %v", statement, err)
		}
	}
	for _, statement := range []string{`DELETE FROM note`, `UPDATE note_version SET text = 'x'`, `DELETE FROM note_version`, `TRUNCATE note_version`} {
		err := h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error { _, err := tx.exec(ctx, statement); return err })
		if sqlState(err) != insufficientPrivilege {
			t.Errorf("%s by the server: %v", statement, err)
		}
	}
}

// A signer is a user, whatever the program believes.
func TestP6_SignerIsAUserInTheDatabase(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	doctor := h.clinician(north, p.ID)
	superuser := h.as(h.env.AdminURL)
	for _, kind := range []clinical.ActorKind{clinical.Agent, clinical.Device, clinical.System} {
		machine := h.member(clinical.Actor{Kind: kind, Tenant: north}, p.ID)
		n := h.note(p, doctor)
		for what, db := range map[string]string{"the server": h.env.AppURL, "a superuser": h.env.AdminURL} {
			conn := h.as(db)
			btx, err := conn.BeginTx(h.Context(), nil)
			check(t, err)
			_, err = btx.Exec(`SET LOCAL app.tenant = 'north'`)
			check(t, err)
			_, err = btx.Exec(`UPDATE note SET status = 'signed', version = 2, signer_id = $1, signed_at = now() WHERE id = $2`, string(machine.ID), string(n.ID))
			if !violates(err, foreignKeyViolation, "note_signer") {
				t.Errorf("%s makes a %s the signer: %v", what, kind, err)
			}
			_ = btx.Rollback()
		}
	}
	stranger := clinical.NewID[clinical.ActorID](noon)
	n := h.note(p, doctor)
	_, err := superuser.Exec(`UPDATE note SET status = 'signed', version = 2, signer_id = $1, signed_at = now() WHERE id = $2`, string(stranger), string(n.ID))
	if !violates(err, foreignKeyViolation, "note_signer") {
		t.Errorf("a stranger signs: %v", err)
	}
	_, err = superuser.Exec(`UPDATE note SET status = 'signed', version = 2 WHERE id = $1`, string(n.ID))
	if sqlState(err) != "23514" {
		t.Errorf("nobody signs: %v", err)
	}
	_, err = superuser.Exec(`INSERT INTO note (tenant_id, id, patient_id, status, text, text_sha256, author_id, author_kind, signer_id, signed_at, created_at, updated_at)
		VALUES ('north', $1, $2, 'signed', 'x', sha256('x'), $3, 'agent', $3, now(), now(), now())`, string(clinical.NewID[clinical.NoteID](noon)), string(p.ID), string(doctor.ID))
	if sqlState(err) != restrictViolation {
		t.Errorf("born signed: %v", err)
	}
	// Nor does a person who has signed become a machine afterwards.
	h.signedNote(p, doctor)
	if _, err := superuser.Exec(`UPDATE member SET kind = 'agent' WHERE id = $1`, string(doctor.ID)); sqlState(err) != foreignKeyViolation {
		t.Errorf("a signer becomes an agent: %v", err)
	}
}

func TestNoteTextIsHeldToItsDigest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	doctor := h.clinician(north, p.ID)
	n := newNote(p, doctor)
	n.TextSHA256 = slices.Repeat([]byte{1}, 32)
	err := h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error { return tx.InsertNote(ctx, n, doctor) })
	if sqlState(err) != "23514" {
		t.Errorf("another text's digest: %v", err)
	}
}

func TestChangeNoteOnlyFromTheVersionRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	doctor := h.clinician(north, p.ID)
	n := h.note(p, doctor)
	d := h.decide(doctor, policy.EditNote, policy.OfNote(n, nil))
	h.in(north, func(ctx context.Context, tx *Tx) error {
		next, err := tx.ChangeNote(ctx, d, n, doctor)
		check(t, err)
		if next.Version != 2 {
			t.Errorf("version %d", next.Version)
		}
		_, err = tx.ChangeNote(ctx, d, n, doctor)
		wantKind(t, err, clinical.Conflict)
		return nil
	})
	h.in(north, func(ctx context.Context, tx *Tx) error {
		versions, err := tx.NoteVersions(ctx, d)
		check(t, err)
		if len(versions) != 2 || versions[0].Version != 1 || versions[1].By != doctor.ID {
			t.Errorf("versions: %+v", versions)
		}
		return nil
	})
}

func TestNotesByPageAndSource(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	doctor := h.clinician(north, p.ID)
	file := clinical.NewID[clinical.FileID](noon)
	var ids []clinical.NoteID
	for i := range 5 {
		n := h.note(p, doctor, func(n *clinical.Note) {
			n.CreatedAt = noon.Add(time.Duration(i) * time.Minute)
			if i%2 == 0 {
				n.Sources = []clinical.NoteSource{{File: file, Type: clinical.Media, Version: 1}}
			}
		})
		ids = append(ids, n.ID)
	}
	f := h.filter(doctor, policy.ListNotes, policy.Note)
	list := func(q NoteQuery, pg clinical.Page) clinical.Slice[clinical.Note] {
		t.Helper()
		var out clinical.Slice[clinical.Note]
		h.in(north, func(ctx context.Context, tx *Tx) (err error) { out, err = tx.Notes(ctx, f, q, pg); return err })
		return out
	}
	first := list(NoteQuery{Patient: p.ID, FromFile: file}, clinical.Page{First: 2})
	rest := list(NoteQuery{Patient: p.ID, FromFile: file}, clinical.Page{First: 2, After: first.Cursors[1]})
	got := append(first.Items, rest.Items...)
	if len(got) != 3 || got[0].ID != ids[4] || got[1].ID != ids[2] || got[2].ID != ids[0] || !first.HasNext || rest.HasNext {
		t.Errorf("pages: %+v", got)
	}
	if all := list(NoteQuery{Ascending: true, Statuses: []clinical.NoteStatus{clinical.NoteDraft}}, clinical.Page{First: 9}); len(all.Items) != 5 || all.Items[0].ID != ids[0] {
		t.Errorf("all: %d", len(all.Items))
	}
	if none := list(NoteQuery{Statuses: []clinical.NoteStatus{clinical.NoteSigned}}, clinical.Page{First: 9}); len(none.Items) != 0 {
		t.Errorf("signed: %d", len(none.Items))
	}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		some, err := tx.NotesByIDs(ctx, f, []clinical.NoteID{ids[1], "nonsense"})
		if err != nil || len(some) != 1 {
			t.Errorf("by id: %d (%v)", len(some), err)
		}
		none, err := tx.NotesByIDs(ctx, h.filter(h.clinician(north), policy.ListNotes, policy.Note), ids)
		if err != nil || len(none) != 0 {
			t.Errorf("another panel's: %d (%v)", len(none), err)
		}
		return nil
	})
}
