package ledger

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

const (
	// sendTime bounds the sending of one unit, and the wait for its turn,
	// retries included.
	sendTime = 2 * time.Minute
	// commitTime bounds a reservation or a commit.
	commitTime = 30 * time.Second
)

// Write receives src at the upload's offset and returns how many bytes became
// durable: never more than were read, and fewer only with an error. What
// arrived before src failed is committed too.
//
// verify, when given, is asked once src has ended and before anything of it is
// committed; when it fails nothing is kept and its error is returned (tus
// checksum extension). Of an [Announced] src, parts are sent while they arrive.
//
// Failures: Unsupported (the bytes are not of the declared type: the upload has
// failed for good), TooLarge, ChecksumMismatch, Gone (the multipart was aborted
// behind our back), Busy (lease lost), Unavailable (S3 or Postgres does not
// answer, or src ended early: ask for the offset and go on).
func (s *Session) Write(ctx context.Context, src io.Reader, verify func() error) (int64, error) {
	start := s.row.Offset
	switch {
	case s.alive.Err() != nil:
		return 0, errLost
	case !s.row.State.Receives():
		return 0, clinical.Fail(clinical.Conflict, "this upload takes no more bytes", nil)
	}
	if err := s.loadDigest(); err != nil {
		return 0, err
	}
	err := s.receive(ctx, src, verify)
	if err != nil {
		s.dig = nil // it may be ahead of what was committed
		if s.alive.Err() != nil {
			err = errLost
		}
	}
	return s.row.Offset - start, err
}

func (s *Session) loadDigest() error {
	if s.dig != nil {
		return nil
	}
	d, err := resumeDigest(s.row.HashState, s.e.wantsSHA1(s.Upload(), s.row.Offset))
	if clinical.AsFailure(err) != nil {
		return err
	}
	if err != nil {
		return clinical.Fail(clinical.Internal, "internal error", err)
	}
	s.dig = d
	return nil
}

// receive cuts src into units and commits them in order, several on their way
// to S3 while the next one is read.
func (s *Session) receive(ctx context.Context, src io.Reader, verify func() error) error {
	f := s.newFlow(ctx, verify != nil)
	var readErr error
	for readErr == nil && f.open() {
		u := f.next(src)
		readErr = f.fill(u, src)
		if u.fresh.size == 0 && !f.declares() {
			u.fresh.free()
			break
		}
		f.submit(u, readErr != nil)
	}
	ended := readErr != nil
	if errors.Is(readErr, io.EOF) {
		readErr = nil
	}
	if verify != nil {
		f.settle(verify())
	}
	if err := f.wait(); err != nil {
		return err
	}
	if !ended && f.lost() {
		return errLost
	}
	if readErr != nil && clinical.AsFailure(readErr) == nil {
		return clinical.Fail(clinical.Unavailable, "the connection ended early", readErr)
	}
	return readErr
}

// Terminal tells whether a failure of Write or Assemble ends the upload for
// good, and how; nil when the same call may succeed later. The caller ends the
// upload, so that this is decided and audited like everything else.
func Terminal(err error) *clinical.UploadFailure {
	f := clinical.AsFailure(err)
	if f == nil {
		return nil
	}
	switch f.Kind {
	case clinical.Unsupported:
		return &clinical.UploadFailure{Code: clinical.FailedContentType, Words: f.Words}
	case clinical.Gone:
		return &clinical.UploadFailure{Code: clinical.FailedStorage, Words: f.Words, Retryable: true}
	case clinical.ChecksumMismatch:
		if errors.As(err, new(*Mismatch)) || errors.Is(err, blob.ErrDigestMismatch) {
			return &clinical.UploadFailure{Code: clinical.FailedChecksum, Words: f.Words, Retryable: true}
		}
	}
	return nil
}

// Mismatch is the cause of a ChecksumMismatch of the whole file.
type Mismatch struct {
	// Expected and Actual are SHA-256 digests.
	Expected, Actual []byte
}

// Error implements error.
func (m *Mismatch) Error() string { return "the file's SHA-256 is not the announced one" }
