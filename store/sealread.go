package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/seal"
)

// What it takes to hold the trail against its seals. The rows are for hashing:
// to hand them out takes a decision (see SealedRows).

// StoredSeal is a seal as the database has it, sound or not.
type StoredSeal struct {
	seal.Seal
	// Due: its anchor has yet to be written.
	Due bool
}

const sealColumns = `s.number, s.sealed_at, s.first_at, s.last_at, s.previous, array_to_json(s.seqs)::text, array_to_json(s.ids)::text, s.hashes,
	EXISTS (SELECT FROM audit_unanchored u WHERE u.tenant_id = s.tenant_id AND u.number = s.number)`

// Seals gives the seals after the numbered one, in the order of their numbers.
func (tx *Tx) Seals(ctx context.Context, after int64, limit int) ([]StoredSeal, error) {
	return tx.seals(ctx, `SELECT `+sealColumns+` FROM audit_seal s WHERE s.tenant_id = $1 AND s.number > $2 ORDER BY s.number LIMIT $3`,
		string(tx.tenant), after, limit)
}

// LastSeal is the number of the newest seal; 0 for none.
func (tx *Tx) LastSeal(ctx context.Context) (number int64, err error) {
	err = tx.queryRow(ctx, `SELECT coalesce(max(number), 0) FROM audit_seal WHERE tenant_id = $1`, string(tx.tenant)).Scan(&number)
	return number, err
}

func (tx *Tx) seals(ctx context.Context, query string, args ...any) (out []StoredSeal, err error) {
	rows, err := tx.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		s, err := tx.scanSeal(rows)
		out = append(out, s)
		return err
	})
	return out, err
}

// scanSeal reads a seal without judging it. What does not fit together is cut
// short, and then differs from its anchor.
func (tx *Tx) scanSeal(row scanner) (StoredSeal, error) {
	s := StoredSeal{Seal: seal.Seal{Tenant: string(tx.tenant)}}
	var previous, seqText, idText, hashes []byte
	if err := row.Scan(&s.Number, &s.SealedAt, &s.FirstAt, &s.LastAt, &previous, &seqText, &idText, &hashes, &s.Due); err != nil {
		return s, err
	}
	var seqs []int64
	var ids []string
	if err := json.Unmarshal(seqText, &seqs); err != nil {
		return s, fmt.Errorf("seqs of a seal: %w", err)
	}
	if err := json.Unmarshal(idText, &ids); err != nil {
		return s, fmt.Errorf("ids of a seal: %w", err)
	}
	s.SealedAt, s.FirstAt, s.LastAt = s.SealedAt.UTC(), s.FirstAt.UTC(), s.LastAt.UTC()
	copy(s.Previous[:], previous)
	s.Rows = make([]seal.Entry, min(len(seqs), len(ids), len(hashes)/len(seal.Hash{})))
	for i := range s.Rows {
		s.Rows[i] = seal.Entry{Seq: seqs[i], ID: ids[i]}
		copy(s.Rows[i].Hash[:], hashes[i*len(seal.Hash{}):])
	}
	return s, nil
}

// Mark is a place in the trail by seq and, among rows that share one, by id.
type Mark struct {
	Seq int64
	ID  string
}

// PastSeq is the place after all rows with that seq.
func PastSeq(seq int64) Mark { return Mark{Seq: seq, ID: "ffffffff-ffff-ffff-ffff-ffffffffffff"} }

// RowsUpTo gives the rows after a place and up to a seq, in the order of both.
func (tx *Tx) RowsUpTo(ctx context.Context, after Mark, to int64, limit int) ([]seal.Row, error) {
	return tx.sealRows(ctx, `SELECT `+sealedRow+` FROM audit_event e
		WHERE e.tenant_id = $1 AND (e.seq, e.id) > ($2, $3) AND e.seq >= $2 AND e.seq <= $4 ORDER BY e.seq, e.id LIMIT $5`,
		string(tx.tenant), after.Seq, after.ID, to, limit)
}

// RowsOf gives the rows with those seqs.
func (tx *Tx) RowsOf(ctx context.Context, seqs []int64) ([]seal.Row, error) {
	return tx.sealRows(ctx, `SELECT `+sealedRow+` FROM audit_event e WHERE e.tenant_id = $1 AND e.seq = ANY($2) ORDER BY e.seq, e.id`,
		string(tx.tenant), seqs)
}

// Waiting tells which of those rows are on the list of those to be sealed.
func (tx *Tx) Waiting(ctx context.Context, rows []seal.Row) (map[Mark]bool, error) {
	seqs := make([]int64, len(rows))
	for i, r := range rows {
		seqs[i] = r.Seq
	}
	found, err := tx.query(ctx, `SELECT u.seq, u.id::text FROM audit_unsealed u WHERE u.tenant_id = $1 AND u.seq = ANY($2)`,
		string(tx.tenant), seqs)
	if err != nil {
		return nil, err
	}
	out := map[Mark]bool{}
	return out, each(found, func() error {
		var m Mark
		err := found.Scan(&m.Seq, &m.ID)
		out[m] = true
		return err
	})
}

// Lost gives the rows that wait to be sealed and are not there, or not as they
// were listed.
func (tx *Tx) Lost(ctx context.Context) (out []seal.Entry, err error) {
	rows, err := tx.query(ctx, `SELECT u.seq, u.id::text FROM audit_unsealed u WHERE u.tenant_id = $1 AND NOT EXISTS (
		SELECT FROM audit_event e WHERE e.tenant_id = u.tenant_id AND e.recorded_at = u.recorded_at AND e.id = u.id AND e.seq = u.seq)
		ORDER BY u.seq LIMIT 1000`, string(tx.tenant))
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var e seal.Entry
		err := rows.Scan(&e.Seq, &e.ID)
		out = append(out, e)
		return err
	})
	return out, err
}

// SealsWithin tells between which seals, after the one and up to the other, lie
// all the rows recorded in the time given, nil for no bound; both are 0 when
// there are none. It takes a decision to read the whole trail.
func (tx *Tx) SealsWithin(ctx context.Context, d policy.Decision, from, before *time.Time) (after, last int64, err error) {
	if err := covered(d, policy.AuditLog, string(tx.tenant)); err != nil {
		return 0, 0, err
	}
	err = tx.queryRow(ctx, `SELECT coalesce(min(s.number) - 1, 0), coalesce(max(s.number), 0) FROM audit_seal s WHERE s.tenant_id = $1
		AND ($2::timestamptz IS NULL OR s.last_at >= $2) AND ($3::timestamptz IS NULL OR s.first_at < $3)`,
		string(tx.tenant), from, before).Scan(&after, &last)
	return after, last, err
}

// SealedRows gives the rows of a seal in its order, under a decision to read the
// whole trail. Rows that are gone are left out.
func (tx *Tx) SealedRows(ctx context.Context, d policy.Decision, s seal.Seal) ([]seal.Row, error) {
	if err := covered(d, policy.AuditLog, string(tx.tenant)); err != nil {
		return nil, err
	}
	seqs := make([]int64, len(s.Rows))
	for i, e := range s.Rows {
		seqs[i] = e.Seq
	}
	return tx.RowsOf(ctx, seqs)
}

// Repeated tells how often the denials among a seal's events were repeated, by
// the event's id.
func (tx *Tx) Repeated(ctx context.Context, d policy.Decision, s seal.Seal) (map[string]int, error) {
	if err := covered(d, policy.AuditLog, string(tx.tenant)); err != nil {
		return nil, err
	}
	ids := make([]string, len(s.Rows))
	for i, e := range s.Rows {
		ids[i] = e.ID
	}
	rows, err := tx.query(ctx, `SELECT event_id::text, repeats FROM audit_denial WHERE tenant_id = $1 AND event_id = ANY($2) AND repeats > 0`,
		string(tx.tenant), ids)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	return out, each(rows, func() error {
		var id string
		var n int
		err := rows.Scan(&id, &n)
		out[id] = n
		return err
	})
}

func (tx *Tx) sealRows(ctx context.Context, query string, args ...any) (out []seal.Row, err error) {
	rows, err := tx.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return err
		}
		r, err := seal.ParseRow(text)
		out = append(out, r)
		return err
	})
	return out, err
}

// each calls next for each row and closes them.
func each(rows *sql.Rows, next func() error) error {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := next(); err != nil {
			return fail(err)
		}
	}
	return fail(rows.Err())
}
