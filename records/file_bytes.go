package records

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// bytesOf decides on giving out a file's bytes. The file is held as it is until
// the link is written: whoever moves or retracts it afterwards finds that link
// and ends it. Gone when the bytes were given up, Unsupported for a note.
func (c *call) bytesOf(ctx context.Context, id clinical.FileID) (d policy.Decision, f clinical.File, err error) {
	res, err := subject(ctx, c, policy.File, id, c.ShareFile)
	if clinical.Is(err, clinical.NotFound) {
		return d, f, c.noBytes(ctx, clinical.NoteID(id), err)
	}
	if err != nil {
		return d, f, err
	}
	d, err = c.permit(ctx, policy.DownloadFile, res)
	if clinical.Is(err, clinical.NotFound) { // a hidden one costs the same look-ups as a missing one
		return d, f, c.noBytes(ctx, clinical.NoteID(id), err)
	}
	if err != nil {
		return d, f, err
	}
	if f, err = c.Tx.File(ctx, d); err == nil && f.PurgedAt != nil {
		no := &refusal{event: c.event(res, "retention")}
		no.event.Outcome = clinical.MinorFailure
		err = clinical.Fail(clinical.Gone, "the bytes were given up when their time had come", no)
	}
	return d, f, err
}

// noBytes is the answer for the id of no file: a note that the actor may read
// has a text, and no bytes.
func (c *call) noBytes(ctx context.Context, id clinical.NoteID, missing error) error {
	res, err := c.NoteSubject(ctx, id)
	if clinical.Is(err, clinical.NotFound) {
		return missing
	}
	if err != nil {
		return err
	}
	switch d, err := c.judge(ctx, policy.ReadNote, res); {
	case err != nil:
		return err
	case !d.Allowed():
		return missing
	}
	no := &refusal{event: c.event(res, "no-bytes")}
	no.event.Outcome = clinical.MinorFailure
	return clinical.Fail(clinical.Unsupported, "a note has no bytes of its own: read its text", no)
}
