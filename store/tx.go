package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
)

const (
	contentionRetries = 8 // from 2 ms, doubling: under a second in all
	connectionRetries = 5 // from 50 ms, doubling: a restart of Postgres takes less
	commitTimeout     = 15 * time.Second
)

// Tx is one transaction of one tenant. Its methods are all there is to read and
// write; they are not safe for concurrent use and end with the function that
// InTx was given.
//
// Inside the package, exec, query and queryRow take plain SQL with $n
// placeholders and use prepared statements (the ledger's hot path); tx.bun
// builds the rest.
type Tx struct {
	bun    bun.Tx
	db     *DB
	tenant clinical.TenantID
}

type txMarker struct{}

// InTx runs fn in one transaction with row-level security set to the tenant.
//
// fn may run more than once: serialization failures, deadlocks and connections
// that break before COMMIT was sent are retried with backoff, so it must have
// no effect but through tx. After COMMIT was sent nothing is retried: when its
// answer is lost the result is Unavailable and the effect unknown.
//
// A Failure that fn returns comes back unchanged, after a rollback. A missing
// row is NotFound, a database that does not answer Unavailable, anything else
// Internal, as is calling InTx within fn.
func (db *DB) InTx(ctx context.Context, tenant clinical.TenantID, fn func(ctx context.Context, tx *Tx) error) error {
	if err := standalone(ctx); err != nil {
		return err
	}
	if !tenant.Valid() {
		return internal(errNoTenant)
	}
	return db.retry(ctx, func() error { return db.attempt(ctx, tenant, nil, fn) })
}

// InSnapshot is InTx whose statements all see the database as it was at the
// first of them: what is read in pages fits together, whatever is written
// meanwhile.
func (db *DB) InSnapshot(ctx context.Context, tenant clinical.TenantID, fn func(ctx context.Context, tx *Tx) error) error {
	if err := standalone(ctx); err != nil {
		return err
	}
	if !tenant.Valid() {
		return internal(errNoTenant)
	}
	frozen := &sql.TxOptions{Isolation: sql.LevelRepeatableRead}
	return db.retry(ctx, func() error { return db.attempt(ctx, tenant, frozen, fn) })
}

// standalone refuses a context that belongs to an open transaction: a second
// connection could wait for the first one for ever.
func standalone(ctx context.Context) error {
	if ctx.Value(txMarker{}) != nil {
		return internal(errNested)
	}
	return nil
}

// across asks a question that spans tenants, by one of the functions that the
// migrations made for it.
func (db *DB) across(ctx context.Context, ask func() error) error {
	if err := standalone(ctx); err != nil {
		return err
	}
	return db.retry(ctx, ask)
}

// retry calls once until it succeeds, fails for good, or was tried often enough.
func (db *DB) retry(ctx context.Context, once func() error) error {
	var contentions, disconnections int
	for {
		err := once()
		var wait time.Duration
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || errors.As(err, new(*unknownOutcome)):
			return fail(err)
		case contended(err) && contentions < contentionRetries:
			wait = backoff(2*time.Millisecond, contentions)
			contentions++
		case disconnected(err) && disconnections < connectionRetries:
			db.pool.Reset() // the others are probably broken too
			wait = backoff(50*time.Millisecond, disconnections)
			disconnections++
		default:
			return fail(err)
		}
		db.log.WarnContext(ctx, "transaction retried", "cause", discreet(err).Error(), "wait", wait)
		select {
		case <-ctx.Done():
			return fail(err)
		case <-time.After(wait):
		}
	}
}

// backoff is between half and all of first doubled n times.
func backoff(first time.Duration, n int) time.Duration {
	d := first << n
	return d/2 + rand.N(d/2)
}

// attempt is one run of fn. Until COMMIT the transaction ends with ctx; from
// then on it has a deadline of its own, so that a caller who leaves just then
// does not make the outcome unknown.
func (db *DB) attempt(ctx context.Context, tenant clinical.TenantID, o *sql.TxOptions, fn func(context.Context, *Tx) error) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	detach := context.AfterFunc(ctx, end)
	defer detach()

	btx, err := db.bun.BeginTx(life, o)
	if err != nil {
		return err
	}
	open := true
	defer func() {
		if open { // an error, or a panic on its way through
			_ = btx.Rollback()
		}
	}()
	tx := &Tx{bun: btx, db: db, tenant: tenant}
	if _, err := tx.exec(ctx, "SELECT set_config('app.tenant', $1, true)", string(tenant)); err != nil {
		return err
	}
	if err := fn(context.WithValue(ctx, txMarker{}, tenant), tx); err != nil {
		return err
	}
	if !detach() {
		return ctx.Err()
	}
	deadline := time.AfterFunc(commitTimeout, end)
	defer deadline.Stop()
	open = false
	return outcome(btx.Commit())
}

// unknownOutcome is a COMMIT whose answer was lost.
type unknownOutcome struct{ cause error }

func (e *unknownOutcome) Error() string { return "commit: outcome unknown: " + e.cause.Error() }

// outcome marks errors of COMMIT after which the transaction may have committed:
// all but a refusal by the server and a failure before anything was sent. A
// FATAL is no refusal: the server may have been shut down after committing.
func outcome(err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, pgx.ErrTxCommitRollback), pgconn.SafeToRetry(err):
		return err
	case errors.As(err, &pg) && pg.Severity == "ERROR":
		return err
	}
	return clinical.Fail(clinical.Unavailable, "the outcome is not known, ask before you try again", &unknownOutcome{discreet(err)})
}

// Tenant is whose transaction it is.
func (tx *Tx) Tenant() clinical.TenantID { return tx.tenant }

// exec runs one statement with $n placeholders and tells how many rows it changed.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.bun.Tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, fail(err)
	}
	n, err := res.RowsAffected()
	return n, fail(err)
}

// one is NotFound when a statement changed no row.
func one(n int64, err error) error {
	if err == nil && n == 0 {
		return clinical.Missing()
	}
	return err
}

// query runs one statement with $n placeholders for its rows.
func (tx *Tx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := tx.bun.Tx.QueryContext(ctx, query, args...)
	return rows, fail(err)
}

// row is the result of queryRow.
type row struct{ *sql.Row }

// Scan copies the columns; NotFound when there was no row.
func (r row) Scan(dest ...any) error { return fail(r.Row.Scan(dest...)) }

// queryRow runs one statement with $n placeholders for its first row.
func (tx *Tx) queryRow(ctx context.Context, query string, args ...any) row {
	return row{tx.bun.Tx.QueryRowContext(ctx, query, args...)}
}
