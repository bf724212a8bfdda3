package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bonfiredb/bonfire/clinical"
)

// Clinic is a tenant as its own row describes it.
type Clinic struct {
	Tenant  clinical.TenantID
	Display string
	// LinkTTLMax lowers the server's ceiling for links; 0 leaves it.
	LinkTTLMax time.Duration
}

// UpsertClinic writes the transaction's tenant.
func (tx *Tx) UpsertClinic(ctx context.Context, c Clinic) error {
	var ceiling any
	if c.LinkTTLMax > 0 {
		ceiling = c.LinkTTLMax.Microseconds()
	}
	_, err := tx.exec(ctx, `INSERT INTO tenant (tenant_id, display, link_ttl_max)
		VALUES ($1, $2, $3::bigint * interval '1 microsecond')
		ON CONFLICT (tenant_id) DO UPDATE SET display = excluded.display, link_ttl_max = excluded.link_ttl_max`,
		string(c.Tenant), c.Display, ceiling)
	return err
}

// Clinic reads the transaction's tenant; NotFound when there is none of that id.
func (tx *Tx) Clinic(ctx context.Context) (Clinic, error) {
	c := Clinic{Tenant: tx.tenant}
	var ceiling int64
	err := tx.queryRow(ctx, `SELECT display, coalesce((extract(epoch FROM link_ttl_max) * 1000000)::bigint, 0)
		FROM tenant WHERE tenant_id = $1`, string(tx.tenant)).Scan(&c.Display, &ceiling)
	c.LinkTTLMax = time.Duration(ceiling) * time.Microsecond
	return c, err
}

// Tenants lists every tenant, for background work to go through.
func (db *DB) Tenants(ctx context.Context) (tenants []clinical.TenantID, err error) {
	err = db.across(ctx, func() error {
		rows, err := db.pool.Query(ctx, `SELECT all_tenants()`)
		if err != nil {
			return err
		}
		tenants, err = pgx.CollectRows(rows, pgx.RowTo[clinical.TenantID])
		return err
	})
	return tenants, err
}
