package fhir

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

// absent says that a part BALP requires is not on record, instead of making one up
// (http://hl7.org/fhir/R4/extension-data-absent-reason.html).
var absent = []Extension{{URL: dataAbsent, ValueCode: "unknown"}}

// auditAgents are the client, the server and the principal who asked, as BALP
// has them, and the user in whose name an agent asked.
func (r Renderer) auditAgents(e clinical.AuditEvent, s auditShape) []AuditEventAgent {
	client, server := sourceRole, destinationRole
	if s.outward {
		client, server = destinationRole, sourceRole
	}
	agents := []AuditEventAgent{
		{Type: concept(client), Who: r.auditClient(e), Network: r.clientNetwork(e)},
		{Type: concept(server), Who: r.Actor(ActorRef{Kind: clinical.System}), Network: r.serverNetwork()},
		r.auditUser(e, s),
	}
	if ref := r.Reference("Practitioner", string(e.OnBehalfOf), 0); ref.Reference != "" {
		agents = append(agents, AuditEventAgent{Type: concept(inName), Who: ref})
	}
	return agents
}

// auditUser is the one requestor. Machines go on the client and the server:
// a principal has no network address of its own in BALP.
func (r Renderer) auditUser(e clinical.AuditEvent, s auditShape) AuditEventAgent {
	a := AuditEventAgent{
		Type:         concept(s.user),
		Who:          r.Actor(ActorRef{ID: e.Actor, Kind: e.ActorKind}),
		Requestor:    true,
		PurposeOfUse: concepts(concept(purpose(e.Purpose))),
	}
	for _, role := range e.Roles {
		a.Role = append(a.Role, concepts(concept(r.own("role", string(role), "")))...)
	}
	if rule := code(e.Rule); rule != "" {
		a.Policy = []string{strings.TrimRight(r.Systems, "/") + "/policy/" + url.PathEscape(rule)}
	}
	return a
}

// auditClient is the application that called. An agent, a device and the
// server's own work are their own application.
func (r Renderer) auditClient(e clinical.AuditEvent) Reference {
	if id := text(e.Detail[DetailClient]); id != "" {
		i := r.identifier(e.Tenant, "client", id)
		return Reference{Identifier: &i}
	}
	if e.ActorKind == clinical.User || e.ActorKind == "" {
		return Reference{Extension: absent}
	}
	if ref := r.Actor(ActorRef{ID: e.Actor, Kind: e.ActorKind}); ref.Reference != "" {
		return ref
	}
	return Reference{Extension: absent}
}

func (r Renderer) clientNetwork(e clinical.AuditEvent) *AuditEventNetwork {
	address := text(e.Detail[DetailClientAddress])
	switch {
	case address != "":
		kind := "1"
		if _, err := netip.ParseAddr(address); err == nil {
			kind = "2"
		}
		return &AuditEventNetwork{Address: address, Type: kind}
	case e.ActorKind == clinical.System:
		return r.serverNetwork()
	}
	return &AuditEventNetwork{Extension: absent}
}

func (r Renderer) serverNetwork() *AuditEventNetwork {
	if host := text(r.Server); host != "" {
		return &AuditEventNetwork{Address: host, Type: "1"}
	}
	return &AuditEventNetwork{Extension: absent}
}
