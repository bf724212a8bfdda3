package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

// reportPage is the size of a page of the accounting of disclosures that none is
// asked for; the schema bounds what may be.
const reportPage = 100

type auditEventFields struct{ *resolver }

// AuditEvent resolves the fields of AuditEvent that cross to other entities.
func (r *resolver) AuditEvent() generated.AuditEventResolver { return auditEventFields{r} }

// Actor resolves AuditEvent.actor: who asked.
func (auditEventFields) Actor(ctx context.Context, e *model.AuditEvent) (*model.Actor, error) {
	if e.Noun.ActorKind == clinical.System { // this program, which is no member of any clinic
		name, role := "Bonfire", string(clinical.System)
		return &model.Actor{ID: string(e.Noun.Actor), Display: &name, Role: &role}, nil
	}
	return principal(ctx, e.Noun.Actor)
}

// Fhir resolves AuditEvent.fhir: the event as it is exported.
func (r auditEventFields) Fhir(_ context.Context, e *model.AuditEvent) (json.RawMessage, error) {
	return fhir.Marshal(r.fhir.AuditEvent(e.Noun))
}

// AuditEvents resolves Query.auditEvents: the trail, the newest first.
func (q query) AuditEvents(ctx context.Context, first *int, after *string, filter model.AuditFilter) (*model.AuditEventConnection, error) {
	return q.auditEvents(ctx, first, after, filter)
}

// AuditEvents resolves Patient.auditEvents: the trail of one patient.
func (p patientFields) AuditEvents(
	ctx context.Context, of *model.Patient, first *int, after *string, filter *model.AuditFilter,
) (*model.AuditEventConnection, error) {
	narrowed := deref(filter)
	if other := deref(narrowed.PatientID); other != "" && other != of.ID {
		return nil, clinical.Bad("patientId", "this is another patient's trail")
	}
	narrowed.PatientID = &of.ID
	return p.auditEvents(ctx, first, after, narrowed)
}

func (r *resolver) auditEvents(ctx context.Context, first *int, after *string, filter model.AuditFilter) (*model.AuditEventConnection, error) {
	page, err := pageOf(first, after, nil, nil)
	if err != nil {
		return nil, err
	}
	wanted, err := auditQuery(filter)
	if err != nil {
		return nil, err
	}
	wanted.Page = page
	list, err := r.records.AuditEvents(ctx, auth.Actor(ctx), wanted)
	return translated(list, err, r.auditConnection)
}

// FileAccessReport resolves Query.fileAccessReport: the accounting of disclosures.
func (q query) FileAccessReport(
	ctx context.Context, patient string, from, before *time.Time, first *int, after *string,
) (*model.AuditEventConnection, error) {
	page := clinical.Page{First: reportPage, After: deref(after)}
	if first != nil {
		page.First = *first
	}
	list, err := q.records.FileAccessReport(ctx, auth.Actor(ctx), clinical.PatientID(patient), from, before, page)
	return translated(list, err, q.auditConnection)
}

// auditEvent finds an event by its id, for Query.node.
func (q query) auditEvent(ctx context.Context, id string) (*model.AuditEvent, error) {
	e, err := q.records.AuditEvent(ctx, auth.Actor(ctx), clinical.AuditEventID(id))
	return translated(e, err, q.auditEventOf)
}

// auditQuery is what the caller narrows the trail by.
func auditQuery(in model.AuditFilter) (records.AuditQuery, error) {
	if in.FileID != nil && in.NoteID != nil {
		return records.AuditQuery{}, clinical.Bad("noteId", "cannot be combined with fileId")
	}
	return records.AuditQuery{
		Patient: clinical.PatientID(deref(in.PatientID)),
		Entity:  deref(in.FileID) + deref(in.NoteID),
		Actor:   clinical.ActorID(deref(in.ActorID)),
		Actions: in.Actions, Outcomes: in.Outcomes, From: in.From, Before: in.Before,
	}, nil
}

// auditEventOf reads codes and words off the event's FHIR form, so that the two agree.
func (r *resolver) auditEventOf(e clinical.AuditEvent) *model.AuditEvent {
	exported := r.fhir.AuditEvent(e)
	out := &model.AuditEvent{
		ID:          string(e.ID),
		RecordedAt:  e.RecordedAt,
		Action:      e.Action,
		Outcome:     e.Outcome,
		OutcomeDesc: optional(repeated(exported.OutcomeDesc, e.Repeats)),
		PatientID:   optional(string(e.Patient)),
		RequestID:   optional(e.RequestID),
		Noun:        e,
	}
	for _, s := range exported.Subtype {
		out.Subtype = append(out.Subtype, &s)
	}
	if e.Purpose != "" {
		out.PurposeOfUse = []clinical.PurposeOfUse{e.Purpose}
	}
	for _, n := range e.Entities {
		if ref := r.fhir.Reference(n.Type, n.ID, n.Version); ref.Reference != "" {
			out.Entities = append(out.Entities, &ref)
		}
	}
	return out
}

// repeated adds how often the same was refused again within the minute.
func repeated(words string, times int) string {
	if times == 0 {
		return words
	}
	return fmt.Sprintf("%s, %d times more in this minute", words, times)
}

func (r *resolver) auditConnection(s clinical.Slice[clinical.AuditEvent]) *model.AuditEventConnection {
	c := &model.AuditEventConnection{PageInfo: pageInfo(s)}
	for i, e := range s.Items {
		node := r.auditEventOf(e)
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, &model.AuditEventEdge{Cursor: s.Cursors[i], Node: node})
	}
	return c
}
