package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bonfiredb/bonfire/clinical"
)

// silence is how long a listener hears nothing before it asks whether its
// server still counts: one that vanished, or that another one took over from,
// says nothing, for ever.
const silence = 15 * time.Second

// subscribe hands each payload of a channel to heard, on a connection outside
// the pool, until ctx ends or the connection breaks. ready, if any, is called
// when the channel is listened to: what commits from then on is heard.
func (db *DB) subscribe(ctx context.Context, channel string, ready func(), heard func(payload string)) error {
	conn, err := pgx.ConnectConfig(ctx, db.conf.Copy())
	if err != nil {
		return fail(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fail(err)
	}
	if ready != nil {
		ready()
	}
	for {
		n, err := db.hear(ctx, conn)
		if err != nil {
			return fail(err)
		}
		heard(n.Payload)
	}
}

// hear waits for the next notification, while the server is one that takes writes.
func (db *DB) hear(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	for {
		quiet, stop := context.WithTimeout(ctx, db.silence)
		n, err := conn.WaitForNotification(quiet)
		stop()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return n, err
		}
		if err := writable(ctx, conn); err != nil {
			return nil, err
		}
	}
}

// writable is Unavailable of a server that takes no writes, or does not answer.
func writable(ctx context.Context, conn *pgx.Conn) error {
	ctx, stop := context.WithTimeout(ctx, answerTime)
	defer stop()
	var readOnly string
	if err := conn.QueryRow(ctx, "SHOW transaction_read_only").Scan(&readOnly); err != nil {
		return err
	}
	if readOnly == "on" {
		return clinical.Fail(clinical.Unavailable, "the database takes no writes", nil)
	}
	return nil
}
