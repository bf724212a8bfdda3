package records

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// What the verbs of administration have in common: each is one decision about
// the clinic itself, and an event for each patient that it concerns.

// Operator is whoever runs the program on its own machine, by its command line.
// The shipped policies let it administer: a clinic's first administrator has to
// come from somewhere, and who can start the program holds all its credentials.
func Operator(t clinical.TenantID) clinical.Actor {
	a := systemActor(t)
	a.Display = "Command line"
	return a
}

// The sorts of thing that only administration knows, in the audit trail.
const (
	memberEntity = "Member"
	keyEntity    = "Key"
	grantEntity  = "Grant"
)

// administer decides that the actor runs the clinic's account.
func (c *call) administer(ctx context.Context) (policy.Decision, error) {
	return c.permit(ctx, policy.Administer, policy.OfTenant(c.actor.Tenant))
}

// member decides, and loads a membership in force that the actor may change:
// anybody's but their own, so that nobody raises themselves.
func (c *call) member(ctx context.Context, field string, id clinical.ActorID) (policy.Decision, clinical.Member, error) {
	d, err := c.administer(ctx)
	if err != nil {
		return d, clinical.Member{}, err
	}
	m, err := c.Tx.Member(ctx, d, id)
	switch {
	case clinical.Is(err, clinical.NotFound):
		return d, m, onField(field, c.missing(memberEntity, wellFormed(id), err))
	case err != nil:
		return d, m, err
	case m.ID == c.actor.ID:
		no := &refusal{event: c.event(policy.Resource{Type: memberEntity, ID: string(id)}, "own-membership")}
		no.event.Outcome = clinical.MinorFailure
		return d, m, clinical.Fail(clinical.Forbidden, "somebody else has to change your own membership", no)
	case m.EndedAt != nil:
		return d, m, clinical.Fail(clinical.Conflict, "this membership has ended", nil).WithField(field)
	}
	return d, m, nil
}

// auditAbout writes one event for each of the patients, or one without a
// patient when it is about none. with changes each first.
func (c *call) auditAbout(ctx context.Context, d policy.Decision, patients []clinical.PatientID, with func(*clinical.AuditEvent)) error {
	patients = slices.Compact(slices.Sorted(slices.Values(patients)))
	if len(patients) == 0 {
		patients = []clinical.PatientID{""}
	}
	for _, p := range patients {
		if _, err := c.audit(ctx, d, func(e *clinical.AuditEvent) { e.Patient, e.Entities = p, nil }, with); err != nil {
			return err
		}
	}
	return nil
}

// touching puts things into an event.
func touching(things ...clinical.AuditEntity) func(*clinical.AuditEvent) {
	return func(e *clinical.AuditEvent) { e.Entities = things }
}

func memberOf(id clinical.ActorID) clinical.AuditEntity {
	return clinical.AuditEntity{Type: memberEntity, ID: string(id)}
}

// checkWords judges a text that people wrote: from least to most characters.
func checkWords(field, text string, least, most int) error {
	switch n := utf8.RuneCountInString(text); {
	case n < least:
		return clinical.Bad(field, "is too short")
	case n > most:
		return clinical.Bad(field, "is too long")
	}
	return nil
}

// checkNames judges a list of names such as those of departments.
func checkNames(field string, names []string) error {
	if len(names) > 100 {
		return clinical.Bad(field, "has too many items")
	}
	for _, n := range names {
		if n == "" || strings.TrimSpace(n) != n || utf8.RuneCountInString(n) > 100 {
			return clinical.Bad(field, "each needs 1 to 100 characters, and no blank at its ends")
		}
	}
	return nil
}
