package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bonfiredb/bonfire/clinical"
)

// statement is one that runs alone, in a transaction of its own.
type statement struct {
	text string
	args []any
	// relaxed lets its commit return before it is on disk.
	relaxed bool
	// begin, if any, is called before each time it is sent.
	begin func()
	// row reads each row; nil when there are none.
	row func(pgx.Rows) error
}

const (
	setTenant  = `SELECT set_config('app.tenant', $1, true)`
	setRelaxed = `SELECT set_config('app.tenant', $1, true), set_config('synchronous_commit', 'off', true)`
)

// alone runs a statement in one round trip: the tenant's setting travels with
// it, and Postgres commits what stands before one Sync together
// (https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-PIPELINING).
//
// Nobody can tell whether it ran when the connection breaks, so it is sent
// again: it must come to the same when it ran twice. resent reports that this
// happened. Unavailable when the database does not answer in time.
func (db *DB) alone(ctx context.Context, tenant clinical.TenantID, s statement) (resent bool, err error) {
	if err := standalone(ctx); err != nil {
		return false, err
	}
	if !tenant.Valid() {
		return false, internal(errNoTenant)
	}
	sent := 0
	err = db.retry(ctx, func() error {
		sent++
		if s.begin != nil {
			s.begin()
		}
		return db.pipeline(ctx, tenant, s)
	})
	return sent > 1, err
}

func (db *DB) pipeline(ctx context.Context, tenant clinical.TenantID, s statement) (err error) {
	setting := setTenant
	if s.relaxed {
		setting = setRelaxed
	}
	b := &pgx.Batch{}
	b.Queue(setting, string(tenant))
	b.Queue(s.text, s.args...)
	results := db.pool.SendBatch(ctx, b)
	defer func() {
		if end := results.Close(); err == nil {
			err = end // the answer to Sync: it is committed
		}
	}()
	if _, err := results.Exec(); err != nil {
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := s.row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
