package records

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

const (
	// driftPage is how many rows are read at a time; as many keys as S3 lists.
	driftPage = 1000
	// driftBatch is how much that does not fit at first sight is asked again together.
	driftBatch = 250
	// driftCalls bounds the requests to S3 that a check has under way.
	driftCalls = 8
)

// objects merges the list of a tenant's objects with the rows that name keys,
// both in the order of keys. What does not fit is looked at again, since neither
// list is of one instant.
func (d *drift) objects(ctx context.Context, t clinical.TenantID) error {
	rows := &naming{r: d.r, tenant: t}
	w := &walk{drift: d, tenant: t}
	for o, err := range d.r.Bucket.List(ctx, string(t)+"/") {
		if err != nil {
			return err
		}
		if d.report.Objects++; d.Step != nil {
			d.Step(d.report.Objects)
		}
		d.report.Bytes += o.Size
		if err := w.passed(ctx, rows, o.Key); err != nil {
			return err
		}
		named, err := rows.next(ctx, o.Key)
		if err == nil {
			err = w.look(ctx, o, named)
		}
		if err != nil {
			return err
		}
	}
	if err := w.passed(ctx, rows, ""); err != nil {
		return err
	}
	return w.end(ctx)
}

// naming reads the rows that name keys, a page at a time.
type naming struct {
	r      *Records
	tenant clinical.TenantID
	page   []store.Mention
	after  string
	done   bool
}

// peek is the next key that a row names; "" at the end.
func (n *naming) peek(ctx context.Context) (string, error) {
	for len(n.page) == 0 && !n.done {
		err := n.r.Store.InTx(ctx, n.tenant, func(ctx context.Context, tx *store.Tx) (err error) {
			n.page, n.after, err = tx.MentionsAfter(ctx, n.after, driftPage)
			return err
		})
		if err != nil {
			return "", err
		}
		n.done = n.after == ""
	}
	if len(n.page) == 0 {
		return "", nil
	}
	return n.page[0].Key, nil
}

// next takes the rows that name this key, if it is the next one.
func (n *naming) next(ctx context.Context, key string) ([]store.Mention, error) {
	at, err := n.peek(ctx)
	if err != nil || at != key {
		return nil, err
	}
	end := slices.IndexFunc(n.page, func(m store.Mention) bool { return m.Key != key })
	if end < 0 {
		end = len(n.page)
	}
	taken := n.page[:end]
	n.page = n.page[end:]
	return taken, nil
}

// walk gathers what a merge leaves open.
type walk struct {
	*drift
	tenant clinical.TenantID
	odd    []string        // keys to be asked about again
	read   []store.Mention // objects to be read
}

// passed takes the rows whose keys come before that of an object, or all that
// are left: theirs are not in the list.
func (w *walk) passed(ctx context.Context, rows *naming, object string) error {
	for {
		key, err := rows.peek(ctx)
		if err != nil || key == "" || object != "" && key >= object {
			return err
		}
		named, err := rows.next(ctx, key)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(named, func(m store.Mention) bool { return m.Must }) {
			if err := w.doubt(ctx, key); err != nil {
				return err
			}
		}
	}
}

// look compares an object with the rows that name it.
func (w *walk) look(ctx context.Context, o blob.Object, named []store.Mention) error {
	m, ok := claimant(named)
	switch {
	case !ok, m.Must && m.Size != o.Size:
		return w.doubt(ctx, o.Key)
	case w.Deep && m.Must && m.SHA256 != nil:
		if w.read = append(w.read, m); len(w.read) == driftBatch {
			return w.readAll(ctx)
		}
	}
	return nil
}

// claimant is the row to which an object belongs; one that needs it comes first.
func claimant(named []store.Mention) (m store.Mention, ok bool) {
	for _, n := range named {
		if n.Type == store.MentionWaste && n.Multipart != "" && n.Multipart != store.Everything {
			continue // of multipart uploads only
		}
		if !ok || n.Must && !m.Must {
			m, ok = n, true
		}
	}
	return m, ok
}

func (w *walk) doubt(ctx context.Context, key string) error {
	if w.odd = append(w.odd, key); len(w.odd) < driftBatch {
		return nil
	}
	return w.again(ctx)
}

// end looks at all that was left open.
func (w *walk) end(ctx context.Context) error {
	if err := w.readAll(ctx); err != nil {
		return err
	}
	return w.again(ctx)
}

// again asks about keys a second time: rows, then objects, then rows. An object
// counts as unnamed when no row named it before it was seen, nor after; a row's
// object as missing when the row is still there after it was not.
func (w *walk) again(ctx context.Context) error {
	keys := w.odd
	w.odd = nil
	if len(keys) == 0 {
		return nil
	}
	before, err := w.r.mentionsOf(ctx, w.tenant, keys)
	if err != nil {
		return err
	}
	objects, err := w.heads(ctx, keys)
	if err != nil {
		return err
	}
	after, err := w.r.mentionsOf(ctx, w.tenant, keys)
	if err != nil {
		return err
	}
	for i, key := range keys {
		f, ok := w.judge(key, objects[i], before[key], after[key])
		if !ok {
			continue
		}
		if err := w.found(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// judge says what is wrong with a key, if anything. object is nil where there is none.
func (w *walk) judge(key string, object *blob.Object, before, after []store.Mention) (Drift, bool) {
	was, named := claimant(before)
	is, still := claimant(after)
	f := Drift{Tenant: w.tenant, Key: key, Row: string(is.Type), ID: is.ID}
	same := named && still && was.Must && is.Must && was.Type == is.Type && was.ID == is.ID
	switch {
	case object == nil && same:
		f.Code = DriftNoObject
	case object == nil:
		return f, false
	case same && object.Size != is.Size:
		f.Code, f.Want, f.Got = DriftSize, strconv.FormatInt(is.Size, 10), strconv.FormatInt(object.Size, 10)
	case named || still || !w.old(object.LastModified):
		return f, false
	case clinical.IsObjectKey(w.tenant, key):
		f.Code = DriftNoRow
	default:
		f.Code = DriftForeign
		if id, ok := store.ScratchUpload(w.tenant, key); ok {
			f.Code, f.Row, f.ID = DriftScratch, string(store.MentionUpload), string(id)
		}
	}
	return f, true
}

// heads asks for the objects under keys; nil where there is none.
func (d *drift) heads(ctx context.Context, keys []string) ([]*blob.Object, error) {
	out := make([]*blob.Object, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(driftCalls)
	for i, key := range keys {
		group.Go(func() error {
			o, err := d.r.Bucket.Head(ctx, key)
			if errors.Is(err, blob.ErrNotFound) {
				return nil
			}
			out[i] = &o
			return err
		})
	}
	return out, group.Wait()
}

// mentionsOf are the rows that name keys, by key.
func (r *Records) mentionsOf(ctx context.Context, t clinical.TenantID, keys []string) (map[string][]store.Mention, error) {
	var out map[string][]store.Mention
	err := r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) error {
		found, err := tx.MentionsOf(ctx, keys)
		out = map[string][]store.Mention{}
		for _, m := range found {
			out[m.Key] = append(out[m.Key], m)
		}
		return err
	})
	return out, err
}
