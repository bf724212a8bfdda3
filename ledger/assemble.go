package ledger

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// assemblyTime bounds the making of the finished object.
const assemblyTime = 10 * time.Minute

// Expect makes a digest that the client computed count like an announced one.
func (s *Session) Expect(sha256 []byte) { s.expected = append(s.expected, sha256) }

// Assemble makes the finished object exist, out of what the ledger says and
// never out of a listing of S3. Idempotent: after any crash the next caller
// goes on where it was. declare ends a live recording: its length is all that
// was received.
//
// Failures: Conflict (bytes are missing), ChecksumMismatch and Gone (terminal),
// Invalid (empty), Busy, Unavailable.
func (s *Session) Assemble(ctx context.Context, declare bool) error {
	if s.row.State == clinical.UploadStored || s.row.State == clinical.UploadCompleted {
		return nil
	}
	if s.row.State.Terminal() {
		return clinical.Fail(clinical.Conflict, "this upload has ended", nil)
	}
	if declare && s.row.Length == nil {
		if err := s.DeclareLength(s.row.Offset); err != nil {
			return err
		}
	}
	if u := s.Upload(); !u.Complete() {
		return clinical.Fail(clinical.Conflict, "bytes are missing", nil)
	}
	ctx, stop := s.bound(ctx, assemblyTime)
	defer stop()
	err := s.noticed(s.assemble(ctx))
	if err != nil && s.alive.Err() != nil {
		err = errLost
	}
	return err
}

func (s *Session) assemble(ctx context.Context) error {
	if err := s.loadDigest(); err != nil {
		return err
	}
	sum := s.dig.sum()
	if err := s.expect(sum); err != nil {
		return err
	}
	inParts := s.row.PartsEnd > 0
	if inParts && s.row.PartsEnd < s.row.Offset {
		if err := s.flushTails(ctx); err != nil {
			return err
		}
	}
	if err := s.e.o.Store.BeginAssembly(ctx, s.lease); err != nil {
		return err
	}
	before := s.row.State
	if before != clinical.UploadAssembling {
		s.row.UpdatedAt = s.e.o.Now()
	}
	s.row.Length, s.row.State, s.length = &s.row.Offset, clinical.UploadAssembling, nil
	var sniffed string
	var err error
	if inParts {
		err = s.completeParts(ctx, s.dig.crc, before)
	} else {
		sniffed, err = s.putWhole(ctx)
	}
	if err != nil {
		return err
	}
	garbage, err := s.e.o.Store.MarkStored(ctx, s.lease, sum, sniffed)
	if err != nil {
		return err
	}
	s.row.State, s.row.Digests = clinical.UploadStored, &sum
	s.e.collect(s.lease.Tenant, garbage)
	return nil
}

// expect compares with the digests the client told.
func (s *Session) expect(sum clinical.Digests) error {
	for _, want := range append([][]byte{s.row.AnnouncedSHA256}, s.expected...) {
		if want != nil && !bytes.Equal(want, sum.SHA256) {
			return clinical.Fail(clinical.ChecksumMismatch, "the bytes are not those that were announced",
				&Mismatch{Expected: want, Actual: sum.SHA256}).WithField("sha256")
		}
	}
	return nil
}

// flushTails makes the last part of tails that were left when the length was
// declared, or by an outage of S3. It is committed before anything is assembled:
// whoever assembles again after a crash must find the same list of parts.
func (s *Session) flushTails(ctx context.Context) error {
	at := s.row.Offset
	u := &unit{from: at, to: at, pending: s.row.PartsEnd, fresh: newRope(s.e.o.Budget)}
	if err := s.reservePart(ctx, u, 0); err != nil {
		return err
	}
	turn, err := s.turn(ctx)
	if err != nil {
		return err
	}
	defer turn()
	p, err := s.sendPart(ctx, u)
	if err != nil {
		return err
	}
	garbage, err := s.e.o.Store.CommitUnit(ctx, s.lease, store.Unit{
		From: at, To: at, Part: &p, HashState: s.row.HashState, Length: s.length,
	})
	if err == nil {
		s.row.PartsEnd = at
		s.e.collect(s.lease.Tenant, garbage)
	}
	return err
}

// putWhole writes a file whose bytes are all in tails.
func (s *Session) putWhole(ctx context.Context) (sniffed string, err error) {
	turn, err := s.turn(ctx)
	if err != nil {
		return "", err
	}
	defer turn()
	u := &unit{from: s.row.Offset, to: s.row.Offset, fresh: newRope(s.e.o.Budget)}
	b, free, err := s.bodyOf(ctx, u)
	if err != nil {
		return "", err
	}
	defer free()
	key, err := s.reserveKey(ctx)
	if err != nil {
		return "", err
	}
	_, err = s.e.o.Bucket.Put(ctx, key, s.contentType(), b)
	return u.sniffed, s.arrived(err)
}

// completeParts assembles the multipart. before is the state the upload was in:
// when somebody may have asked S3 to assemble it already, a multipart that is
// not there any more can mean that S3 is still at it, and that the object is
// about to appear. Nothing is given up before that has been waited for.
func (s *Session) completeParts(ctx context.Context, crc uint32, before clinical.UploadState) error {
	parts, err := s.e.o.Store.Parts(ctx, s.lease)
	if err != nil {
		return err
	}
	list := make([]blob.Part, len(parts))
	for i, p := range parts {
		list[i] = blob.Part{Number: p.Number, ETag: p.ETag, Size: p.Size, CRC32C: p.CRC32C}
	}
	_, err = s.e.o.Bucket.CompleteMultipart(ctx, s.row.ObjectKey, s.row.Multipart, list, s.row.Offset, crc)
	if !errors.Is(err, blob.ErrMultipartGone) {
		return err
	}
	if before == clinical.UploadAssembling && s.e.o.Now().Sub(s.row.UpdatedAt) < 2*assemblyTime {
		return clinical.Fail(clinical.Unavailable, "storage is still assembling it", err)
	}
	return clinical.Fail(clinical.Gone, "storage no longer has the parts of this upload: begin it again", err)
}
