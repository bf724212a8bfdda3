package records

import (
	"context"
	"slices"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// multiparts looks for open multipart uploads that no row names.
func (d *drift) multiparts(ctx context.Context, t clinical.TenantID) error {
	var batch []blob.Multipart
	for m, err := range d.r.Bucket.ListMultiparts(ctx, string(t)+"/") {
		if err != nil {
			return err
		}
		if d.report.Multiparts++; d.old(m.Initiated) {
			batch = append(batch, m)
		}
		if len(batch) == driftBatch {
			if err := d.unnamedMultiparts(ctx, t, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return d.unnamedMultiparts(ctx, t, batch)
}

// unnamedMultiparts tells those of a batch that no row names and that are still
// open, in the order of walk.again: rows, S3, rows.
func (d *drift) unnamedMultiparts(ctx context.Context, t clinical.TenantID, batch []blob.Multipart) error {
	for range 2 {
		rows, err := d.r.mentionsOf(ctx, t, keysOf(batch))
		if err != nil {
			return err
		}
		var open []blob.Multipart
		for _, m := range batch {
			if namesMultipart(rows[m.Key], m.UploadID) {
				continue
			}
			alive, err := d.r.Bucket.MultipartAlive(ctx, m.Key, m.UploadID)
			if err != nil {
				return err
			}
			if alive {
				open = append(open, m)
			}
		}
		if batch = open; len(batch) == 0 {
			return nil
		}
	}
	for _, m := range batch {
		f := Drift{Code: DriftMultipart, Tenant: t, Key: m.Key, Multipart: m.UploadID}
		if !clinical.IsObjectKey(t, m.Key) {
			f.Code = DriftForeign
		}
		if err := d.found(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func keysOf(ms []blob.Multipart) (keys []string) {
	for _, m := range ms {
		keys = append(keys, m.Key)
	}
	return keys
}

// namesMultipart reports whether a multipart upload belongs to a row: to an
// upload that has not ended, or to what is to be deleted.
func namesMultipart(rows []store.Mention, id string) bool {
	return slices.ContainsFunc(rows, func(m store.Mention) bool {
		switch m.Type {
		case store.MentionUpload:
			return true
		case store.MentionWaste:
			return m.Multipart == id || m.Multipart == store.Everything || m.Multipart == store.Multiparts
		}
		return false
	})
}

// uploads looks at those that have not ended.
func (d *drift) uploads(ctx context.Context, t clinical.TenantID) error {
	var after clinical.UploadID
	for {
		var page []store.Unfinished
		err := d.r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) (err error) {
			page, err = tx.Unfinished(ctx, after, driftBatch)
			return err
		})
		if err != nil {
			return err
		}
		d.report.Uploads += int64(len(page))
		if err := d.stuck(ctx, t, page); err != nil {
			return err
		}
		if len(page) < driftBatch {
			return nil
		}
		after = page[len(page)-1].Upload
	}
}

// stuck tells those uploads of a page that nothing moves on, or whose bytes are
// gone, unless they have changed when they are read again.
func (d *drift) stuck(ctx context.Context, t clinical.TenantID, page []store.Unfinished) error {
	codes := map[store.Unfinished]DriftCode{}
	var ids []clinical.UploadID
	for _, u := range page {
		code, err := d.standing(ctx, u)
		if err != nil {
			return err
		}
		if code != "" {
			codes[u], ids = code, append(ids, u.Upload)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	still, err := d.r.stillUnfinished(ctx, t, ids)
	if err != nil {
		return err
	}
	for _, u := range still {
		code, same := codes[u]
		if !same {
			continue
		}
		if err := d.found(ctx, Drift{
			Code: code, Tenant: t, Key: u.Key, Row: string(store.MentionUpload), ID: string(u.Upload), Multipart: u.Multipart,
		}); err != nil {
			return err
		}
	}
	return nil
}

// standing is what is wrong with an upload as it was read; "" for nothing.
func (d *drift) standing(ctx context.Context, u store.Unfinished) (DriftCode, error) {
	switch {
	case !d.old(u.Since):
		return "", nil
	case u.Waits && u.State == clinical.UploadStored:
		return DriftNoRecord, nil
	case u.Waits:
		return DriftWaiting, nil
	case u.Multipart == "" || !u.State.Receives():
		return "", nil
	}
	alive, err := d.r.Bucket.MultipartAlive(ctx, u.Key, u.Multipart)
	if err != nil || alive {
		return "", err
	}
	return DriftNoMultipart, nil
}

func (r *Records) stillUnfinished(ctx context.Context, t clinical.TenantID, ids []clinical.UploadID) (still []store.Unfinished, err error) {
	err = r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) (err error) {
		still, err = tx.StillUnfinished(ctx, ids)
		return err
	})
	return still, err
}
