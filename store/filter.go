package store

import (
	"errors"

	"github.com/bonfiredb/bonfire/policy"
)

// columns says where the attributes that policies may speak of are kept. The
// aliases are those of the models; Check holds the map against
// policy.Attributes and against the schema's NOT NULLs.
var columns = map[policy.Type]map[string]string{
	policy.Patient:   {"id": "p.id", "tenant": "p.tenant_id", "patient": "p.id"},
	policy.Encounter: {"id": "e.id", "tenant": "e.tenant_id", "patient": "e.patient_id", "status": "e.status", "createdAt": "e.created_at"},
	policy.File: {
		"id": "f.id", "tenant": "f.tenant_id", "patient": "f.patient_id", "kind": "f.kind", "status": "f.status",
		"scanStatus": "f.scan_status", "legalHold": "f.legal_hold", "confidentiality": "f.confidentiality",
		"labels": "f.labels", "department": "f.department", "owner": "f.uploaded_by", "fhirType": "f.resource_type",
		"createdAt": "f.created_at",
	},
	policy.Note: {
		"id": "n.id", "tenant": "n.tenant_id", "patient": "n.patient_id", "status": "n.status",
		"confidentiality": "n.confidentiality", "owner": "n.author_id", "ownerKind": "n.author_kind", "createdAt": "n.created_at",
	},
	policy.Upload: {
		"id": "u.id", "tenant": "u.tenant_id", "patient": "u.patient_id", "kind": "u.kind", "status": "u.state",
		"owner": "u.owner_id", "fhirType": "u.resource_type", "createdAt": "u.created_at",
	},
	policy.Link:     {"id": "l.id", "tenant": "l.tenant_id", "patient": "l.patient_id", "owner": "l.actor_id", "createdAt": "l.issued_at"},
	policy.AuditLog: {"tenant": "a.tenant_id", "patient": "a.patient_id"},
}

// tables are the tables behind the aliases.
var tables = map[policy.Type]string{
	policy.Patient: "patient", policy.Encounter: "encounter", policy.File: "file", policy.Note: "note",
	policy.Upload: "upload", policy.Link: "link", policy.AuditLog: "audit_event",
}

var (
	errUncovered   = errors.New("store: the decision does not cover this row")
	errOtherFilter = errors.New("store: the filter is of another tenant or type")
)

// wherer is one of bun's queries.
type wherer[Q any] interface {
	Where(query string, args ...any) Q
}

// allow restricts q to the rows of type t that the filter lets its actor at.
func allow[Q wherer[Q]](tx *Tx, q Q, f policy.Filter, t policy.Type) error {
	if f.Tenant() != tx.tenant || f.Type() != t {
		return internal(errOtherFilter)
	}
	where, err := translate(t, f.Predicate())
	if err != nil {
		return internal(err)
	}
	q.Where(where.sql, where.args...)
	return nil
}

// covered refuses a decision that is not about the row.
func covered(d policy.Decision, t policy.Type, id string) error {
	if !d.Covers(t, id) {
		return internal(errUncovered)
	}
	return nil
}
