package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type provenanceRow struct {
	bun.BaseModel `bun:"table:provenance,alias:v"`

	Tenant     clinical.TenantID          `bun:"tenant_id,pk"`
	ID         clinical.ProvenanceID      `bun:"id,pk"`
	Patient    clinical.PatientID         `bun:"patient_id"`
	RecordedAt time.Time                  `bun:"recorded_at"`
	Activity   clinical.Activity          `bun:"activity"`
	Targets    []clinical.Ref             `bun:"targets,type:jsonb"`
	Sources    []clinical.Ref             `bun:"sources,type:jsonb"`
	Agents     []clinical.ProvenanceAgent `bun:"agents,type:jsonb"`
	Signature  string                     `bun:"signature"`
	Reason     string                     `bun:"reason"`
}

func (r provenanceRow) provenance() clinical.Provenance {
	return clinical.Provenance{
		ID: r.ID, Tenant: r.Tenant, Patient: r.Patient, RecordedAt: r.RecordedAt.UTC(), Activity: r.Activity,
		Targets: r.Targets, Sources: r.Sources, Agents: r.Agents, Signature: r.Signature, Reason: r.Reason,
	}
}

// AppendProvenance writes one piece of evidence; nothing changes or removes it
// afterwards. NotFound when there is no such patient, Conflict when the id is
// taken.
func (tx *Tx) AppendProvenance(ctx context.Context, p clinical.Provenance) error {
	r := provenanceRow{
		Tenant: p.Tenant, ID: p.ID, Patient: p.Patient, RecordedAt: p.RecordedAt, Activity: p.Activity,
		Targets: present(p.Targets), Sources: present(p.Sources), Agents: present(p.Agents), Signature: p.Signature, Reason: p.Reason,
	}
	_, err := tx.bun.NewInsert().Model(&r).Exec(ctx)
	return taken(err)
}

// ProvenanceOf lists the evidence whose target is the file or note that the
// decision is about, the oldest first.
func (tx *Tx) ProvenanceOf(ctx context.Context, d policy.Decision) ([]clinical.Provenance, error) {
	subject := d.Resource()
	if subject.Type != policy.File && subject.Type != policy.Note {
		return nil, internal(errUncovered)
	}
	if err := covered(d, subject.Type, subject.ID); err != nil {
		return nil, err
	}
	var rows []provenanceRow
	q := tx.bun.NewSelect().Model(&rows).Where("v.tenant_id = ?", tx.tenant).Order("v.recorded_at", "v.id")
	tx.targeting(q, []string{subject.ID})
	err := q.Scan(ctx)
	return mapAll(rows, provenanceRow.provenance), fail(err)
}

// ProvenanceTargets are what a piece of evidence is about: whoever may read one
// of them may read it. NotFound when there is none of that id.
func (tx *Tx) ProvenanceTargets(ctx context.Context, id clinical.ProvenanceID) ([]clinical.Ref, error) {
	if !wellFormed(id) {
		return nil, clinical.Missing()
	}
	var r provenanceRow
	err := tx.bun.NewSelect().Model(&r).Column("targets").Where("v.tenant_id = ? AND v.id = ?", tx.tenant, id).Scan(ctx)
	return r.Targets, fail(err)
}
