package server

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/records"
)

// OpenPort opens what charts leave and enter by: a trail that knows the kinds of
// the configuration, too. It refuses a database that a server would refuse.
func OpenPort(ctx context.Context, c config.Config, credentials aws.CredentialsProvider, log *slog.Logger) (*Trail, error) {
	kinds, err := kindsOf(c.KindsFile)
	if err != nil {
		return nil, err
	}
	t, err := OpenTrail(ctx, c, credentials, log)
	if err != nil {
		return nil, err
	}
	if err := t.Check(ctx); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	t.Records = records.New(records.Options{Store: t.Store, Gate: t.Records.Gate, Bucket: t.Bucket, Kinds: kinds, Log: log})
	return t, nil
}
