package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type noteRow struct {
	bun.BaseModel `bun:"table:note,alias:n"`

	Tenant          clinical.TenantID        `bun:"tenant_id,pk"`
	ID              clinical.NoteID          `bun:"id,pk"`
	Patient         clinical.PatientID       `bun:"patient_id"`
	Encounter       clinical.EncounterID     `bun:"encounter_id,nullzero"`
	Status          clinical.NoteStatus      `bun:"status"`
	Version         int                      `bun:"version"`
	Title           string                   `bun:"title"`
	Text            string                   `bun:"text"`
	TextSHA256      []byte                   `bun:"text_sha256"`
	Sources         []clinical.NoteSource    `bun:"sources,type:jsonb"`
	Confidentiality clinical.Confidentiality `bun:"confidentiality"`
	Author          clinical.ActorID         `bun:"author_id"`
	AuthorKind      clinical.ActorKind       `bun:"author_kind"`
	Signer          clinical.ActorID         `bun:"signer_id,nullzero"`
	SignedAt        *time.Time               `bun:"signed_at"`
	Amends          clinical.NoteID          `bun:"amends,nullzero"`
	AmendedBy       clinical.NoteID          `bun:"amended_by,nullzero"`
	CreatedAt       time.Time                `bun:"created_at"`
	UpdatedAt       time.Time                `bun:"updated_at"`
}

func (r noteRow) note() clinical.Note {
	return clinical.Note{
		ID: r.ID, Tenant: r.Tenant, Patient: r.Patient, Encounter: r.Encounter, Status: r.Status, Version: r.Version,
		Title: r.Title, Text: r.Text, TextSHA256: r.TextSHA256, Sources: r.Sources, Confidentiality: r.Confidentiality,
		Author: r.Author, AuthorKind: r.AuthorKind, Signer: r.Signer, SignedAt: utc(r.SignedAt),
		Amends: r.Amends, AmendedBy: r.AmendedBy, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func rowOfNote(n clinical.Note) noteRow {
	return noteRow{
		ID: n.ID, Tenant: n.Tenant, Patient: n.Patient, Encounter: n.Encounter, Status: n.Status, Version: n.Version,
		Title: n.Title, Text: n.Text, TextSHA256: n.TextSHA256, Sources: present(n.Sources), Confidentiality: n.Confidentiality,
		Author: n.Author, AuthorKind: n.AuthorKind, Signer: n.Signer, SignedAt: n.SignedAt,
		Amends: n.Amends, AmendedBy: n.AmendedBy, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
	}
}

func (tx *Tx) noteRow(ctx context.Context, id clinical.NoteID, hold lock) (r noteRow, err error) {
	if !wellFormed(id) {
		return r, clinical.Missing()
	}
	q := tx.bun.NewSelect().Model(&r).Where("n.tenant_id = ? AND n.id = ?", tx.tenant, id)
	if hold != unlocked {
		q.For(string(hold))
	}
	return r, fail(q.Scan(ctx))
}

// NoteSubject is what the gate looks at of a note; NotFound when there is none.
func (tx *Tx) NoteSubject(ctx context.Context, id clinical.NoteID) (policy.Resource, error) {
	return tx.noteSubject(ctx, id, unlocked)
}

// ShareNote is LockNote for those who only need that nobody changes it: several
// may hold it so at once.
func (tx *Tx) ShareNote(ctx context.Context, id clinical.NoteID) (policy.Resource, error) {
	return tx.noteSubject(ctx, id, shared)
}

// LockNote is NoteSubject, and nobody else changes the note until this
// transaction ends: what is decided about it stays true.
func (tx *Tx) LockNote(ctx context.Context, id clinical.NoteID) (policy.Resource, error) {
	return tx.noteSubject(ctx, id, alone)
}

func (tx *Tx) noteSubject(ctx context.Context, id clinical.NoteID, hold lock) (policy.Resource, error) {
	r, err := tx.noteRow(ctx, id, hold)
	groups, err := tx.groupsAround(ctx, r.Patient, err)
	if err != nil {
		return policy.Resource{}, err
	}
	return policy.OfNote(r.note(), groups), nil
}

// Note reads the note that the decision is about. (A note never moves to
// another chart.)
func (tx *Tx) Note(ctx context.Context, d policy.Decision) (clinical.Note, error) {
	id := d.Resource().ID
	if err := covered(d, policy.Note, id); err != nil {
		return clinical.Note{}, err
	}
	r, err := tx.noteRow(ctx, clinical.NoteID(id), unlocked)
	return r.note(), err
}

// InsertNote writes a new draft as its first version, made by the principal
// given. NotFound when patient, encounter or the amended note does not exist,
// Conflict when the id is taken.
func (tx *Tx) InsertNote(ctx context.Context, n clinical.Note, by clinical.Actor) error {
	r := rowOfNote(n)
	if _, err := tx.bun.NewInsert().Model(&r).Exec(ctx); err != nil {
		return taken(err)
	}
	return tx.keepVersion(ctx, n, by)
}

// ChangeNote writes what may change of a note, as of n.UpdatedAt, keeps it as a
// further version made by the principal given, and returns it with that version.
// n.Version is the one it was read at: Conflict when the row has another by now,
// and when the note is no longer one to be changed so: the words of a signed
// note never change (P6).
func (tx *Tx) ChangeNote(ctx context.Context, d policy.Decision, n clinical.Note, by clinical.Actor) (clinical.Note, error) {
	if err := covered(d, policy.Note, string(n.ID)); err != nil {
		return n, err
	}
	r := rowOfNote(n)
	r.Version++
	res, err := tx.bun.NewUpdate().Model(&r).
		Column("encounter_id", "status", "version", "title", "text", "text_sha256", "sources", "confidentiality",
			"signer_id", "signed_at", "amended_by", "updated_at").
		Where("n.tenant_id = ? AND n.id = ? AND n.version = ?", tx.tenant, n.ID, n.Version).Exec(ctx)
	switch {
	case sqlState(err) == restrictViolation:
		return n, stale(discreet(err))
	case err != nil:
		return n, taken(err)
	}
	if changed, err := res.RowsAffected(); err != nil || changed == 0 {
		return n, stale(err)
	}
	n.Version = r.Version
	return n, tx.keepVersion(ctx, n, by)
}

// Stray lists those of the files and notes which are no sources for a note of
// this patient: not there, in another chart, or entered in error. The others
// stay as they are until this transaction ends. It tells nothing else, and needs
// no decision of its own beside that about the note.
func (tx *Tx) Stray(ctx context.Context, patient clinical.PatientID, files []clinical.FileID, notes []clinical.NoteID) (stray []string, err error) {
	if stray, err = strayIn(ctx, tx, "file", patient, files); err != nil {
		return nil, err
	}
	more, err := strayIn(ctx, tx, "note", patient, notes)
	return append(stray, more...), err
}

func strayIn[ID ~string](ctx context.Context, tx *Tx, table string, patient clinical.PatientID, ids []ID) (stray []string, err error) {
	var fit []string
	if len(ids) > 0 {
		err = tx.bun.NewSelect().TableExpr("?", bun.Ident(table)).Column("id").
			Where("tenant_id = ? AND id = ANY(?::uuid[])", tx.tenant, array(onlyWellFormed(ids))).
			Where("patient_id = ? AND status <> 'entered-in-error'", patient).
			Order("id").For("SHARE").Scan(ctx, &fit)
	}
	for _, id := range ids {
		if !slices.Contains(fit, string(id)) {
			stray = append(stray, string(id))
		}
	}
	return stray, fail(err)
}
