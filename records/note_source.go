package records

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// maxSources is how many sources a note may have, spans counted one by one.
const maxSources = 1000

// NoteSource names a file that a note comes from, or a span of a recording.
type NoteSource struct {
	File       clinical.FileID
	Start, End *float64 // seconds; nil for its beginning and its end
}

// origins is everything that a note is to be derived from, as the caller names
// it: whole files and notes by id, and spans of recordings.
type origins struct {
	derivedFrom []string
	sources     []NoteSource
}

// given reports whether the caller said anything about sources.
func (o origins) given() bool { return o.derivedFrom != nil || o.sources != nil }

// pinned is what origins turned out to be.
type pinned struct {
	sources []clinical.NoteSource
	highest clinical.Confidentiality
}

// pin decides on every source by itself and fixes the version and digest that
// stand now. NotFound for what the actor may not see; Invalid for what belongs
// to another patient or was entered in error. Both name the field.
func (c *call) pin(ctx context.Context, patient clinical.PatientID, o origins) (p pinned, err error) {
	if len(o.derivedFrom)+len(o.sources) > maxSources {
		return p, clinical.Bad("sources", "too many sources")
	}
	for _, s := range o.sources {
		if err := c.pinOne(ctx, &p, patient, string(s.File), &s); err != nil {
			return p, onField("sources", err)
		}
	}
	for _, id := range o.derivedFrom {
		named := func(s clinical.NoteSource) bool { return s.ID() == id }
		if slices.ContainsFunc(p.sources, named) {
			continue // as a whole, or in the spans that were named
		}
		if err := c.pinOne(ctx, &p, patient, id, nil); err != nil {
			return p, onField("derivedFrom", err)
		}
	}
	return p, nil
}

func (c *call) pinOne(ctx context.Context, p *pinned, patient clinical.PatientID, id string, wish *NoteSource) error {
	res, err := c.FileSubject(ctx, clinical.FileID(id))
	var s clinical.NoteSource
	var level clinical.Confidentiality
	switch {
	case err == nil:
		s, level, err = c.pinFile(ctx, patient, res, wish)
	case clinical.Is(err, clinical.NotFound):
		s, level, err = c.pinNote(ctx, patient, clinical.NoteID(id), wish)
	}
	if err != nil {
		return err
	}
	p.highest = max(p.highest, level)
	if !slices.ContainsFunc(p.sources, s.Same) {
		p.sources = append(p.sources, s)
	}
	return nil
}

func (c *call) pinFile(ctx context.Context, patient clinical.PatientID, res policy.Resource, wish *NoteSource) (s clinical.NoteSource, level clinical.Confidentiality, err error) {
	d, err := c.permit(ctx, policy.ReadFile, res)
	if err != nil {
		return s, 0, err
	}
	f, err := c.Tx.File(ctx, d)
	if err != nil {
		return s, 0, err
	}
	if err := fits(patient, f.Patient, f.Status == clinical.FileEnteredInError); err != nil {
		return s, 0, err
	}
	ref := refOfFile(f)
	s = clinical.NoteSource{File: f.ID, Type: f.ResourceType, Version: ref.Version, SHA256: ref.SHA256}
	if wish != nil {
		s.Span, err = wish.span(f)
	}
	return s, f.Confidentiality, err
}

func (c *call) pinNote(ctx context.Context, patient clinical.PatientID, id clinical.NoteID, wish *NoteSource) (s clinical.NoteSource, level clinical.Confidentiality, err error) {
	d, err := c.note(ctx, policy.ReadNote, id)
	if err != nil {
		return s, 0, err
	}
	n, err := c.Tx.Note(ctx, d)
	if err != nil {
		return s, 0, err
	}
	if wish != nil {
		return s, 0, clinical.Bad("", "a note is no recording: name it in derivedFrom")
	}
	if err := fits(patient, n.Patient, n.Status == clinical.NoteEnteredInError); err != nil {
		return s, 0, err
	}
	ref := refOfNote(n)
	s = clinical.NoteSource{Note: n.ID, Type: clinical.DocumentReference, Version: ref.Version, SHA256: ref.SHA256}
	return s, n.Confidentiality, nil
}

func fits(patient, of clinical.PatientID, inError bool) error {
	switch {
	case of != patient:
		return clinical.Bad("", "belongs to another patient")
	case inError:
		return clinical.Bad("", "was entered in error")
	}
	return nil
}

// span is the part of a recording that is meant, to the millisecond; nil for the
// whole of it.
func (w NoteSource) span(f clinical.File) (*clinical.Span, error) {
	if w.Start == nil && w.End == nil {
		return nil, nil
	}
	if !strings.HasPrefix(f.ContentType, "audio/") && !strings.HasPrefix(f.ContentType, "video/") {
		return nil, clinical.Bad("", "only a recording has spans")
	}
	const week = 7 * 24 * 3600
	ms := func(seconds *float64) (time.Duration, bool) {
		if seconds == nil {
			return 0, true
		}
		ok := *seconds >= 0 && *seconds <= week // NaN is neither
		return time.Duration(math.Round(*seconds*1000)) * time.Millisecond, ok
	}
	start, startOK := ms(w.Start)
	end, endOK := ms(w.End)
	length := time.Duration(f.Duration * float64(time.Second)).Round(time.Millisecond)
	switch {
	case !startOK, !endOK, w.End != nil && end <= start:
		return nil, clinical.Bad("", "a span has a start of 0 or more and an end after it, in seconds")
	case length > 0 && max(start, end) > length:
		return nil, clinical.Bad("", "the recording is not that long")
	}
	return &clinical.Span{Start: start, End: end}, nil
}

// linked tells of each file that a version of a note is the first to name as a
// source, once however many of its spans are named.
func (c *call) linked(ctx context.Context, was, n clinical.Note) error {
	before := was.Files()
	for _, file := range n.Files() {
		if slices.Contains(before, file) {
			continue
		}
		at := slices.IndexFunc(n.Sources, func(s clinical.NoteSource) bool { return s.File == file })
		if err := c.announce(ctx, "file.linked", n.Sources[at].Ref(), n.Patient); err != nil {
			return err
		}
	}
	return nil
}

func containsSource(all []clinical.NoteSource, s clinical.NoteSource) bool {
	return slices.ContainsFunc(all, func(o clinical.NoteSource) bool { return s.Same(o) && s.SHA256 == o.SHA256 })
}

// sameSources reports whether two lists mean the same, in the same order.
func sameSources(a, b []clinical.NoteSource) bool {
	return slices.EqualFunc(a, b, func(x, y clinical.NoteSource) bool {
		return x.Same(y) && x.SHA256 == y.SHA256 && x.Version == y.Version
	})
}
