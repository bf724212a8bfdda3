package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type scanRow struct {
	bun.BaseModel `bun:"table:scan,alias:sc"`

	Tenant  clinical.TenantID   `bun:"tenant_id,pk"`
	ID      string              `bun:"id,pk"`
	File    clinical.FileID     `bun:"file_id"`
	Version int                 `bun:"file_version"`
	Status  clinical.ScanStatus `bun:"status"`
	Engine  string              `bun:"engine"`
	Detail  string              `bun:"detail"`
	By      clinical.ActorID    `bun:"reported_by"`
	At      time.Time           `bun:"reported_at"`
}

func (r scanRow) scan() clinical.Scan {
	return clinical.Scan{
		ID: r.ID, Tenant: r.Tenant, File: r.File, Version: r.Version, Status: r.Status, Engine: r.Engine, Detail: r.Detail,
		By: r.By, At: r.At.UTC(),
	}
}

// AppendScan writes a verdict beside the earlier ones. NotFound when there is no
// such file.
func (tx *Tx) AppendScan(ctx context.Context, s clinical.Scan) error {
	r := scanRow{
		Tenant: s.Tenant, ID: s.ID, File: s.File, Version: s.Version, Status: s.Status, Engine: s.Engine, Detail: s.Detail,
		By: s.By, At: s.At,
	}
	_, err := tx.bun.NewInsert().Model(&r).Exec(ctx)
	return taken(err)
}

// Scans lists the verdicts on the file that the decision is about, the oldest first.
func (tx *Tx) Scans(ctx context.Context, d policy.Decision) ([]clinical.Scan, error) {
	id := d.Resource().ID
	if err := covered(d, policy.File, id); err != nil {
		return nil, err
	}
	var rows []scanRow
	err := tx.bun.NewSelect().Model(&rows).Where("sc.tenant_id = ? AND sc.file_id = ?", tx.tenant, id).
		Order("sc.reported_at", "sc.id").Scan(ctx)
	return mapAll(rows, scanRow.scan), fail(err)
}
