package store

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bonfiredb/bonfire/clinical"
)

// Options tune a DB. The zero value is ready for use.
type Options struct {
	// MaxConns bounds the connections to Postgres; 0 means 20.
	MaxConns int
	// Log hears of retries and, with Debug, of every statement; nil means silence.
	Log *slog.Logger
	// Debug logs each statement's verb, duration and outcome. Values never appear (P10).
	Debug bool
	// StatementTimeout ends a statement that runs longer; 0 means 30 s.
	StatementTimeout time.Duration
	// LockTimeout ends a statement that waits longer for a lock; 0 means 10 s.
	LockTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.MaxConns <= 0 {
		o.MaxConns = 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.StatementTimeout <= 0 {
		o.StatementTimeout = 30 * time.Second
	}
	if o.LockTimeout <= 0 {
		o.LockTimeout = 10 * time.Second
	}
	return o
}

// DB is a pool of connections to Postgres under the server's own role, which
// owns nothing and is held by row-level security. It is safe for concurrent use.
//
// The connections are pgxpool's, which can drop them all when one breaks; bun
// and database/sql borrow them.
type DB struct {
	pool *pgxpool.Pool
	bun  *bun.DB
	conf *pgx.ConnConfig // for connections outside the pool
	log  *slog.Logger

	silence time.Duration
}

// Open connects to the database at url, a libpq connection string or URL.
// Unavailable when it does not answer; Invalid when url makes no sense.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	o = o.withDefaults()
	conf, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, malformed(err)
	}
	conf.MaxConns = int32(min(o.MaxConns, 10_000))
	settle(conf.ConnConfig, map[string]string{
		"application_name":                    "bonfire",
		"statement_timeout":                   milliseconds(o.StatementTimeout),
		"lock_timeout":                        milliseconds(o.LockTimeout),
		"idle_in_transaction_session_timeout": milliseconds(2 * o.StatementTimeout),
	})
	if conf.ConnConfig.RuntimeParams["statement_timeout"] == milliseconds(o.StatementTimeout) { // the URL may allow more
		answered(conf.ConnConfig, o.StatementTimeout+answerTime)
	}
	if o.Debug {
		conf.ConnConfig.Tracer = tracer{log: o.Log}
	}
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, malformed(err)
	}
	db := &DB{pool: pool, bun: bun.NewDB(stdlib.OpenDBFromPool(pool), pgdialect.New()), conf: conf.ConnConfig, log: o.Log, silence: silence}
	if err := db.Ping(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

func malformed(err error) error {
	return clinical.Fail(clinical.Invalid, "the database URL is malformed", err)
}

// settle gives a connection the settings that all of ours need, and those given
// where the URL does not have them itself.
func settle(conf *pgx.ConnConfig, settings map[string]string) {
	if conf.ConnectTimeout == 0 {
		conf.ConnectTimeout = 5 * time.Second
	}
	for name, value := range settings {
		if _, set := conf.RuntimeParams[name]; !set {
			conf.RuntimeParams[name] = value
		}
	}
	// Not negotiable: bun writes literals for these, and the migrations name the schema.
	conf.RuntimeParams["standard_conforming_strings"] = "on"
	conf.RuntimeParams["client_encoding"] = "UTF8"
	conf.RuntimeParams["TimeZone"] = "UTC"
	conf.RuntimeParams["search_path"] = "public"
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Close waits for transactions under way and returns the connections.
func (db *DB) Close() error {
	err := db.bun.Close()
	db.pool.Close()
	return fail(err)
}

// Ping asks the database for a sign of life. Unavailable when there is none.
func (db *DB) Ping(ctx context.Context) error { return fail(db.pool.Ping(ctx)) }

// Stats are the pool's figures, for metrics.
func (db *DB) Stats() *pgxpool.Stat { return db.pool.Stat() }
