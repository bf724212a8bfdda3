package policy

import (
	"errors"
	"time"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/bonfiredb/bonfire/clinical"
)

// principalTypes are the Cedar types of the sorts of actor.
var principalTypes = map[clinical.ActorKind]types.EntityType{
	clinical.User: "User", clinical.Agent: "Agent", clinical.Device: "Device", clinical.System: "System",
}

var (
	errMalformedActor = errors.New("a membership holds a malformed identifier")
	errNestedActor    = errors.New("an actor acts for one who acts for another")
)

// party is one side of a request as Cedar sees it.
type party struct {
	actor   clinical.Actor
	entity  types.Entity
	context types.Record
}

// parties are the sides that must all agree: the actor and, where it acts for
// a user, that user. Both sides ask for the purpose of the request.
//
// What the actor owns counts as the user's on the user's side. Otherwise a
// scribe would lose its own drafts and uploads as soon as it acts for someone,
// because the user did not make them. The actor's side is not widened, so the
// intersection still holds: what the user owns is not the scribe's.
func (e *Engine) parties(a clinical.Actor, now time.Time) ([]party, error) {
	if a.Session.Purpose == "" {
		a.Session.Purpose = a.DefaultPurpose()
	}
	first, err := e.party(a, now, a.ID)
	if err != nil || a.OnBehalfOf == nil {
		return []party{first}, err
	}
	user := *a.OnBehalfOf
	if user.OnBehalfOf != nil {
		return nil, errNestedActor
	}
	user.Session.Purpose = a.Session.Purpose
	second, err := e.party(user, now, user.ID, a.ID)
	return []party{first, second}, err
}

// party builds the principal and the context of one side. Its identifiers
// were checked when the membership was written; they are checked again,
// because from here they may go into a statement.
func (e *Engine) party(a clinical.Actor, now time.Time, self ...clinical.ActorID) (party, error) {
	entity, ok := e.principals.of(a, self...)
	if !ok {
		return party{}, errMalformedActor
	}
	circumstances, err := circumstances(a.Session, now)
	return party{actor: a, entity: entity, context: circumstances}, err
}

// circumstances is the Cedar context of a session.
func circumstances(s clinical.Session, now time.Time) (types.Record, error) {
	var open []clinical.PatientID
	for _, g := range s.BreakGlass {
		if !wellFormed(g.Patient) {
			return types.Record{}, errMalformedActor
		}
		if now.Before(g.Expires) {
			open = append(open, g.Patient)
		}
	}
	m := types.RecordMap{
		"purpose":    types.String(s.Purpose),
		"mfa":        types.Boolean(s.MFA),
		"now":        types.NewDatetime(now),
		"breakGlass": uidSet("Patient", open),
	}
	if s.Scopes != nil {
		m["scopes"] = textSet(s.Scopes)
	}
	return types.NewRecord(m), nil
}

// wellFormed reports whether every identifier is a UUID in canonical form.
func wellFormed[ID ~string](ids ...ID) bool {
	for _, id := range ids {
		if _, ok := clinical.ParseID[ID](string(id)); !ok {
			return false
		}
	}
	return true
}

// anonymous reports whether the actor, or the one it acts for, is nobody: no
// identity, or none of a sort that the policies know.
func anonymous(a clinical.Actor) bool {
	nobody := func(a clinical.Actor) bool { return a.Anonymous() || principalTypes[a.Kind] == "" }
	return nobody(a) || a.OnBehalfOf != nil && nobody(*a.OnBehalfOf)
}
