package fhir

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

var (
	personType   = Coding{System: entityTypes, Code: "1", Display: "Person"}
	objectType   = Coding{System: entityTypes, Code: "2", Display: "System Object"}
	otherType    = Coding{System: entityTypes, Code: "4", Display: "Other"}
	requestType  = Coding{System: "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", Code: "XrequestId"}
	patientRole  = Coding{System: entityRoles, Code: "1", Display: "Patient"}
	reportRole   = Coding{System: entityRoles, Code: "3", Display: "Report"}
	domainRole   = Coding{System: entityRoles, Code: "4", Display: "Domain Resource"}
	securityRole = Coding{System: entityRoles, Code: "13", Display: "Security Resource"}
	jobRole      = Coding{System: entityRoles, Code: "20", Display: "Job"}
	queryRole    = Coding{System: entityRoles, Code: "24", Display: "Query"}
)

const (
	entityTypes = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	entityRoles = "http://terminology.hl7.org/CodeSystem/object-role"
)

// notResources are the roles of the nouns an event may touch which FHIR has no
// resource for.
var notResources = map[string]Coding{"Upload": jobRole, "Link": securityRole, "Grant": securityRole, "Key": securityRole}

// auditEntities are what the event touched: the query or the main object, the
// patient, what else was touched, the answer to a denial and the request.
// whole reports whether they are all that the shape's profile requires.
//
// BALP slices entities by type and takes exactly one System Object, so what
// else was touched goes under its own resource type.
func (r Renderer) auditEntities(e clinical.AuditEvent, s auditShape) (out []AuditEventEntity, whole bool) {
	lead, rest := lead(e, s, r.touched(e, s))
	person := r.person(e)
	whole = len(lead) == 1 && lead[0].Role != nil && *lead[0].Role != securityRole && (len(person) == 1 || s.kind == restful)
	out = withDetail(slices.Concat(lead, person, rest), details(e))
	if denied(e) {
		out = append(out, answer(e))
	}
	if id := text(e.RequestID); id != "" {
		out = append(out, AuditEventEntity{What: Reference{Identifier: &Identifier{Value: id}}, Type: &requestType})
	}
	return out, whole
}

// lead is the one System Object of an event, the query of a search or the
// first object touched, and what then is left of the objects.
func lead(e clinical.AuditEvent, s auditShape, touched []AuditEventEntity) (lead, rest []AuditEventEntity) {
	if s.profile == searching {
		if e.Query != "" {
			lead = []AuditEventEntity{{Type: &objectType, Role: &queryRole, Query: []byte(e.Query)}}
		}
		return lead, touched
	}
	if len(touched) == 0 {
		return nil, nil
	}
	touched[0].Type = &objectType
	return touched[:1], touched[1:]
}

// person is the patient of an event; none when it is about nobody.
func (r Renderer) person(e clinical.AuditEvent) []AuditEventEntity {
	p := r.Reference("Patient", string(e.Patient), 0)
	if p.Reference == "" {
		return nil
	}
	return []AuditEventEntity{{What: p, Type: &personType, Role: &patientRole}}
}

// touched are the objects of the event in the order of the row, which names
// the main one first, but resources before all else. The patient is one of them
// only when it was itself what a RESTful interaction was about.
func (r Renderer) touched(e clinical.AuditEvent, s auditShape) []AuditEventEntity {
	var resources, others []AuditEventEntity
	for _, n := range e.Entities {
		x, ok := r.auditEntity(e.Tenant, n, s)
		switch {
		case !ok || n.Type == "Patient" && n.ID == string(e.Patient):
		case x.What.Reference != "":
			resources = append(resources, x)
		default:
			others = append(others, x)
		}
	}
	out := slices.Concat(resources, others)
	if len(out) == 0 && s.kind == restful && s.profile != searching {
		if x, ok := r.auditEntity(e.Tenant, clinical.AuditEntity{Type: "Patient", ID: string(e.Patient)}, s); ok {
			out = append(out, x)
		}
	}
	return out
}

// auditEntity is one object: a resource by reference, anything else by an
// identifier; false when its id is not one that could be referred to.
func (r Renderer) auditEntity(tenant clinical.TenantID, n clinical.AuditEntity, s auditShape) (AuditEventEntity, bool) {
	if !validID(n.ID) || !validID(n.Type) {
		return AuditEventEntity{}, false
	}
	if !slices.Contains(ResourceTypes(), n.Type) {
		i := r.identifier(tenant, strings.ToLower(n.Type), n.ID)
		x := AuditEventEntity{What: Reference{Identifier: &i}, Type: &otherType}
		if role, ok := notResources[n.Type]; ok {
			x.Role = &role
		}
		return x, true
	}
	role := &domainRole
	if s.kind == exporting {
		role = &reportRole
	}
	return AuditEventEntity{
		What: r.Reference(n.Type, n.ID, n.Version),
		Type: &Coding{System: "http://hl7.org/fhir/resource-types", Code: n.Type},
		Role: role,
	}, true
}

// details are the event's further codes in the order of their names.
func details(e clinical.AuditEvent) []AuditEventDetail {
	var out []AuditEventDetail
	for _, k := range slices.Sorted(maps.Keys(e.Detail)) {
		if k == DetailClient || k == DetailClientAddress {
			continue
		}
		if name, v := text(k), text(e.Detail[k]); name != "" && v != "" {
			out = append(out, AuditEventDetail{Type: name, ValueString: v})
		}
	}
	return out
}

// withDetail puts details on the first entity that may carry them (a query may
// not), or on one of their own.
func withDetail(out []AuditEventEntity, d []AuditEventDetail) []AuditEventEntity {
	if len(d) == 0 {
		return out
	}
	i := slices.IndexFunc(out, func(x AuditEventEntity) bool { return x.Query == nil })
	if i < 0 {
		return append(out, AuditEventEntity{Type: &otherType, Description: "Details", Detail: d})
	}
	out[i].Detail = d
	return out
}

// answer is the contained OperationOutcome, and how often it was given.
func answer(e clinical.AuditEvent) AuditEventEntity {
	x := AuditEventEntity{What: Reference{Reference: "#response"}, Type: &otherType, Description: "Response given"}
	if e.Repeats > 0 {
		x.Detail = []AuditEventDetail{{Type: "repeats", ValueString: strconv.Itoa(e.Repeats)}}
	}
	return x
}
