package uploads

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// store is tusd's data store and locker over the verbs of package records. The
// lock is the lease in the upload's row; taking it reads the row, so that a
// request asks for the upload once. Every error it returns is a handler.Error
// of ours: tusd prints any other one to the client.
type store struct {
	records *records.Records
	base    string // where uploads are, with a slash at the end
	log     *slog.Logger

	patience, headPatience time.Duration
}

var (
	_ handler.DataStore               = (*store)(nil)
	_ handler.TerminaterDataStore     = (*store)(nil)
	_ handler.LengthDeferrerDataStore = (*store)(nil)
	_ handler.Locker                  = (*store)(nil)
)

// NewUpload is tus creation: the same verb as GraphQL's createUpload.
func (s *store) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	slot := slotOf(ctx)
	in, err := beginOf(info, slot.header)
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	begun, err := s.records.BeginUpload(ctx, auth.Actor(ctx), in)
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	slot.upload, slot.begun, slot.location = &begun.Upload, begun.Token, s.base+string(begun.Upload.ID)
	return &upload{store: s, id: begun.Upload.ID}, nil
}

// GetUpload finds the upload that the lock holds.
func (s *store) GetUpload(_ context.Context, id string) (handler.Upload, error) {
	return &upload{store: s, id: clinical.UploadID(id)}, nil
}

// AsTerminatableUpload implements handler.TerminaterDataStore.
func (s *store) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload {
	return u.(*upload)
}

// AsLengthDeclarableUpload implements handler.LengthDeferrerDataStore.
func (s *store) AsLengthDeclarableUpload(u handler.Upload) handler.LengthDeclarableUpload {
	return u.(*upload)
}

func (s *store) fault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	slotOf(ctx).faulted = true
	return faultOf(err, s.log)
}

// upload is one upload within one request.
type upload struct {
	store *store
	id    clinical.UploadID
}

// held is the upload's lease: the lock's, or one taken now (tusd finishes an
// empty upload at its creation without locking it).
func (u *upload) held(ctx context.Context) (*records.Incoming, func(), error) {
	if in := slotOf(ctx).incoming; in != nil {
		return in, func() {}, nil
	}
	in, err := u.store.open(ctx, u.id, nil)
	if err != nil {
		return nil, nil, err
	}
	return in, in.Release, nil
}

// GetInfo reads where the upload stands. A complete upload without its record
// is finished first: HEAD never claims what does not exist (P2).
func (u *upload) GetInfo(ctx context.Context) (handler.FileInfo, error) {
	slot := slotOf(ctx)
	if slot.incoming == nil && slot.upload != nil { // just created, or found by its idempotency key
		info := infoOf(*slot.upload)
		info.SizeIsDeferred = info.SizeIsDeferred || info.Offset > 0 // these bytes are there: tusd must not count them again
		return info, nil
	}
	in, release, err := u.held(ctx)
	if err != nil {
		return handler.FileInfo{}, u.store.fault(ctx, err)
	}
	defer release()
	up := in.Upload()
	slot.upload = &up
	if err := ended(up); err != nil {
		return handler.FileInfo{}, u.store.fault(ctx, err)
	}
	if up.Complete() && up.State != clinical.UploadCompleted {
		if err := u.finish(ctx, in, u.store.headPatience); err != nil {
			return handler.FileInfo{}, err
		}
	}
	if err := redeclared(slot, up); err != nil {
		return handler.FileInfo{}, u.store.fault(ctx, err)
	}
	return infoOf(*slot.upload), nil
}

// ended is the answer for an upload that will never be a record.
func ended(up clinical.Upload) error {
	if !up.State.Terminal() || up.State == clinical.UploadCompleted {
		return nil
	}
	words := "this upload was cancelled or has expired"
	if up.Failure != nil && up.Failure.Words != "" {
		words = up.Failure.Words
	}
	return &clinical.Failure{Kind: clinical.Gone, Words: words}
}

// redeclared lets a client declare the same length again: it does so when the
// PATCH that declared it was cut off, and tusd would refuse that.
func redeclared(slot *request, up clinical.Upload) error {
	again := slot.header.Get("Upload-Length")
	if again == "" || slot.method != http.MethodPatch || up.Length == nil {
		return nil
	}
	if again != strconv.FormatInt(*up.Length, 10) {
		return clinical.Bad("Upload-Length", "contradicts what was declared before")
	}
	slot.header.Del("Upload-Length")
	return nil
}

// WriteChunk receives the body of a PATCH, or of a POST that brings bytes.
func (u *upload) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	in, release, err := u.held(ctx)
	if err != nil {
		return 0, u.store.fault(ctx, err)
	}
	defer release()
	slot, up := slotOf(ctx), in.Upload()
	switch {
	case slot.method == http.MethodPost && up.Offset > 0: // sent again with its creation: the answer is where to go on
		return up.Offset - offset, nil
	case offset != up.Offset:
		return 0, u.store.fault(ctx, clinical.Fail(clinical.Conflict, "bytes have arrived meanwhile: ask for the offset", nil))
	case !slot.receives():
		return 0, u.store.fault(ctx, clinical.Fail(clinical.Busy, "another connection took this upload over", nil))
	}
	body, verify, err := checked(slot.header, src, slot.body.whole)
	if err != nil {
		return 0, u.store.fault(ctx, err)
	}
	n, err := in.Receive(ctx, announce(body, slot.announced), verify)
	up = in.Upload()
	slot.upload = &up
	if errors.Is(err, errCut) {
		return 0, nil // tusd knows why, and says it
	}
	return n, u.store.fault(ctx, err)
}

// FinishUpload makes the record exist. Idempotent.
func (u *upload) FinishUpload(ctx context.Context) error {
	in, release, err := u.held(ctx)
	if err != nil {
		return u.store.fault(ctx, err)
	}
	defer release()
	return u.finish(ctx, in, u.store.patience)
}

func (u *upload) finish(ctx context.Context, in *records.Incoming, patience time.Duration) error {
	if _, err := in.FinishWithin(ctx, patience, false); err != nil {
		return u.store.fault(ctx, unfinished(err))
	}
	up := in.Upload()
	slotOf(ctx).upload = &up
	return nil
}

// DeclareLength fixes a deferred length with the PATCH that brings the last bytes.
func (u *upload) DeclareLength(ctx context.Context, length int64) error {
	in, release, err := u.held(ctx)
	if err != nil {
		return u.store.fault(ctx, err)
	}
	defer release()
	return u.store.fault(ctx, in.DeclareLength(length))
}

// Terminate cancels an unfinished upload.
func (u *upload) Terminate(ctx context.Context) error {
	in, release, err := u.held(ctx)
	if err != nil {
		return u.store.fault(ctx, err)
	}
	defer release()
	up := in.Upload()
	if up.State == clinical.UploadCompleted || up.Complete() {
		return u.store.fault(ctx, clinical.Fail(clinical.Conflict, "it has become a record, which is retracted and not deleted", nil))
	}
	if err := ended(up); err != nil {
		return u.store.fault(ctx, err)
	}
	return u.store.fault(ctx, in.Cancel(ctx))
}

// GetReader is part of tusd's interface; downloads are disabled.
func (u *upload) GetReader(ctx context.Context) (io.ReadCloser, error) {
	return nil, u.store.fault(ctx, clinical.Fail(clinical.Invalid, "bytes are fetched by signed URL, not by tus", nil))
}
