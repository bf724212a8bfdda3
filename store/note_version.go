package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type noteVersionRow struct {
	bun.BaseModel `bun:"table:note_version,alias:nv"`

	Tenant     clinical.TenantID     `bun:"tenant_id,pk"`
	Note       clinical.NoteID       `bun:"note_id,pk"`
	Version    int                   `bun:"version,pk"`
	Status     clinical.NoteStatus   `bun:"status"`
	Title      string                `bun:"title"`
	Text       string                `bun:"text"`
	TextSHA256 []byte                `bun:"text_sha256"`
	Sources    []clinical.NoteSource `bun:"sources,type:jsonb"`
	MadeBy     clinical.ActorID      `bun:"made_by"`
	MadeKind   clinical.ActorKind    `bun:"made_kind"`
	MadeAt     time.Time             `bun:"made_at"`
}

func (r noteVersionRow) version() clinical.NoteVersion {
	return clinical.NoteVersion{
		Version: r.Version, Status: r.Status, Title: r.Title, Text: r.Text, TextSHA256: r.TextSHA256, Sources: r.Sources,
		By: r.MadeBy, ByKind: r.MadeKind, At: r.MadeAt.UTC(),
	}
}

// keepVersion writes the note as it stands now beside its earlier versions.
func (tx *Tx) keepVersion(ctx context.Context, n clinical.Note, by clinical.Actor) error {
	r := noteVersionRow{
		Tenant: n.Tenant, Note: n.ID, Version: n.Version, Status: n.Status, Title: n.Title, Text: n.Text, TextSHA256: n.TextSHA256,
		Sources: present(n.Sources), MadeBy: by.ID, MadeKind: by.Kind, MadeAt: n.UpdatedAt,
	}
	_, err := tx.bun.NewInsert().Model(&r).Exec(ctx)
	return taken(err)
}

// NoteVersion reads one version of the note that the decision is about. NotFound
// when there is none.
func (tx *Tx) NoteVersion(ctx context.Context, d policy.Decision, version int) (clinical.NoteVersion, error) {
	id := d.Resource().ID
	if err := covered(d, policy.Note, id); err != nil {
		return clinical.NoteVersion{}, err
	}
	var r noteVersionRow
	err := tx.bun.NewSelect().Model(&r).Where("nv.tenant_id = ? AND nv.note_id = ? AND nv.version = ?", tx.tenant, id, version).Scan(ctx)
	return r.version(), fail(err)
}

// NoteVersions lists all versions of the note that the decision is about, the
// oldest first.
func (tx *Tx) NoteVersions(ctx context.Context, d policy.Decision) ([]clinical.NoteVersion, error) {
	id := d.Resource().ID
	if err := covered(d, policy.Note, id); err != nil {
		return nil, err
	}
	var rows []noteVersionRow
	err := tx.bun.NewSelect().Model(&rows).Where("nv.tenant_id = ? AND nv.note_id = ?", tx.tenant, id).Order("nv.version").Scan(ctx)
	return mapAll(rows, noteVersionRow.version), fail(err)
}
