package records

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/store"
)

// driftReaders bounds the objects that are read at the same time.
const driftReaders = 4

// readAll reads the objects that wait for it and compares their digests with
// their rows'. Memory is that of a few buffers.
func (w *walk) readAll(ctx context.Context) error {
	rows := w.read
	w.read = nil
	sums := make([][]byte, len(rows))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(driftReaders)
	for i, m := range rows {
		group.Go(func() (err error) {
			sums[i], err = w.sum(reading, m.Key)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, m := range rows {
		var err error
		switch {
		case sums[i] == nil:
			err = w.doubt(ctx, m.Key)
		case !bytes.Equal(sums[i], m.SHA256):
			err = w.differs(ctx, m, sums[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sum is the SHA-256 of an object; nil where there is none.
func (w *walk) sum(ctx context.Context, key string) ([]byte, error) {
	src, err := w.r.Bucket.Get(ctx, key, 0, -1)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, src); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// differs tells of bytes that are not the row's, unless the row has changed
// while they were read.
func (w *walk) differs(ctx context.Context, m store.Mention, got []byte) error {
	now, err := w.r.mentionsOf(ctx, w.tenant, []string{m.Key})
	if err != nil {
		return err
	}
	if is, ok := claimant(now[m.Key]); !ok || is.ID != m.ID || !bytes.Equal(is.SHA256, m.SHA256) {
		return nil
	}
	return w.found(ctx, Drift{
		Code: DriftDigest, Tenant: w.tenant, Key: m.Key, Row: string(m.Type), ID: m.ID,
		Want: hex.EncodeToString(m.SHA256), Got: hex.EncodeToString(got),
	})
}
