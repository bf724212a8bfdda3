package store

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Whom a key stands for, and whom that stands for which was begun with one.

// ActorOfKey is the principal that a key opens the door to, narrowed as the key
// narrows it, found by the SHA-256 of its secret. Unauthenticated when there is
// no such key, it was revoked or has expired, or the membership of its
// principal, or of the user that it acts for, has ended. It notes, to the
// minute, when the key was last used.
func (tx *Tx) ActorOfKey(ctx context.Context, secret []byte) (clinical.Actor, error) {
	k, err := tx.liveKey(ctx, "k.secret_sha256 = ? AND (k.expires_at IS NULL OR k.expires_at > now())", secret)
	if err != nil {
		return clinical.Actor{}, err
	}
	a, err := tx.narrowed(ctx, k)
	if err != nil {
		return clinical.Actor{}, err
	}
	if k.LastUsedAt == nil || time.Since(*k.LastUsedAt) > time.Minute {
		_, err = tx.exec(ctx, `UPDATE api_key SET last_used_at = now() WHERE tenant_id = $1 AND id = $2
			AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`, string(tx.tenant), string(k.ID))
	}
	return a, err
}

// ActorVia is the principal as it was when it began something: by the key, or
// without one for "". Like a login that ends, a key that expires costs nothing
// of what was begun; one that was revoked ends it. Otherwise as Actor.
func (tx *Tx) ActorVia(ctx context.Context, id clinical.ActorID, key clinical.KeyID) (clinical.Actor, error) {
	if key == "" {
		return tx.Actor(ctx, id)
	}
	k, err := tx.liveKey(ctx, "k.id = ? AND k.member_id = ?", key, id)
	if err != nil {
		return clinical.Actor{}, err
	}
	return tx.narrowed(ctx, k)
}

func unknownKey(cause error) error {
	return clinical.Fail(clinical.Unauthenticated, "this key opens nothing", cause)
}

// liveKey finds a key that was not revoked.
func (tx *Tx) liveKey(ctx context.Context, where string, args ...any) (k keyRow, err error) {
	err = fail(tx.bun.NewSelect().Model(&k).Where("k.tenant_id = ? AND k.revoked_at IS NULL", tx.tenant).Where(where, args...).Scan(ctx))
	if clinical.Is(err, clinical.NotFound) {
		err = unknownKey(err)
	}
	return k, err
}

// narrowed is a key's principal, as far as the key goes.
func (tx *Tx) narrowed(ctx context.Context, k keyRow) (clinical.Actor, error) {
	a, err := tx.Actor(ctx, k.Member)
	if err != nil {
		return a, err
	}
	if k.OnBehalfOf != "" {
		user, err := tx.Actor(ctx, k.OnBehalfOf)
		if err != nil {
			return clinical.Actor{}, err
		}
		a.OnBehalfOf = &user
	}
	if k.Bound {
		if a.Panel, err = tx.boundTo(ctx, k.ID); err != nil {
			return clinical.Actor{}, err
		}
		a.CareGroups = nil
	}
	a.Session.Key, a.Session.Scopes = k.ID, k.Scopes
	return a, nil
}

// boundTo lists the patients that a bound key reaches now.
func (tx *Tx) boundTo(ctx context.Context, key clinical.KeyID) ([]clinical.PatientID, error) {
	patients := []clinical.PatientID{}
	err := tx.bun.NewSelect().TableExpr("key_grant AS g").ColumnExpr("DISTINCT g.patient_id::text AS patient_id").
		Join("LEFT JOIN encounter AS e ON e.tenant_id = g.tenant_id AND e.id = g.encounter_id").
		Where("g.tenant_id = ? AND g.key_id = ? AND g.until > now()", tx.tenant, key).
		Where("g.encounter_id IS NULL OR e.ended_at IS NULL OR e.ended_at > now()").
		OrderExpr("patient_id").Scan(ctx, &patients)
	return patients, fail(err)
}
