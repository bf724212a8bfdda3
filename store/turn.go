package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// holdPulse is how often the connection that holds a turn is looked at.
const holdPulse = 15 * time.Second

// HoldTurn runs work while this replica is the only one that does what is named.
// Its context ends when the turn is lost, because the connection broke that it
// belongs to. held is false, at once, when it is another's turn. The connection
// is one outside the pool, and no transaction is open on it.
func (db *DB) HoldTurn(ctx context.Context, name string, work func(context.Context) error) (held bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, db.conf.Copy())
	if err != nil {
		return false, fail(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended('turn ' || $1, 0))`, name).Scan(&held); err != nil || !held {
		return false, fail(err)
	}
	ctx, end := context.WithCancelCause(ctx)
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	pulse := time.NewTicker(holdPulse)
	defer pulse.Stop()
	for {
		select {
		case err := <-done:
			end(nil)
			return true, err
		case <-pulse.C:
			if err := conn.Ping(ctx); err != nil {
				end(fail(err))
			}
		}
	}
}
