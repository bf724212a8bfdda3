package store

import (
	"context"
	"encoding/json"

	"github.com/bonfiredb/bonfire/clinical"
)

// AddKind writes the next version of an entry of the tenant's own registry.
// Conflict when another one was written at the same moment.
func (tx *Tx) AddKind(ctx context.Context, k clinical.TenantKind) (clinical.TenantKind, error) {
	entry, err := json.Marshal(k.FileKind)
	if err != nil {
		return k, internal(err)
	}
	err = tx.queryRow(ctx, `INSERT INTO kind (tenant_id, code, version, retired, entry, set_by, set_at)
		SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6 FROM kind WHERE tenant_id = $1 AND code = $2
		RETURNING version`, string(tx.tenant), k.Code, k.Retired, string(entry), string(k.SetBy), k.SetAt).Scan(&k.Version)
	return k, taken(err)
}

// Kinds lists the entries of the tenant's own registry in their latest versions, by code.
func (tx *Tx) Kinds(ctx context.Context) (out []clinical.TenantKind, err error) {
	rows, err := tx.query(ctx, `SELECT DISTINCT ON (code) version, retired, entry, set_by, set_at FROM kind
		WHERE tenant_id = $1 ORDER BY code, version DESC`, string(tx.tenant))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k clinical.TenantKind
		var entry []byte
		if err := rows.Scan(&k.Version, &k.Retired, &entry, &k.SetBy, &k.SetAt); err != nil {
			return nil, fail(err)
		}
		if err := json.Unmarshal(entry, &k.FileKind); err != nil {
			return nil, internal(err)
		}
		k.SetAt = k.SetAt.UTC()
		out = append(out, k)
	}
	return out, fail(rows.Err())
}
