package fhir

import (
	"math"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Media is a photograph or a recording (http://hl7.org/fhir/R4/media.html). R5
// has no Media (DocumentReference takes over): its mapping is this file only.
type Media struct {
	ResourceType    clinical.ResourceType `json:"resourceType"`
	ID              string                `json:"id"`
	Meta            *Meta                 `json:"meta,omitempty"`
	Extension       []Extension           `json:"extension,omitempty"`
	Identifier      []Identifier          `json:"identifier,omitempty"`
	Status          string                `json:"status"`
	Type            *CodeableConcept      `json:"type,omitempty"`
	Modality        *CodeableConcept      `json:"modality,omitempty"`
	Subject         Reference             `json:"subject,omitzero"`
	Encounter       *Reference            `json:"encounter,omitempty"`
	CreatedDateTime *time.Time            `json:"createdDateTime,omitempty"`
	Issued          *time.Time            `json:"issued,omitempty"`
	Operator        *Reference            `json:"operator,omitempty"`
	BodySite        *CodeableConcept      `json:"bodySite,omitempty"`
	Device          *Reference            `json:"device,omitempty"`
	Height          *int                  `json:"height,omitempty"`   // pixels
	Width           *int                  `json:"width,omitempty"`    // pixels
	Duration        *float64              `json:"duration,omitempty"` // seconds
	Content         Attachment            `json:"content"`
}

// Key is "Media" and the id.
func (m *Media) Key() (resourceType, id string) { return string(m.ResourceType), m.ID }

// Header is the metadata.
func (m *Media) Header() *Meta { return m.Meta }

// IsFileResource marks what a file can become.
func (*Media) IsFileResource() {}

// Media renders a file of a photo or audio kind. Media.status is an event's
// status and knows no "superseded": a superseded file stays completed, is
// tagged, and points at what took its place by an extension.
func (r Renderer) Media(f clinical.File, k clinical.FileKind, author ActorRef) *Media {
	m := &Media{
		ResourceType:    clinical.Media,
		ID:              string(f.ID),
		Meta:            r.fileMeta(f),
		Identifier:      []Identifier{r.identifier(f.Tenant, "file", string(f.ID))},
		Status:          "completed",
		Type:            concept(mediaType(f, k), r.kindCoding(f, k)),
		Modality:        concept(coding(k.Modality)),
		Subject:         r.Reference("Patient", string(f.Patient), 0),
		Encounter:       r.optional("Encounter", string(f.Encounter)),
		CreatedDateTime: instantOf(f.CapturedAt),
		Issued:          instant(f.CreatedAt),
		BodySite:        concept(coding(f.BodySite)),
		Height:          positive(f.Height),
		Width:           positive(f.Width),
		Content:         r.attachment(f),
	}
	if f.Status == clinical.FileEnteredInError {
		m.Status = "entered-in-error"
	} else {
		m.Meta.Tag = r.statusTag(f.Status)
	}
	if f.Duration > 0 && !math.IsInf(f.Duration, 1) {
		m.Duration = &f.Duration
	}
	r.operate(m, author)
	r.supersede(m, "replaces", f.Supersedes)
	r.supersede(m, "replaced-by", f.SupersededBy)
	return m
}

// operate says who made the recording; a recorder is its device as well.
func (r Renderer) operate(m *Media, author ActorRef) {
	ref := r.Actor(author)
	if ref.Reference == "" {
		return
	}
	m.Operator = &ref
	if author.Kind == clinical.Device {
		m.Device = &ref
	}
}

func (r Renderer) supersede(m *Media, name string, other clinical.FileID) {
	if ref := r.optional("Media", string(other)); ref != nil {
		m.Extension = append(m.Extension, Extension{URL: r.structure(name), ValueReference: ref})
	}
}

// mediaType is the kind's, or what the content type says. (Browsers label
// audio as video/webm, so the kind goes first.)
func mediaType(f clinical.File, k clinical.FileKind) Coding {
	if k.Type != nil {
		return coding(k.Type)
	}
	major, _, _ := strings.Cut(f.ContentType, "/")
	display := map[string]string{"image": "Image", "audio": "Audio", "video": "Video"}[major]
	if display == "" {
		return Coding{}
	}
	return Coding{System: mediaTypes, Code: major, Display: display}
}

// positive is n as FHIR's positiveInt; nil for what that cannot hold.
func positive(n int) *int {
	if n < 1 || n > math.MaxInt32 {
		return nil
	}
	return &n
}
