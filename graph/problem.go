package graph

import (
	"cmp"
	"encoding/hex"
	"errors"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

// A problem is an outcome that a screen must branch on. It stands in the
// payload; every other failure is a top-level error.

// contentRejected is the problem of content that its kind does not take; nil
// for anything else.
func contentRejected(err error) *model.ContentRejected {
	f := clinical.AsFailure(err)
	if f == nil {
		return nil
	}
	field := ""
	switch f.Kind {
	case clinical.Unsupported:
		field = cmp.Or(f.Field, "contentType")
	case clinical.TooLarge:
		field = cmp.Or(f.Field, "size")
	}
	if field != "contentType" && field != "size" {
		return nil
	}
	return &model.ContentRejected{Message: f.Words, Field: field, Allowed: f.Allowed}
}

// finishProblem is the problem that keeps an upload from being finished; nil
// for anything else.
func finishProblem(err error) model.FinishUploadProblem {
	var notReady *records.NotReady
	if clinical.Is(err, clinical.Conflict) && errors.As(err, &notReady) {
		return &model.UploadNotReady{
			Message:       clinical.AsFailure(err).Words,
			ReceivedBytes: notReady.Received,
			TotalBytes:    notReady.Total,
		}
	}
	var mismatch *records.Mismatch
	if clinical.Is(err, clinical.ChecksumMismatch) && errors.As(err, &mismatch) {
		expected, _ := hex.DecodeString(mismatch.Expected)
		actual, _ := hex.DecodeString(mismatch.Actual)
		return &model.ChecksumMismatch{Message: clinical.AsFailure(err).Words, Expected: expected, Actual: actual}
	}
	if rejected := contentRejected(err); rejected != nil {
		return rejected
	}
	return nil
}

// versionConflict is the problem of one who was too late; nil for anything else.
func versionConflict(err error) *model.VersionConflict {
	var late *records.VersionConflict
	if !clinical.Is(err, clinical.Conflict) || !errors.As(err, &late) {
		return nil
	}
	return &model.VersionConflict{Message: clinical.AsFailure(err).Words, CurrentVersion: late.Current}
}

// noteNotSignable is the problem of a note that is no draft any more, or whose
// sources keep it from being signed; nil for anything else.
func noteNotSignable(err error) *model.NoteNotSignable {
	var state *records.NotSignable
	if !clinical.Is(err, clinical.Conflict) || !errors.As(err, &state) {
		return nil
	}
	return &model.NoteNotSignable{Message: clinical.AsFailure(err).Words, Status: state.Status}
}

// noteProblem is the problem that keeps a draft from being changed; nil for
// anything else.
func noteProblem(err error) model.UpdateNoteProblem {
	if late := versionConflict(err); late != nil {
		return late
	}
	if state := noteNotSignable(err); state != nil {
		return state
	}
	return nil
}

// signProblem is the problem that keeps a note from being signed; nil for
// anything else.
func signProblem(err error) model.SignNoteProblem {
	var text *records.TextChanged
	if clinical.Is(err, clinical.Conflict) && errors.As(err, &text) {
		return &model.TextChanged{Message: clinical.AsFailure(err).Words, CurrentSha256: text.Current}
	}
	if late := versionConflict(err); late != nil {
		return late
	}
	if state := noteNotSignable(err); state != nil {
		return state
	}
	return nil
}
