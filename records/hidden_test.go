package records_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

var anID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// asked is a log that keeps what was asked of the database.
type asked struct {
	mu   sync.Mutex
	list []string
}

func (s *asked) Enabled(context.Context, slog.Level) bool { return true }
func (s *asked) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s *asked) WithGroup(string) slog.Handler            { return s }

func (s *asked) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "statement" {
			s.list = append(s.list, anID.ReplaceAllString(a.Value.String(), "ID"))
		}
		return a.Key != "statement"
	})
	return nil
}

// of is what the database was asked while do ran.
func (s *asked) of(do func()) []string {
	s.mu.Lock()
	s.list = nil
	s.mu.Unlock()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// P4: what is hidden and what does not exist cost the same: statement by
// statement, the audit event included, so that no clock tells them apart.
func TestP4_HiddenAndMissingAskTheDatabaseTheSame(t *testing.T) {
	c := open(t)
	log := &asked{}
	traced, err := store.Open(t.Context(), c.Env.AppURL, store.Options{Debug: true, Log: slog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = traced.Close() })
	o := c.Records.Options
	o.Store = traced
	r := records.New(o)
	colleague := c.As("colleague") // has none of these on the panel
	file := c.upload("clinician", intake(), pdf)
	upload, err := c.Records.BeginUpload(t.Context(), c.As("clinician"), intake())
	if err != nil {
		t.Fatal(err)
	}
	note, err := c.Records.CreateNote(t.Context(), c.As("clinician"), records.CreateNote{Patient: demo.Patient, Draft: "S: better"})
	if err != nil {
		t.Fatal(err)
	}
	for name, verb := range map[string]struct {
		hidden string
		do     func(ctx context.Context, id string) error
	}{
		"patient": {string(demo.Patient), func(ctx context.Context, id string) error {
			_, err := r.Patient(ctx, colleague, clinical.PatientID(id))
			return err
		}},
		"file": {string(file.ID), func(ctx context.Context, id string) error {
			_, err := r.File(ctx, colleague, clinical.FileID(id))
			return err
		}},
		"signedUrl": {string(file.ID), func(ctx context.Context, id string) error {
			_, err := r.SignedURL(ctx, colleague, records.SignedURL{Document: id})
			return err
		}},
		"note": {string(note.ID), func(ctx context.Context, id string) error {
			_, err := r.Note(ctx, colleague, clinical.NoteID(id))
			return err
		}},
		"signedUrl of a note": {string(note.ID), func(ctx context.Context, id string) error {
			_, err := r.SignedURL(ctx, colleague, records.SignedURL{Document: id})
			return err
		}},
		"document": {string(file.ID), func(ctx context.Context, id string) error {
			_, err := r.Document(ctx, colleague, id)
			return err
		}},
		"document that is a note": {string(note.ID), func(ctx context.Context, id string) error {
			_, err := r.Document(ctx, colleague, id)
			return err
		}},
		"upload": {string(upload.Upload.ID), func(ctx context.Context, id string) error {
			_, err := r.Upload(ctx, colleague, clinical.UploadID(id))
			return err
		}},
	} {
		_ = verb.do(t.Context(), clinical.NewID[string](time.Now())) // opens the connection
		ask := func(id string) []string {
			return log.of(func() {
				if err := verb.do(t.Context(), id); !clinical.Is(err, clinical.NotFound) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		hidden, missing := ask(verb.hidden), ask(clinical.NewID[string](time.Now()))
		if len(hidden) < 4 || !slices.Equal(hidden, missing) {
			t.Errorf("%s:\nhidden:\n%s\nmissing:\n%s", name, fmt.Sprintf("%.60q", hidden), fmt.Sprintf("%.60q", missing))
		}
	}
}
