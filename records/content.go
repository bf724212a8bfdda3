package records

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// content is what a link leads to: a file's bytes, or a note's text as one
// version of it stood; with the decision to give it out.
type content struct {
	decision    policy.Decision
	file        clinical.FileID // this or note
	note        clinical.NoteID
	version     int
	contentType string
	name        string // neutral: it stands in the URL
	key         string // the object's; "" while a note's text has none
	text        string // of a note; PHI
}

// contentOf decides on giving out the content of the file or note of that id. It
// is held as it is until the link is written: whoever moves or retracts it
// afterwards finds that link and ends it.
func (c *call) contentOf(ctx context.Context, in SignedURL) (content, error) {
	what, err := c.bytesOf(ctx, clinical.FileID(in.Document))
	if clinical.Is(err, clinical.NotFound) && !in.FilesOnly { // a hidden one costs the same look-ups as a missing one
		return c.textOf(ctx, clinical.NoteID(in.Document), 0, err)
	}
	return what, err
}

// bytesOf decides on giving out a file's bytes. Gone when they were given up.
func (c *call) bytesOf(ctx context.Context, id clinical.FileID) (what content, err error) {
	res, err := subject(ctx, c, policy.File, id, c.ShareFile)
	if err != nil {
		return what, err
	}
	d, err := c.permit(ctx, policy.DownloadFile, res)
	if err != nil {
		return what, err
	}
	f, err := c.Tx.File(ctx, d)
	if err == nil && f.PurgedAt != nil {
		err = c.outlived(res, "retention", "the bytes were given up when their time had come")
	}
	return content{
		decision: d, file: f.ID, version: f.Version, contentType: f.ContentType, name: f.DownloadName(), key: f.ObjectKey,
	}, err
}

// textOf decides on giving out a note's text, to whoever may read the note: as
// one version of it stood, or for 0 as it stands. Gone when it was entered in
// error. missing is the answer where there is no note to be seen.
func (c *call) textOf(ctx context.Context, id clinical.NoteID, version int, missing error) (what content, err error) {
	res, err := c.ShareNote(ctx, id)
	if clinical.Is(err, clinical.NotFound) {
		return what, missing
	}
	if err != nil {
		return what, err
	}
	d, err := c.permit(ctx, policy.ReadNote, res)
	if err != nil {
		return what, err
	}
	n, err := c.Tx.Note(ctx, d)
	if err != nil {
		return what, err
	}
	if n.Status == clinical.NoteEnteredInError {
		return what, c.outlived(res, "entered-in-error", "this note was entered in error")
	}
	what = content{decision: d, note: n.ID, version: n.Version, contentType: noteType, name: n.DownloadName(), text: n.Text}
	if version != 0 && version != n.Version {
		v, err := c.NoteVersion(ctx, d, version)
		if err != nil {
			return what, err
		}
		what.version, what.text = v.Version, v.Text
	}
	what.key, err = c.NoteObject(ctx, d, what.version)
	return what, err
}

// outlived is the answer for content that is given out to nobody any more, and its event.
func (c *call) outlived(res policy.Resource, rule, words string) error {
	no := &refusal{event: c.event(res, rule)}
	no.event.Outcome = clinical.MinorFailure
	return clinical.Fail(clinical.Gone, words, no)
}
