package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type keyRow struct {
	bun.BaseModel `bun:"table:api_key,alias:k"`

	Tenant     clinical.TenantID  `bun:"tenant_id,pk"`
	ID         clinical.KeyID     `bun:"id,pk"`
	Member     clinical.ActorID   `bun:"member_id"`
	MemberKind clinical.ActorKind `bun:"member_kind"`
	OnBehalfOf clinical.ActorID   `bun:"on_behalf_of,nullzero"`
	Label      string             `bun:"label"`
	Scopes     []string           `bun:"scopes,array"`
	Bound      bool               `bun:"bound"`
	Secret     []byte             `bun:"secret_sha256"`
	CreatedAt  time.Time          `bun:"created_at"`
	CreatedBy  clinical.ActorID   `bun:"created_by"`
	ExpiresAt  *time.Time         `bun:"expires_at"`
	RevokedAt  *time.Time         `bun:"revoked_at"`
	LastUsedAt *time.Time         `bun:"last_used_at"`
}

func (r keyRow) key() clinical.Key {
	return clinical.Key{
		ID: r.ID, Tenant: r.Tenant, Member: r.Member, OnBehalfOf: r.OnBehalfOf, Label: r.Label, Scopes: r.Scopes,
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
		ExpiresAt: utc(r.ExpiresAt), RevokedAt: utc(r.RevokedAt), LastUsedAt: utc(r.LastUsedAt),
	}
}

type keyGrantRow struct {
	bun.BaseModel `bun:"table:key_grant,alias:g"`

	Tenant    clinical.TenantID    `bun:"tenant_id,pk"`
	Key       clinical.KeyID       `bun:"key_id,pk"`
	Number    int                  `bun:"number,pk"`
	Patient   clinical.PatientID   `bun:"patient_id"`
	Encounter clinical.EncounterID `bun:"encounter_id,nullzero"`
	Until     time.Time            `bun:"until"`
}

func (r keyGrantRow) grant() clinical.KeyGrant {
	return clinical.KeyGrant{Patient: r.Patient, Encounter: r.Encounter, Until: r.Until.UTC()}
}

// InsertKey writes a new key with the SHA-256 of its secret; it is bound when it
// has grants. kind is that of its member. NotFound when member, user, patient or
// visit do not exist, or are not of the kind that they must be.
func (tx *Tx) InsertKey(ctx context.Context, k clinical.Key, kind clinical.ActorKind, secret []byte) error {
	row := keyRow{
		Tenant: tx.tenant, ID: k.ID, Member: k.Member, MemberKind: kind, OnBehalfOf: k.OnBehalfOf, Label: k.Label,
		Scopes: k.Scopes, Bound: len(k.Grants) > 0, Secret: secret, CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt,
	}
	if _, err := tx.bun.NewInsert().Model(&row).Exec(ctx); err != nil {
		return taken(err)
	}
	if len(k.Grants) == 0 {
		return nil
	}
	grants := make([]keyGrantRow, len(k.Grants))
	for i, g := range k.Grants {
		grants[i] = keyGrantRow{
			Tenant: tx.tenant, Key: k.ID, Number: i + 1, Patient: g.Patient, Encounter: g.Encounter, Until: g.Until,
		}
	}
	_, err := tx.bun.NewInsert().Model(&grants).Exec(ctx)
	return taken(err)
}

// RevokeKey ends a key at once. NotFound when there is none, or it was revoked before.
func (tx *Tx) RevokeKey(ctx context.Context, id clinical.KeyID, at time.Time) error {
	if !wellFormed(id) {
		return clinical.Missing()
	}
	return one(tx.exec(ctx, `UPDATE api_key SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL`,
		string(tx.tenant), string(id), at))
}

// RevokeKeysOf ends all keys that stand for a principal or act on its behalf.
func (tx *Tx) RevokeKeysOf(ctx context.Context, member clinical.ActorID, at time.Time) error {
	if !wellFormed(member) {
		return nil
	}
	_, err := tx.exec(ctx, `UPDATE api_key SET revoked_at = $3
		WHERE tenant_id = $1 AND (member_id = $2 OR on_behalf_of = $2) AND revoked_at IS NULL`,
		string(tx.tenant), string(member), at)
	return err
}

// Keys lists the keys that stand for a principal, or all of the clinic for "",
// the oldest first, each with its grants.
func (tx *Tx) Keys(ctx context.Context, d policy.Decision, member clinical.ActorID) ([]clinical.Key, error) {
	if err := tx.administered(d); err != nil {
		return nil, err
	}
	return tx.keys(ctx, func(q *bun.SelectQuery) { mayRefer(q, "k.member_id", member) })
}

// Key reads one key. NotFound when there is none.
func (tx *Tx) Key(ctx context.Context, d policy.Decision, id clinical.KeyID) (clinical.Key, error) {
	if err := tx.administered(d); err != nil {
		return clinical.Key{}, err
	}
	found, err := tx.keys(ctx, func(q *bun.SelectQuery) { refers(q, "k.id", id) })
	if err != nil || len(found) == 0 {
		return clinical.Key{}, orMissing(err)
	}
	return found[0], nil
}

func orMissing(err error) error {
	if err == nil {
		return clinical.Missing()
	}
	return err
}

func (tx *Tx) keys(ctx context.Context, which func(*bun.SelectQuery)) ([]clinical.Key, error) {
	var rows []keyRow
	q := tx.bun.NewSelect().Model(&rows).Where("k.tenant_id = ?", tx.tenant).Order("k.id")
	which(q)
	if err := q.Scan(ctx); err != nil || len(rows) == 0 {
		return nil, fail(err)
	}
	out, at, ids := make([]clinical.Key, len(rows)), map[clinical.KeyID]int{}, make([]clinical.KeyID, len(rows))
	for i, r := range rows {
		out[i], ids[i] = r.key(), r.ID
		at[r.ID] = i
	}
	var grants []keyGrantRow
	err := tx.bun.NewSelect().Model(&grants).Where("g.tenant_id = ? AND g.key_id = ANY(?::uuid[])", tx.tenant, array(ids)).
		Order("g.number").Scan(ctx)
	for _, g := range grants {
		k := &out[at[g.Key]]
		k.Grants = append(k.Grants, g.grant())
	}
	return out, fail(err)
}
