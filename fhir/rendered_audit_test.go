package fhir_test

import (
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

// renderedAudit is an event of each shape, permitted, denied and failed.
func renderedAudit() map[string]fhir.Resource {
	touch := func(es ...clinical.AuditEntity) func(*clinical.AuditEvent) {
		return func(e *clinical.AuditEvent) { e.Entities = es }
	}
	deny := func(e *clinical.AuditEvent) {
		e.Outcome, e.Rule, e.Repeats = clinical.MinorFailure, "default-deny", 3
	}
	query := func(e *clinical.AuditEvent) {
		e.Query, e.Entities, e.Detail = "patient="+string(patientID)+"&_count=20", nil, map[string]string{"count": "20"}
	}
	nobody := func(e *clinical.AuditEvent) { e.Patient, e.Entities = "", nil }
	upload := clinical.AuditEntity{Type: "Upload", ID: "0197f3a2-6666-7000-8000-000000000001"}
	link := clinical.AuditEntity{Type: "Link", ID: "0197f3a2-7777-7000-8000-000000000001"}
	media := clinical.AuditEntity{Type: "Media", ID: string(audioID)}
	grant := clinical.AuditEntity{Type: "Grant", ID: "0197f3a2-dddd-7000-8000-000000000002"}
	web := func(e *clinical.AuditEvent) {
		e.Detail = map[string]string{fhir.DetailClient: "web-app", fhir.DetailClientAddress: "203.0.113.7"}
	}
	expire := func(e *clinical.AuditEvent) {
		e.Detail = map[string]string{"expiresAt": "2026-11-22T22:50:53Z", "linkId": link.ID, "objectVersion": "3HL4kqtJlcpXroDTDmJ"}
	}
	scribe := func(e *clinical.AuditEvent) {
		e.Actor, e.ActorKind, e.OnBehalfOf, e.Roles = scribeID, clinical.Agent, doctorID, nil
	}
	stranger := func(e *clinical.AuditEvent) { e.Actor, e.ActorKind, e.Roles, e.Purpose = "", "", nil, "" }
	system := func(e *clinical.AuditEvent) { e.Actor, e.ActorKind, e.Roles = "", clinical.System, nil }
	emergency := func(e *clinical.AuditEvent) { e.Purpose = clinical.BreakTheGlass }
	drafted := clinical.AuditEntity{Type: "DocumentReference", ID: string(noteID), Version: 1}
	const c, rd, u, d, x = clinical.AuditCreate, clinical.AuditRead, clinical.AuditUpdate, clinical.AuditDelete, clinical.AuditExecute
	events := map[string]clinical.AuditEvent{
		"create":          event("createUpload", c, "create", web),
		"create-upload":   event("createUpload", c, "create", touch(upload)),
		"create-note":     event("createNote", c, "create", scribe, touch(drafted, media)),
		"create-patient":  event("registerPatient", c, "create", touch(clinical.AuditEntity{Type: "Patient", ID: string(patientID)})),
		"read":            event("file", rd, "read"),
		"query":           event("files", x, "search-type", query),
		"query-touched":   event("files", x, "search-type", query, touch(media)),
		"query-nobody":    event("patients", x, "search-type", nobody, func(e *clinical.AuditEvent) { e.Query = "_count=20" }),
		"update":          event("updateFile", u, "update"),
		"sign":            event("signNote", u, ""),
		"conflict":        event("signNote", u, "update", func(e *clinical.AuditEvent) { e.Outcome, e.Rule = clinical.MinorFailure, "" }),
		"retract":         event("retractFile", d, "delete"),
		"revoke-link":     event("revokeLinks", u, "update", touch(link)),
		"signed-url":      event("signedUrl", rd, fhir.SubtypeDisclose, touch(link, media), expire),
		"bundle":          event("bundle", rd, fhir.SubtypeExport, touch(media), expire),
		"break-glass":     event("breakGlass", x, fhir.SubtypeBreakGlass, touch(grant), emergency, expire),
		"denied-read":     event("file", rd, "read", deny),
		"denied-query":    event("files", x, "search-type", query, deny),
		"denied-url":      event("signedUrl", rd, fhir.SubtypeDisclose, touch(media), deny),
		"denied-glass":    event("breakGlass", x, fhir.SubtypeBreakGlass, touch(), deny),
		"denied-nothing":  event("file", rd, "read", nobody, deny, func(e *clinical.AuditEvent) { e.Outcome = clinical.SeriousFailure }),
		"denied-stranger": event("file", rd, "read", nobody, deny, stranger),
		"system":          event("finishUpload", c, "create", system),
	}
	out := map[string]fhir.Resource{}
	for name, e := range events {
		out["audit-"+name] = renderer.AuditEvent(e)
	}
	return out
}
