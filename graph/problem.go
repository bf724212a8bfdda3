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
