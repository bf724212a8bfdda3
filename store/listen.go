package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

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
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fail(err)
		}
		heard(n.Payload)
	}
}
