package graph

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

func TestCreatedUploadOnTheWire(t *testing.T) {
	r := &resolver{publicURL: "https://bonfire.test", chunkSize: 8 << 20}
	begun := records.BegunUpload{Token: "secret", Upload: clinical.Upload{
		ID: "00000000-0000-7000-8000-000000000501", Patient: "p", Kind: "raw", State: clinical.UploadReceiving,
		Offset: 5 << 30, CreatedAt: at, ExpiresAt: at,
		Failure: &clinical.UploadFailure{Code: clinical.FailedRefused, Words: "no longer permitted"},
	}}
	e := start(t, stage{upload: func(context.Context, model.CreateUploadInput) (*model.CreateUploadPayload, error) {
		return &model.CreateUploadPayload{Upload: uploadOf(begun.Upload), Tus: r.tusTarget(begun)}, nil
	}})
	a := e.ask(`mutation { createUpload(input: {patientId: "p", kind: "raw", contentType: "a/b"}) {
	  upload { id state receivedBytes totalBytes title failure { code message retryable } file { id } }
	  tus { url headers { name value } chunkSize expiresAt } problems { __typename } } }`)
	want := `{"data":{"createUpload":{"upload":{"id":"00000000-0000-7000-8000-000000000501","state":"RECEIVING","receivedBytes":5368709120,` +
		`"totalBytes":null,"title":null,"failure":{"code":"REFUSED","message":"no longer permitted","retryable":false},"file":null},` +
		`"tus":{"url":"https://bonfire.test/uploads/00000000-0000-7000-8000-000000000501","headers":[{"name":"Bonfire-Upload-Token","value":"secret"}],` +
		`"chunkSize":8388608,"expiresAt":"2026-03-01T08:30:00.123456Z"},"problems":[]}}}`
	if a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
}

func TestBeginUploadTakesEveryField(t *testing.T) {
	text, size := "t", int64(7)
	in := model.CreateUploadInput{
		PatientID: "p", Kind: "k", Category: &text, ContentType: "a/b", Size: &size, Sha256: []byte{1}, Title: &text,
		EncounterID: &text, NoteID: &text, CapturedAt: &at, BodySite: &model.CodingInput{System: "s", Code: "c", Display: &text},
		IdempotencyKey: &text,
	}
	out := reflect.ValueOf(beginUpload(in))
	for i := range out.NumField() {
		if out.Field(i).IsZero() {
			t.Errorf("%s is lost", out.Type().Field(i).Name)
		}
	}
}

func TestProblems(t *testing.T) {
	total := int64(9)
	digest := strings.Repeat("ab", 32)
	if p := contentRejected(clinical.Fail(clinical.Unsupported, "no", nil).WithAllowed("a/b")); p == nil || p.Field != "contentType" || len(p.Allowed) != 1 {
		t.Errorf("unsupported: %+v", p)
	}
	if p := contentRejected(clinical.Fail(clinical.TooLarge, "no", nil).WithField("size")); p == nil || p.Field != "size" {
		t.Errorf("too large: %+v", p)
	}
	for _, err := range []error{
		nil, errors.New("fault"), clinical.Bad("kind", "no"), clinical.Missing(),
		clinical.Fail(clinical.Unsupported, "no", nil).WithField("kind"),
	} {
		if p := contentRejected(err); p != nil {
			t.Errorf("%v became %+v", err, p)
		}
		if p := finishProblem(err); p != nil {
			t.Errorf("%v became %+v", err, p)
		}
	}
	notReady := clinical.Fail(clinical.Conflict, "bytes are missing", &records.NotReady{Received: 5, Total: &total})
	if p, ok := finishProblem(notReady).(*model.UploadNotReady); !ok || p.ReceivedBytes != 5 || *p.TotalBytes != 9 || p.Message != "bytes are missing" {
		t.Errorf("not ready: %+v", p)
	}
	mismatch := clinical.Fail(clinical.ChecksumMismatch, "differs", &records.Mismatch{Expected: digest, Actual: digest})
	want, _ := hex.DecodeString(digest)
	if p, ok := finishProblem(mismatch).(*model.ChecksumMismatch); !ok || !bytes.Equal(p.Expected, want) || !bytes.Equal(p.Actual, want) {
		t.Errorf("mismatch: %+v", p)
	}
	if p := finishProblem(clinical.Fail(clinical.Conflict, "already cancelled", nil)); p != nil {
		t.Errorf("another conflict became %+v", p)
	}
}

func TestRevokeLinksNamesOneThing(t *testing.T) {
	id, empty := "x", ""
	for _, in := range []model.RevokeLinksInput{{}, {LinkID: &id, FileID: &id}, {LinkID: &empty}, {ActorID: &id, PatientID: &id}} {
		if _, err := revokeLinks(in); !clinical.Is(err, clinical.Invalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if which, err := revokeLinks(model.RevokeLinksInput{PatientID: &id, FileID: &empty, Reason: "why"}); err != nil || which.Patient != "x" || which.Reason != "why" {
		t.Errorf("%+v, %v", which, err)
	}
}

func TestLinkState(t *testing.T) {
	l := clinical.Link{ID: "l", ExpiresAt: at, Purpose: clinical.Treatment, Delivery: clinical.Gated}
	if got := linkOf(l, at.Add(-time.Second)); got.State != clinical.LinkLive {
		t.Errorf("before its end: %v", got.State)
	}
	if got := linkOf(l, at); got.State != clinical.LinkExpired {
		t.Errorf("at its end: %v", got.State)
	}
}
