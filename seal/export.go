package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ExportFormat names the format of the file that lies beside exported events
// and proves them: JSON objects, one a line. The first is a Header, then comes
// each seal, followed by its rows, and an end with the number of rows, so that a
// file that was cut off shows it.
const ExportFormat = "bonfire-audit-export/1"

// Header says what an export holds and how its events were rendered.
type Header struct {
	Format string `json:"format"`
	Tenant string `json:"tenant"`
	// From and Before bound the events by recorded_at; nil does not. The seals
	// that hold them are complete: they may bring rows from just outside.
	From   *time.Time `json:"from,omitempty"`
	Before *time.Time `json:"before,omitempty"`
	// Base, Systems and Server are the addresses that the events were rendered with.
	Base    string `json:"base"`
	Systems string `json:"systems"`
	Server  string `json:"server"`
}

// Holds reports whether a row of that time has an event in the export.
func (h Header) Holds(recordedAt time.Time) bool {
	return (h.From == nil || !recordedAt.Before(*h.From)) && (h.Before == nil || recordedAt.Before(*h.Before))
}

// Item is one line of an export after the header: a seal, or a row.
type Item struct {
	Seal *Seal
	Row  Row
	// Repeats is how often a denial was repeated within its minute. It is counted
	// beside the row, and no seal covers it.
	Repeats int
}

type exportLine struct {
	Header  *Header         `json:"export,omitempty"`
	Seal    json.RawMessage `json:"seal,omitempty"`
	Row     json.RawMessage `json:"row,omitempty"`
	Repeats int             `json:"repeats,omitempty"`
	End     *exportEnd      `json:"end,omitempty"`
}

type exportEnd struct {
	Rows int64 `json:"rows"`
}

// Writer writes an export; Close ends it.
type Writer struct {
	enc  *json.Encoder
	rows int64
}

// NewWriter begins an export with its header.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Format = ExportFormat
	out := &Writer{enc: json.NewEncoder(w)}
	out.enc.SetEscapeHTML(false)
	return out, out.enc.Encode(exportLine{Header: &h})
}

// Write writes one item.
func (w *Writer) Write(i Item) error {
	if i.Seal != nil {
		text, err := i.Seal.JSON()
		if err != nil {
			return err
		}
		return w.enc.Encode(exportLine{Seal: text})
	}
	w.rows++
	return w.enc.Encode(exportLine{Row: i.Row.Canonical(), Repeats: i.Repeats})
}

// Close writes the end. It does not close the writer beneath.
func (w *Writer) Close() error { return w.enc.Encode(exportLine{End: &exportEnd{Rows: w.rows}}) }

// Reader reads an export.
type Reader struct {
	Header Header
	dec    *json.Decoder
	rows   int64
}

// NewReader reads the header of an export.
func NewReader(r io.Reader) (*Reader, error) {
	in := &Reader{dec: json.NewDecoder(r)}
	var line exportLine
	if err := in.dec.Decode(&line); err != nil {
		return nil, fmt.Errorf("seal: no export: %w", err)
	}
	if line.Header == nil || line.Header.Format != ExportFormat {
		return nil, errors.New("seal: not of the format " + ExportFormat)
	}
	in.Header = *line.Header
	return in, nil
}

// Next reads one item; io.EOF after the last one of a whole file.
func (r *Reader) Next() (Item, error) {
	var line exportLine
	if err := r.dec.Decode(&line); err != nil {
		return Item{}, fmt.Errorf("seal: the export ends early: %w", noEOF(err))
	}
	switch {
	case line.Seal != nil:
		s, err := Parse(line.Seal)
		return Item{Seal: &s}, err
	case line.Row != nil:
		r.rows++
		row, err := ParseRow(line.Row)
		return Item{Row: row, Repeats: line.Repeats}, err
	case line.End != nil && line.End.Rows == r.rows:
		return Item{}, io.EOF
	}
	return Item{}, errors.New("seal: the export is not whole")
}

// noEOF keeps the end of a file that was cut off from looking like a proper one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
