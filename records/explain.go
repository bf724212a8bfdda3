package records

import (
	"context"
	"errors"
	"slices"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// Explain asks how the gate would decide.
type Explain struct {
	Principal clinical.ActorID
	Action    policy.Action
	// Type is the type of the resource; "" takes those that the action is asked of.
	Type policy.Type
	// ID is the resource; of what is yet to be made (a file, a note, a visit) and
	// of an audit trail or a Bundle, the patient; of a Tenant, the tenant.
	ID string
	// Kind is the kind of a file that would be uploaded.
	Kind    string
	Purpose clinical.PurposeOfUse // "" takes the principal's own
	// NoSecondFactor asks as if the login had used none.
	NoSecondFactor bool
}

// Explanation is how the gate would decide, and why.
type Explanation struct {
	Allowed bool
	// Policies are the ids of those that decided; one of policy's Rule constants
	// where none did.
	Policies []string
	// Errors say what stands in the way before the policies are asked, or failed.
	Errors []string
}

// Explain tells which policies decide a question, with what is known now of the
// principal (its panel, the glass it has broken) and of the resource. Nothing is
// done and nothing is shown of the resource. NotFound for a principal or a
// resource that is not of this clinic, Invalid for what is not asked of it.
func (r *Records) Explain(ctx context.Context, actor clinical.Actor, in Explain) (out Explanation, err error) {
	err = r.act(ctx, actor, "explainAccess", func(ctx context.Context, c *call) error {
		d, err := c.permit(ctx, policy.ExplainAccess, policy.OfTenant(actor.Tenant))
		if err != nil {
			return err
		}
		who, problem, err := c.explained(ctx, in)
		if err != nil {
			return onField("actorId", err)
		}
		res, err := c.questioned(ctx, in, who)
		if err != nil {
			return err
		}
		if problem == "" {
			out, err = c.explain(ctx, who, in.Action, res)
		} else {
			out.Errors = []string{problem}
		}
		if err != nil {
			return err
		}
		_, err = c.audit(ctx, d, func(e *clinical.AuditEvent) {
			e.Patient, e.Entities = res.Patient, []clinical.AuditEntity{memberOf(in.Principal)}
			e.Detail = map[string]string{"action": string(in.Action)}
		})
		return err
	})
	return out, err
}

// explained is the principal as a request of theirs would be, or what keeps it
// from making one.
func (c *call) explained(ctx context.Context, in Explain) (who clinical.Actor, problem string, err error) {
	known, err := c.ActorDisplays(ctx, []clinical.ActorID{in.Principal})
	if err != nil {
		return who, "", err
	}
	who, ok := known[in.Principal]
	if !ok {
		return who, "", c.missing(memberEntity, wellFormed(in.Principal), clinical.Missing())
	}
	now, err := c.Actor(ctx, in.Principal)
	if clinical.Is(err, clinical.Unauthenticated) {
		return who, "the membership has ended", nil
	}
	if err != nil {
		return who, "", err
	}
	now.Session.MFA = now.Kind == clinical.User && !in.NoSecondFactor
	who, err = now.WithPurpose(in.Purpose)
	if err != nil {
		return who, "this purpose of use is not open to the principal", nil
	}
	return who, "", nil
}

// explain asks the gate in the principal's name, without consequences.
func (c *call) explain(ctx context.Context, who clinical.Actor, action policy.Action, res policy.Resource) (out Explanation, err error) {
	d, err := c.r.Gate.Authorize(ctx, policy.Request{Actor: who, Action: action, Resource: res, Now: c.now})
	if err != nil {
		return out, err
	}
	out = Explanation{Allowed: d.Allowed(), Policies: d.Policies(), Errors: d.Errors()}
	if len(out.Policies) == 0 {
		out.Policies = []string{d.Rule()}
	}
	return out, nil
}

// questioned is the resource that a question is about.
func (c *call) questioned(ctx context.Context, in Explain, who clinical.Actor) (policy.Resource, error) {
	types := in.Action.Types()
	if in.Type != "" {
		types = slices.DeleteFunc(types, func(t policy.Type) bool { return t != in.Type })
	}
	if len(types) == 0 {
		return policy.Resource{}, clinical.Bad("action", "is not asked of this type of resource")
	}
	switch in.Action {
	case policy.RegisterPatient:
		return policy.OfPatient(clinical.Patient{ID: clinical.NewID[clinical.PatientID](c.now), Tenant: c.actor.Tenant}, nil), nil
	case policy.OpenEncounter, policy.UploadFile, policy.DraftNote:
		return c.unmade(ctx, in, who)
	}
	var res policy.Resource
	var err error
	for _, t := range types { // an id does not say what it names
		if res, err = c.existent(ctx, t, in.ID); !clinical.Is(err, clinical.NotFound) {
			break
		}
	}
	return res, onField("id", err)
}

// unmade is what the principal would make in a patient's chart.
func (c *call) unmade(ctx context.Context, in Explain, who clinical.Actor) (policy.Resource, error) {
	patient, err := subject(ctx, c, policy.Patient, clinical.PatientID(in.ID), c.PatientSubject)
	if err != nil {
		return patient, onField("id", err)
	}
	switch in.Action {
	case policy.OpenEncounter:
		return policy.OfEncounter(clinical.Encounter{
			ID: clinical.NewID[clinical.EncounterID](c.now), Tenant: c.actor.Tenant, Patient: patient.Patient, CreatedAt: c.now,
		}, patient.CareGroups), nil
	case policy.DraftNote:
		return policy.OfNote(clinical.Note{
			ID: clinical.NewID[clinical.NoteID](c.now), Tenant: c.actor.Tenant, Patient: patient.Patient,
			Status: clinical.NoteDraft, Author: who.ID, AuthorKind: who.Kind, CreatedAt: c.now,
		}, patient.CareGroups), nil
	}
	kind, ok := c.r.Kind(ctx, c.actor.Tenant, in.Kind)
	if !ok {
		return policy.Resource{}, clinical.Bad("kind", "not in the kind registry")
	}
	return policy.OfFile(clinical.File{
		ID: clinical.NewID[clinical.FileID](c.now), Tenant: c.actor.Tenant, Patient: patient.Patient, Kind: kind.Code,
		ResourceType: kind.Resource, UploadedBy: who.ID, CreatedAt: c.now,
	}, kind.Scan, patient.CareGroups), nil
}

// existent loads what the gate looks at of something that is there.
func (c *call) existent(ctx context.Context, t policy.Type, id string) (policy.Resource, error) {
	switch t {
	case policy.Patient:
		return subject(ctx, c, t, clinical.PatientID(id), c.PatientSubject)
	case policy.Encounter:
		return subject(ctx, c, t, clinical.EncounterID(id), c.EncounterSubject)
	case policy.File:
		return subject(ctx, c, t, clinical.FileID(id), c.FileSubject)
	case policy.Note:
		return subject(ctx, c, t, clinical.NoteID(id), c.NoteSubject)
	case policy.Upload:
		return subject(ctx, c, t, clinical.UploadID(id), c.UploadSubject)
	case policy.Link:
		return subject(ctx, c, t, clinical.LinkID(id), c.LinkSubject)
	case policy.Tenant:
		if id != string(c.actor.Tenant) {
			return policy.Resource{}, c.missing(t, "", clinical.Missing())
		}
		return policy.OfTenant(c.actor.Tenant), nil
	case policy.AuditLog, policy.Bundle:
		patient, err := subject(ctx, c, policy.Patient, clinical.PatientID(id), c.PatientSubject)
		if t == policy.AuditLog {
			return policy.OfAuditLog(c.actor.Tenant, patient.Patient), err
		}
		return policy.OfBundle(clinical.Patient{ID: patient.Patient, Tenant: c.actor.Tenant}, patient.CareGroups), err
	}
	return policy.Resource{}, clinical.Fail(clinical.Internal, "internal error", errors.New("records: no way to find a "+string(t)))
}
