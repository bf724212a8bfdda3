package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// driftMost is how many objects a repair may always remove; more only while
// they are not most of the bucket.
const driftMost = 100

// mayRepair looks first, and refuses to remove most of the bucket: a database
// that knows so little of it is probably another's, or was restored from too
// long ago.
func (r *Records) mayRepair(ctx context.Context, o DriftCheck) error {
	o.Repair, o.Deep, o.Step = false, false, nil
	look, err := r.CompareBucket(ctx, o, func(Drift) error { return nil })
	if n := look.Found[DriftNoRow]; err == nil && n > driftMost && int64(n) > look.Objects/2 {
		err = clinical.Fail(clinical.Conflict, fmt.Sprintf(
			"%d of %d objects have no row: this looks like the database of another bucket, and nothing was removed", n, look.Objects), nil)
	}
	return err
}

// repair ends a difference that can be ended without a person.
func (d *drift) repair(ctx context.Context, f Drift) error {
	switch f.Code {
	case DriftNoRecord, DriftWaiting:
		return d.finish(ctx, f)
	case DriftMultipart:
		return d.takeAway(ctx, f, unnamed(f.Key, func(rows []store.Mention) bool { return namesMultipart(rows, f.Multipart) }))
	case DriftNoObject, DriftSize, DriftDigest: // a copy of a note's text: the next link makes another
		return d.takeAway(ctx, f, func(ctx context.Context, c *call) error { return c.ForgetNoteObject(ctx, f.Key, c.now) })
	}
	return d.takeAway(ctx, f, unnamed(f.Key, func(rows []store.Mention) bool { _, named := claimant(rows); return named }))
}

// unnamed refuses what a row names by now. Keys are drawn anew for each attempt to
// write (docs/decisions/0002), so what nobody names then, nobody will.
func unnamed(key string, named func([]store.Mention) bool) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		rows, err := c.MentionsOf(ctx, []string{key})
		if err == nil && named(rows) {
			err = clinical.Fail(clinical.Conflict, "a row names it by now", nil)
		}
		return err
	}
}

// takeAway removes an object or a multipart once no row needs it: that is made
// sure, it is listed as garbage and put on the trail in one transaction, and
// deleted after it; whoever dies in between, the sweeper goes on.
func (d *drift) takeAway(ctx context.Context, f Drift, release func(context.Context, *call) error) error {
	g := store.Garbage{Tenant: f.Tenant, ObjectKey: f.Key, Multipart: f.Multipart}
	err := d.r.act(ctx, systemActor(f.Tenant), "removeOrphan", func(ctx context.Context, c *call) error {
		if err := release(ctx, c); err != nil {
			return err
		}
		whose, err := c.RemainsOf(ctx, f.Key)
		if err != nil {
			return err
		}
		if err := c.AddGarbage(ctx, g.ObjectKey, g.Multipart); err != nil {
			return err
		}
		e := c.event(policy.Resource{Patient: whose.Patient}, string(f.Code))
		if whose.ID != "" {
			e.Entities = []clinical.AuditEntity{{Type: whose.Type, ID: whose.ID}}
		}
		detail("objectKey", f.Key)(&e)
		return c.AppendAudit(ctx, e)
	})
	if err != nil {
		return err
	}
	gone, err := d.r.takeOutOne(ctx, g)
	return errors.Join(gone, err)
}

// finish brings an upload to its end, as the sweeper does.
func (d *drift) finish(ctx context.Context, f Drift) error {
	id := clinical.UploadID(f.ID)
	swept := d.r.sweepUpload(ctx, store.PendingWork{Tenant: f.Tenant, Upload: id})
	left, err := d.r.stillUnfinished(ctx, f.Tenant, []clinical.UploadID{id})
	switch {
	case err != nil:
		return err
	case len(left) == 0:
		return nil // whatever became of it, it has ended
	case swept != nil:
		return swept
	}
	return clinical.Fail(clinical.Busy, "the upload has not ended yet", nil)
}
