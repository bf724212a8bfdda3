package graph

import (
	"context"
	"encoding/json"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
)

type auditEventFields struct{ *resolver }

// AuditEvent resolves the fields of AuditEvent that cross to other entities.
func (r *resolver) AuditEvent() generated.AuditEventResolver { return auditEventFields{r} }

// Actor resolves AuditEvent.actor.
func (auditEventFields) Actor(context.Context, *model.AuditEvent) (*model.Actor, error) {
	return nil, notYet()
}

// Fhir resolves AuditEvent.fhir.
func (auditEventFields) Fhir(context.Context, *model.AuditEvent) (json.RawMessage, error) {
	return nil, notYet()
}

// AuditEvents resolves Query.auditEvents.
func (q query) AuditEvents(
	context.Context, *int, *string, model.AuditFilter,
) (*model.AuditEventConnection, error) {
	return nil, notYet()
}

// FileAccessReport resolves Query.fileAccessReport: the accounting of disclosures.
func (q query) FileAccessReport(
	context.Context, string, *time.Time, *time.Time, *int, *string,
) (*model.AuditEventConnection, error) {
	return nil, notYet()
}

// ExplainAccess resolves Query.explainAccess.
func (q query) ExplainAccess(
	context.Context, string, model.PolicyAction, model.PolicyResource, string, clinical.PurposeOfUse,
) (*model.AccessExplanation, error) {
	return nil, notYet()
}
