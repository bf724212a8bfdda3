package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/seal"
)

// sealedRow is a row of the trail as package seal wants it: JSON with each of
// seal.Columns, read from the columns themselves and not from what this program
// takes them for.
const sealedRow = `jsonb_build_object(
	'tenant_id', e.tenant_id, 'id', e.id, 'seq', e.seq,
	'recorded_at', to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
	'verb', e.verb, 'action', e.action, 'subtype', e.subtype, 'outcome', e.outcome, 'rule', e.rule,
	'actor_id', e.actor_id, 'actor_kind', e.actor_kind, 'on_behalf_of', e.on_behalf_of, 'roles', to_jsonb(e.roles),
	'purpose', e.purpose, 'patient_id', e.patient_id, 'entities', e.entities, 'query', e.query, 'detail', e.detail,
	'request_id', e.request_id)::text`

// SealWork lists the tenants with rows to seal or seals to anchor.
func (db *DB) SealWork(ctx context.Context) (tenants []clinical.TenantID, err error) {
	err = db.across(ctx, func() error {
		rows, err := db.pool.Query(ctx, `SELECT seal_work()`)
		if err != nil {
			return err
		}
		tenants, err = pgx.CollectRows(rows, pgx.RowTo[clinical.TenantID])
		return err
	})
	return tenants, err
}

// LockSeals makes this transaction the one that seals the tenant's trail, until
// it ends. With wait it waits for its turn, without it tells whether it got it.
func (tx *Tx) LockSeals(ctx context.Context, wait bool) (got bool, err error) {
	key := `hashtextextended('audit seal ' || $1, 0)`
	if !wait {
		err = tx.queryRow(ctx, `SELECT pg_try_advisory_xact_lock(`+key+`)`, string(tx.tenant)).Scan(&got)
		return got, err
	}
	_, err = tx.exec(ctx, `SELECT pg_advisory_xact_lock(`+key+`)`, string(tx.tenant))
	return err == nil, err
}

// Unsealed gives the first rows by seq that wait for their seal. It is for
// hashing: a row leaves the program as an event only under a decision.
func (tx *Tx) Unsealed(ctx context.Context, limit int) ([]seal.Row, error) {
	return tx.sealRows(ctx, `SELECT `+sealedRow+` FROM audit_unsealed u JOIN audit_event e
		ON e.tenant_id = u.tenant_id AND e.recorded_at = u.recorded_at AND e.id = u.id AND e.seq = u.seq
		WHERE u.tenant_id = $1 ORDER BY u.seq LIMIT $2`, string(tx.tenant), limit)
}

// SealEnd is where the tenant's chain stands, and the database's time.
func (tx *Tx) SealEnd(ctx context.Context) (end seal.End, now time.Time, err error) {
	end = seal.Begin(string(tx.tenant))
	var head []byte
	var sealedAt *time.Time
	err = tx.queryRow(ctx, `SELECT coalesce(s.number, 0), s.head, s.sealed_at, now() FROM (SELECT 1) one
		LEFT JOIN (SELECT number, head, sealed_at FROM audit_seal WHERE tenant_id = $1 ORDER BY number DESC LIMIT 1) s ON true`,
		string(tx.tenant)).Scan(&end.Number, &head, &sealedAt, &now)
	if err == nil && sealedAt != nil {
		copy(end.Head[:], head)
		end.SealedAt = sealedAt.UTC()
	}
	return end, now.UTC(), err
}

// InsertSeal writes a seal, takes its rows off the list of those that wait, and
// puts the seal on the list of those to be anchored. Conflict when the number is
// taken, or when a row does not wait: somebody else has sealed meanwhile.
func (tx *Tx) InsertSeal(ctx context.Context, s seal.Seal) error {
	seqs, ids, hashes := make([]int64, len(s.Rows)), make([]string, len(s.Rows)), make([]byte, 0, len(s.Rows)*len(seal.Hash{}))
	for i, r := range s.Rows {
		seqs[i], ids[i], hashes = r.Seq, r.ID, append(hashes, r.Hash[:]...)
	}
	head := s.Head()
	waited, err := tx.exec(ctx, `DELETE FROM audit_unsealed WHERE tenant_id = $1 AND seq = ANY($2)`, string(tx.tenant), seqs)
	if err != nil {
		return err
	}
	if waited != int64(len(seqs)) {
		return clinical.Fail(clinical.Conflict, "sealed by somebody else", nil)
	}
	_, err = tx.exec(ctx, `INSERT INTO audit_seal
		(tenant_id, number, sealed_at, first_at, last_at, previous, head, from_seq, to_seq, count, seqs, ids, hashes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		string(tx.tenant), s.Number, s.SealedAt, s.FirstAt, s.LastAt, s.Previous[:], head[:], s.FromSeq(), s.ToSeq(), len(seqs),
		seqs, ids, hashes)
	if err != nil {
		return taken(err)
	}
	_, err = tx.exec(ctx, `INSERT INTO audit_unanchored (tenant_id, number) VALUES ($1, $2)`, string(tx.tenant), s.Number)
	return err
}

// Unanchored gives the first seals by number whose anchors are to be written.
func (tx *Tx) Unanchored(ctx context.Context, limit int) (out []seal.Seal, err error) {
	found, err := tx.seals(ctx, `SELECT `+sealColumns+` FROM audit_seal s JOIN audit_unanchored n USING (tenant_id, number)
		WHERE s.tenant_id = $1 ORDER BY s.number LIMIT $2`, string(tx.tenant), limit)
	for _, s := range found {
		out = append(out, s.Seal)
	}
	return out, err
}

// Anchored notes that a seal's anchor is written; nothing happens when that is known.
func (tx *Tx) Anchored(ctx context.Context, number int64) error {
	_, err := tx.exec(ctx, `DELETE FROM audit_unanchored WHERE tenant_id = $1 AND number = $2`, string(tx.tenant), number)
	return err
}
