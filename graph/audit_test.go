package graph

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/model"
)

func TestAuditEventIsShownAsItIsExported(t *testing.T) {
	r := &resolver{fhir: fhir.Renderer{Base: "https://bonfire.test/fhir/R4", Systems: "https://bonfire.test/fhir"}}
	const file = "00000000-0000-7000-8000-000000000601"
	e := clinical.AuditEvent{
		ID: "00000000-0000-7000-8000-000000000602", Tenant: "clinic", RecordedAt: at, Verb: "signedUrl", Action: clinical.AuditRead,
		Subtype: "disclose", Outcome: clinical.MinorFailure, Rule: "default-deny", Actor: clinicianID, ActorKind: clinical.User,
		Purpose: clinical.Treatment, Patient: "00000000-0000-7000-8000-000000000101", RequestID: "req-1", Repeats: 999,
		Entities: []clinical.AuditEntity{{Type: "Media", ID: file, Version: 2}, {Type: "Link", ID: file}, {Type: "Odd", ID: "no id at all"}},
	}
	got := r.auditEventOf(e)
	if got.ID != string(e.ID) || got.RecordedAt != at || got.Action != e.Action || got.Outcome != e.Outcome || *got.PatientID != string(e.Patient) ||
		*got.RequestID != "req-1" || len(got.PurposeOfUse) != 1 || got.Noun.Verb != "signedUrl" {
		t.Errorf("%+v", got)
	}
	if words := *got.OutcomeDesc; words != "denied: rule default-deny, 999 times more in this minute" {
		t.Errorf("outcome %q", words)
	}
	var refs, codes []string
	for _, x := range got.Entities {
		refs = append(refs, x.Reference)
	}
	for _, s := range got.Subtype {
		codes = append(codes, s.Code)
	}
	if want := []string{"Media/" + file + "/_history/2", "Link/" + file}; !reflect.DeepEqual(refs, want) {
		t.Errorf("entities %v", refs)
	}
	if want := []string{"disclose", "signedUrl", "access-denied"}; !reflect.DeepEqual(codes, want) {
		t.Errorf("subtypes %v", codes)
	}
	raw, err := auditEventFields{r}.Fhir(t.Context(), got)
	var exported struct {
		ResourceType, ID, OutcomeDesc string
	}
	if err != nil || json.Unmarshal(raw, &exported) != nil || exported.ResourceType != "AuditEvent" || exported.ID != string(e.ID) ||
		!strings.HasPrefix(*got.OutcomeDesc, exported.OutcomeDesc) {
		t.Errorf("%s, %v", raw, err)
	}
	e = clinical.AuditEvent{ID: e.ID, Actor: e.Actor, ActorKind: clinical.System, Outcome: clinical.Success}
	plain := r.auditEventOf(e)
	if plain.OutcomeDesc != nil || plain.PatientID != nil || plain.RequestID != nil || plain.PurposeOfUse != nil || plain.Entities != nil {
		t.Errorf("%+v", plain)
	}
	if who, err := (auditEventFields{r}).Actor(t.Context(), plain); err != nil || *who.Role != "system" {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestAuditQueryTakesEveryField(t *testing.T) {
	id := "00000000-0000-7000-8000-000000000101"
	in := model.AuditFilter{
		PatientID: &id, FileID: &id, ActorID: &id, Actions: []clinical.AuditAction{clinical.AuditRead},
		Outcomes: []clinical.AuditOutcome{clinical.Success}, From: &at, Before: &at,
	}
	q, err := auditQuery(in)
	if err != nil {
		t.Fatal(err)
	}
	out := reflect.ValueOf(q)
	for i := range out.NumField() {
		if name := out.Type().Field(i).Name; out.Field(i).IsZero() && name != "Page" {
			t.Errorf("%s is lost", name)
		}
	}
	in.NoteID = &id
	if _, err := auditQuery(in); clinical.AsFailure(err) == nil || clinical.AsFailure(err).Field != "noteId" {
		t.Errorf("a file and a note at once: %v", err)
	}
	in.FileID = nil
	if q, err := auditQuery(in); err != nil || q.Entity != id {
		t.Errorf("%+v, %v", q, err)
	}
}
