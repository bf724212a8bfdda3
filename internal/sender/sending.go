package sender

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/bonfiredb/bonfire/internal/tusclient"
)

// sending is a job under way.
type sending struct {
	job    Job
	body   content
	api    api
	memory memory
	note   note
}

// send brings all bytes to the server.
func (s *sending) send(ctx context.Context) error {
	known, resumed := s.memory.recall()
	if resumed {
		s.note = known
		err := s.transfer(ctx, true)
		if !over(err) {
			return err
		}
		// Expired, cancelled, or of a server that was emptied since: begin again.
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	return s.transfer(ctx, false)
}

// over reports whether the upload of an earlier call can't be gone on with.
func over(err error) bool {
	var no *tusclient.StatusError
	if !errors.As(err, &no) {
		return false
	}
	switch no.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

// transfer sends the bytes from where the server is.
func (s *sending) transfer(ctx context.Context, resumed bool) error {
	if s.job.Watch.Begin != nil {
		s.job.Watch.Begin(s.body.size(), resumed)
	}
	target := tusclient.Target{URL: s.note.URL, Header: http.Header{}, ChunkSize: s.note.ChunkSize}
	for _, h := range s.note.Headers {
		target.Header.Set(h[0], h[1])
	}
	if resumed {
		target.Offset = -1
	}
	client := tusclient.Client{Progress: s.job.Watch.Progress, Trouble: s.job.Watch.Trouble}
	_, err := client.Send(ctx, target, s.body.source())
	return err
}

// begin reserves a new upload and notes it.
func (s *sending) begin(ctx context.Context) error {
	contentType := s.job.ContentType
	if contentType == "" {
		var err error
		if contentType, err = s.body.sniff(); err != nil {
			return err
		}
	}
	input := map[string]any{"patientId": s.job.Patient, "kind": s.job.Kind, "contentType": contentType}
	for name, value := range map[string]string{"encounterId": s.job.Encounter, "title": s.job.Title} {
		if value != "" {
			input[name] = value
		}
	}
	var digest string
	if size := s.body.size(); size >= 0 {
		var err error
		if digest, err = s.body.digest(ctx); err != nil {
			return err
		}
		input["size"], input["sha256"] = size, digest
	}
	var out struct {
		CreateUpload struct {
			Upload *struct{ ID string }
			Tus    *struct {
				URL       string
				Headers   []struct{ Name, Value string }
				ChunkSize int64
			}
			Problems []problem
		}
	}
	if err := s.api.call(ctx, createUpload, map[string]any{"input": input}, &out); err != nil {
		return err
	}
	made := out.CreateUpload
	if len(made.Problems) > 0 {
		return made.Problems[0].err()
	}
	if made.Upload == nil || made.Tus == nil {
		return errors.New("the server reserved no upload and did not say why")
	}
	s.note = note{Upload: made.Upload.ID, URL: made.Tus.URL, ChunkSize: made.Tus.ChunkSize, SHA256: digest}
	for _, h := range made.Tus.Headers {
		s.note.Headers = append(s.note.Headers, [2]string{h.Name, h.Value})
	}
	if err := s.memory.keep(s.note); err != nil {
		return fmt.Errorf("note the upload for resuming: %w", err)
	}
	return nil
}

// finish asks for the record; the server may still be assembling it.
func (s *sending) finish(ctx context.Context) (Record, error) {
	digest := s.note.SHA256
	if digest == "" {
		var err error
		if digest, err = s.body.digest(ctx); err != nil {
			return Record{}, err
		}
	}
	var out struct {
		FinishUpload struct {
			File     *Record
			Problems []problem
		}
	}
	input := map[string]any{"uploadId": s.note.Upload, "sha256": digest}
	err := s.api.patiently(ctx, func() error {
		out.FinishUpload.File, out.FinishUpload.Problems = nil, nil
		if err := s.api.call(ctx, finishUpload, map[string]any{"input": input}, &out); err != nil {
			return err
		}
		if len(out.FinishUpload.Problems) == 0 {
			return nil
		}
		first := out.FinishUpload.Problems[0]
		no := first.err()
		if first.ReceivedBytes != nil { // not ready yet
			no.Code = "UNAVAILABLE"
		}
		return no
	})
	if err != nil {
		return Record{}, err
	}
	if out.FinishUpload.File == nil {
		return Record{}, errors.New("the server finished the upload without a record")
	}
	return *out.FinishUpload.File, nil
}

// cancel gives up the upload; when that fails it expires by itself.
func (s *sending) cancel(ctx context.Context) {
	if s.note.Upload == "" {
		return
	}
	var out struct{}
	_ = s.api.call(ctx, cancelUpload, map[string]any{"input": map[string]any{"uploadId": s.note.Upload}}, &out)
	_ = s.memory.forget()
}
