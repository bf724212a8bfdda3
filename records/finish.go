package records

import (
	"context"
	"errors"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/ledger"
)

// CancelUpload ends an upload of the actor's own. Conflict when it has been
// received already.
func (r *Records) CancelUpload(ctx context.Context, actor clinical.Actor, id clinical.UploadID) (clinical.Upload, error) {
	in, err := r.OpenUpload(ctx, actor, id, nil)
	if err != nil {
		return clinical.Upload{}, err
	}
	defer in.Release()
	if err := in.Cancel(ctx); err != nil {
		return clinical.Upload{}, err
	}
	return in.Upload(), nil
}

// FinishUpload ends an upload whose bytes are all there; idempotent. Conflict
// (cause *NotReady) while bytes are missing; ChecksumMismatch (cause *Mismatch);
// Gone when it ended without a record; Busy when storing it takes longer than
// FinishPatience.
func (r *Records) FinishUpload(ctx context.Context, actor clinical.Actor, id clinical.UploadID, in FinishUpload) (clinical.File, error) {
	up, err := r.OpenUpload(ctx, actor, id, nil)
	if err != nil {
		return clinical.File{}, err
	}
	defer up.Release()
	u := up.Upload()
	switch {
	case u.State.Terminal() && u.State != clinical.UploadCompleted:
		return clinical.File{}, clinical.Fail(clinical.Gone, "this upload has ended without a record", nil)
	case !u.Complete() && (u.Length != nil || !in.DeclareLength):
		return clinical.File{}, clinical.Fail(clinical.Conflict, "bytes are missing", &NotReady{Received: u.Offset, Total: u.Length})
	case u.Digests != nil:
		if err := compare(in.SHA256, u.Digests.SHA256); err != nil {
			return clinical.File{}, err
		}
	case in.SHA256 != nil:
		up.session.Expect(in.SHA256)
	}
	f, err := up.FinishWithin(ctx, FinishPatience, in.DeclareLength)
	var differ *ledger.Mismatch
	if errors.As(err, &differ) {
		err = mismatch(differ.Expected, differ.Actual)
	}
	return f, err
}
