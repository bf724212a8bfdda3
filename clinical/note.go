package clinical

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// NoteStatus is the life of a note: draft -> signed -> amended, and back to
// signed should the amendment be retracted; each of these -> entered-in-error.
type NoteStatus string

// The states of a note. An amended note was signed, and has been replaced by a
// signed amendment.
const (
	NoteDraft          NoteStatus = "draft"
	NoteSigned         NoteStatus = "signed"
	NoteAmended        NoteStatus = "amended"
	NoteEnteredInError NoteStatus = "entered-in-error"
)

// Note is a text about a visit. An AI drafts; a human signs (P6).
type Note struct {
	ID         NoteID
	Tenant     TenantID
	Patient    PatientID
	Encounter  EncounterID // "" when none
	Status     NoteStatus
	Version    int
	Title      string // PHI
	Text       string // PHI
	TextSHA256 []byte
	Author     ActorID
	AuthorKind ActorKind
	Signer     ActorID // "" until signed; always a User
	SignedAt   *time.Time
	Amends     NoteID // the note this one amends; "" when none
	AmendedBy  NoteID // the signed note that amended this one; "" when none
	// Sources are what the text came from, in the order given.
	Sources []NoteSource
	// Confidentiality is the highest of the sources'.
	Confidentiality Confidentiality
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Current reports whether the note stands in the chart: it is neither replaced
// nor entered in error.
func (n Note) Current() bool { return n.Status == NoteDraft || n.Status == NoteSigned }

// DownloadName is the neutral name a browser saves the note's text under.
func (n Note) DownloadName() string { return "note-" + lastFour(string(n.ID)) + ".txt" }

// Files lists the files among the sources, each once, in their order.
func (n Note) Files() []FileID {
	var out []FileID
	for _, s := range n.Sources {
		if s.File != "" && !slices.Contains(out, s.File) {
			out = append(out, s.File)
		}
	}
	return out
}

// SourceRefs are the sources as references, with versions, digests and spans.
func (n Note) SourceRefs() []Ref {
	out := make([]Ref, len(n.Sources))
	for i, s := range n.Sources {
		out[i] = s.Ref()
	}
	return out
}

// NoteVersion is one version of a note as it stood: what the model produced and
// what the clinician made of it are both kept.
type NoteVersion struct {
	Version    int
	Status     NoteStatus
	Title      string // PHI
	Text       string // PHI
	TextSHA256 []byte
	Sources    []NoteSource
	By         ActorID // who made this version
	ByKind     ActorKind
	At         time.Time
}

// AsOf is the note as that version of it stood.
func (n Note) AsOf(v NoteVersion) Note {
	n.Version, n.Status, n.Title, n.Text, n.TextSHA256, n.Sources, n.UpdatedAt = v.Version, v.Status, v.Title, v.Text, v.TextSHA256, v.Sources, v.At
	if v.Status == NoteDraft {
		n.Signer, n.SignedAt = "", nil
	}
	if v.Status == NoteDraft || v.Status == NoteSigned {
		n.AmendedBy = ""
	}
	return n
}

// NoteSource is what a note's text came from: one file or one other note, at
// the version that was looked at; the whole of it or a span of a recording.
type NoteSource struct {
	File    FileID       `json:"file,omitempty"` // this or Note
	Note    NoteID       `json:"note,omitempty"`
	Type    ResourceType `json:"type"`
	Version int          `json:"version"`
	// SHA256 is the hexadecimal digest of the file's bytes or the note's text.
	SHA256 string `json:"sha256"`
	Span   *Span  `json:"span,omitempty"`
}

// ID is the id of the file or note.
func (s NoteSource) ID() string {
	if s.File != "" {
		return string(s.File)
	}
	return string(s.Note)
}

// Ref points at the source.
func (s NoteSource) Ref() Ref {
	r := Ref{Type: string(s.Type), ID: s.ID(), Version: s.Version, SHA256: s.SHA256}
	if s.Span != nil {
		r.Fragment = s.Span.Fragment()
	}
	return r
}

// Same reports whether two sources mean the same thing, at whatever version.
func (s NoteSource) Same(o NoteSource) bool {
	return s.ID() == o.ID() && (s.Span == nil) == (o.Span == nil) && (s.Span == nil || *s.Span == *o.Span)
}

// Span is a part of a recording in whole milliseconds, its end not included. An
// End of 0 means the end of the recording.
type Span struct {
	Start time.Duration `json:"start"` // nanoseconds in JSON
	End   time.Duration `json:"end,omitempty"`
}

// Fragment is the span as a temporal media fragment, such as "t=12.5,19.0"
// (https://www.w3.org/TR/media-frags/#naming-time): put behind a recording's
// URL and a "#", it makes a player play just these seconds.
func (s Span) Fragment() string {
	f := "t=" + seconds(s.Start)
	if s.End > 0 {
		f += "," + seconds(s.End)
	}
	return f
}

// seconds writes a duration with at least one and at most three decimals.
func seconds(d time.Duration) string {
	ms := d.Milliseconds()
	s := strconv.FormatInt(ms/1000, 10) + "." + strconv.FormatInt(1000+ms%1000, 10)[1:]
	s = strings.TrimRight(s, "0")
	if strings.HasSuffix(s, ".") {
		s += "0"
	}
	return s
}
