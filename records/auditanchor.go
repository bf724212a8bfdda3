package records

import (
	"context"
	"io"
	"iter"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/seal"
)

const (
	// anchorsAtOnce is how many anchors are fetched in parallel: a year has many.
	anchorsAtOnce = 16
	// anchorMax is more bytes than an anchor can have.
	anchorMax = 1 << 20
)

// numbered is the anchor of one seal, by the number in its key.
type numbered struct {
	number int64
	seal.Anchor
}

// anchors walks a tenant's anchors in the order of their keys, which is that of
// their seals. Of an anchor that was written over, or deleted, the oldest
// version counts, and it is Spoilt.
func (r *Records) anchors(ctx context.Context, t clinical.TenantID) iter.Seq2[numbered, error] {
	return func(yield func(numbered, error) bool) {
		var batch []listed
		flush := func() bool {
			found, err := r.fetchAnchors(ctx, t, batch)
			batch = batch[:0]
			if err != nil {
				yield(numbered{}, err)
				return false
			}
			for _, a := range found {
				if !yield(a, nil) {
					return false
				}
			}
			return true
		}
		for a, err := range r.listAnchors(ctx, t) {
			if err != nil {
				yield(numbered{}, err)
				return
			}
			if batch = append(batch, a); len(batch) == anchorsAtOnce && !flush() {
				return
			}
		}
		flush()
	}
}

// listed is an anchor that is there: its oldest version.
type listed struct {
	number int64
	oldest blob.Version
	spoilt bool
}

// listAnchors groups the versions of the objects in a tenant's folder. What is
// not named like an anchor is none.
func (r *Records) listAnchors(ctx context.Context, t clinical.TenantID) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		var at listed
		for v, err := range r.Bucket.Versions(ctx, seal.Folder+string(t)+"/") {
			if err != nil {
				yield(listed{}, err)
				return
			}
			number, ok := anchorNumber(v.Key)
			switch {
			case !ok:
				continue
			case v.Key == at.oldest.Key:
				at.spoilt = true
			case at.number > 0 && !yield(at, nil):
				return
			default:
				at = listed{number: number}
			}
			at.spoilt = at.spoilt || v.Deleted
			if at.oldest.Key == "" || !v.Deleted {
				at.oldest = v // the newest come first, so the last one stays
			}
		}
		if at.number > 0 {
			yield(at, nil)
		}
	}
}

// anchorNumber is the seal's number in the key of an anchor.
func anchorNumber(key string) (int64, bool) {
	name, isJSON := strings.CutSuffix(path.Base(key), ".json")
	n, err := strconv.ParseInt(name, 10, 64)
	return n, isJSON && err == nil && n > 0
}

func (r *Records) fetchAnchors(ctx context.Context, t clinical.TenantID, which []listed) ([]numbered, error) {
	out := make([]numbered, len(which))
	group, ctx := errgroup.WithContext(ctx)
	for i, a := range which {
		out[i].number, out[i].Spoilt = a.number, a.spoilt
		if a.oldest.Deleted { // the mark is all that is left
			continue
		}
		group.Go(func() error {
			s, err := r.fetchAnchor(ctx, a.oldest)
			if err != nil {
				return err
			}
			if s == nil || s.Number != a.number || s.Tenant != string(t) || s.Key() != a.oldest.Key {
				out[i].Spoilt = true // unreadable, or another seal's
				return nil
			}
			out[i].Seal = s
			return nil
		})
	}
	return out, group.Wait()
}

// fetchAnchor reads one anchor; nil when it is not there or no seal.
func (r *Records) fetchAnchor(ctx context.Context, v blob.Version) (*seal.Seal, error) {
	body, err := r.Bucket.GetVersion(ctx, v)
	if clinical.Is(err, clinical.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(io.LimitReader(body, anchorMax))
	if err != nil {
		return nil, err
	}
	s, err := seal.Parse(text)
	if err != nil {
		return nil, nil //nolint:nilerr // that it cannot be read is the answer
	}
	return &s, nil
}

// Anchor is what the bucket holds of one seal, for a check of an export.
func (r *Records) Anchor(ctx context.Context, s seal.Seal) (seal.Anchor, error) {
	return r.anchorOf(ctx, s)
}

// anchorOf asks for the anchor of one seal where it belongs.
func (r *Records) anchorOf(ctx context.Context, s seal.Seal) (seal.Anchor, error) {
	found, err := r.fetchAnchors(ctx, clinical.TenantID(s.Tenant), []listed{{number: s.Number, oldest: blob.Version{Key: s.Key()}}})
	if err != nil {
		return seal.Anchor{}, err
	}
	a := found[0].Anchor
	a.Spoilt = false // not listed: it is missing, or new
	return a, nil
}
