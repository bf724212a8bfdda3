package records

import (
	"context"
	"math"

	"github.com/bonfiredb/bonfire/seal"
	"github.com/bonfiredb/bonfire/store"
)

// rest looks at what is in no seal, while nobody seals. more: seals were written
// meanwhile, so it is to be asked again.
func (c *auditCheck) rest(ctx context.Context) (more bool, err error) {
	var found []unsealed
	var lost []seal.Entry
	err = c.in(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, more = nil, false
		if _, err := tx.LockSeals(ctx, true); err != nil {
			return err
		}
		last, err := tx.LastSeal(ctx)
		if more = last > c.v.End.Number; more || err != nil {
			return err
		}
		if found, err = c.tail(ctx, tx); err != nil {
			return err
		}
		lost, err = tx.Lost(ctx)
		return err
	})
	if more || err != nil {
		return more, err
	}
	for _, u := range found {
		c.v.Unsealed(u.seq, u.id, u.waits)
	}
	for _, e := range lost {
		c.v.Gone(e.Seq, e.ID)
	}
	return false, nil
}

// unsealed is a row that is in no seal.
type unsealed struct {
	seq   int64
	id    string
	waits bool
}

// tail finds the rows that no seal has claimed, and those after the last seal.
func (c *auditCheck) tail(ctx context.Context, tx *store.Tx) (out []unsealed, err error) {
	rows, after := c.v.Left(), store.PastSeq(c.v.Loaded())
	for {
		waiting, err := tx.Waiting(ctx, rows)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, unsealed{r.Seq, r.ID, waiting[store.Mark{Seq: r.Seq, ID: r.ID}]})
		}
		if rows, err = tx.RowsUpTo(ctx, after, math.MaxInt64, rowPage); err != nil || len(rows) == 0 {
			return out, err
		}
		after = store.Mark{Seq: rows[len(rows)-1].Seq, ID: rows[len(rows)-1].ID}
	}
}
