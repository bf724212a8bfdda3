package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// Office is what the commands of administration work with: the verbs, over the
// database and the gate of a server's configuration, and nothing that bytes need.
type Office struct {
	Store   *store.DB
	Records *records.Records
}

// OpenOffice opens the office. It refuses a database that a server would refuse.
func OpenOffice(ctx context.Context, c config.Config, log *slog.Logger) (_ *Office, err error) {
	gate, err := Gate(c.PolicyDir)
	if err != nil {
		return nil, err
	}
	kinds, err := kindsOf(c.KindsFile)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, c.DatabaseURL.Reveal(), store.Options{Log: log, MaxConns: 2})
	if err != nil {
		return nil, fmt.Errorf("BONFIRE_DATABASE_URL: %w", err)
	}
	if err := db.Check(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("BONFIRE_DATABASE_URL: %w", err), db.Close())
	}
	return &Office{Store: db, Records: records.New(records.Options{
		Store: db, Gate: gate, LinkTTL: c.LinkTTL, LinkTTLMax: c.LinkTTLMax, Kinds: kinds, Log: log,
	})}, nil
}

// Close gives the connections back.
func (o *Office) Close() error { return o.Store.Close() }
