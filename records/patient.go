package records

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// Patient opens a chart's front page. NotFound when hidden or missing.
func (r *Records) Patient(ctx context.Context, actor clinical.Actor, id clinical.PatientID) (p clinical.Patient, err error) {
	err = r.act(ctx, actor, "patient", func(ctx context.Context, c *call) error {
		d, err := c.patient(ctx, policy.ReadPatient, id)
		if err != nil {
			return err
		}
		if p, err = c.Tx.Patient(ctx, d); err != nil {
			return err
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return p, err
}

// patient decides on a patient by id.
func (c *call) patient(ctx context.Context, action policy.Action, id clinical.PatientID) (policy.Decision, error) {
	res, err := subject(ctx, c, policy.Patient, id, c.PatientSubject)
	if err != nil {
		return policy.Decision{}, err
	}
	return c.permit(ctx, action, res)
}

// Patients lists the patients the actor may see; text is part of a name.
func (r *Records) Patients(ctx context.Context, actor clinical.Actor, text string, page clinical.Page) (out clinical.Slice[clinical.Patient], err error) {
	err = r.act(ctx, actor, "patients", func(ctx context.Context, c *call) error {
		f, err := r.Gate.Filter(ctx, actor, policy.ListPatients, policy.Patient, c.now)
		if err != nil {
			return err
		}
		if out, err = c.Tx.Patients(ctx, f, text, page); err != nil {
			return err
		}
		return c.auditSeen(ctx, f, out.Items)
	})
	return out, err
}

// auditSeen writes one event for each patient of a list: an accounting of
// disclosures is kept per patient.
func (c *call) auditSeen(ctx context.Context, f policy.Filter, seen []clinical.Patient) error {
	if len(seen) == 0 {
		return c.auditList(ctx, f, "", "Patient")
	}
	for _, p := range seen {
		if err := c.auditList(ctx, f, p.ID, "Patient"); err != nil {
			return err
		}
	}
	return nil
}

// RegisterPatient opens a chart. A clinician's new patient is on that
// clinician's panel, anybody else's on nobody's.
func (r *Records) RegisterPatient(ctx context.Context, actor clinical.Actor, in RegisterPatient) (p clinical.Patient, err error) {
	in.DisplayName = strings.TrimSpace(in.DisplayName)
	if err := checkIdentifiers(in.Identifiers); err != nil {
		return p, err
	}
	err = r.act(ctx, actor, "registerPatient", func(ctx context.Context, c *call) error {
		p = clinical.Patient{
			ID: clinical.NewID[clinical.PatientID](c.now), Tenant: actor.Tenant, DisplayName: in.DisplayName,
			Identifiers: in.Identifiers, CreatedAt: c.now, CreatedBy: actor.ID,
		}
		d, err := c.permit(ctx, policy.RegisterPatient, policy.OfPatient(p, nil))
		if err != nil {
			return err
		}
		if again, err := remember(ctx, c, in.IdempotencyKey, in, p.ID); err != nil || again != p.ID {
			p.ID = again
			return c.reread(ctx, &p, err)
		}
		if err := c.InsertPatient(ctx, p, nil); err != nil {
			return err
		}
		if actor.HasRole(clinical.Clinician) {
			if err := c.AddToPanel(ctx, actor.ID, p.ID, nil); err != nil {
				return err
			}
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return p, err
}

// reread answers a repeated registration with the patient it made.
func (c *call) reread(ctx context.Context, p *clinical.Patient, err error) error {
	if err != nil {
		return err
	}
	d, err := c.patient(ctx, policy.ReadPatient, p.ID)
	if err != nil {
		return err
	}
	if *p, err = c.Tx.Patient(ctx, d); err != nil {
		return err
	}
	_, err = c.audit(ctx, d)
	return err
}

func checkIdentifiers(ids []clinical.Identifier) error {
	for _, id := range ids {
		if id.System == "" || id.Value == "" {
			return clinical.Bad("identifiers", "system and value are both needed")
		}
		if len(id.System) > 255 || len(id.Value) > 255 {
			return clinical.Bad("identifiers", "longer than 255 characters")
		}
	}
	return nil
}

// remember makes a creating call idempotent: it answers fresh, or the id that
// the same call with the same key made before. Conflict when the key came with
// other input. No key, no memory.
func remember[ID ~string](ctx context.Context, c *call, key string, input any, fresh ID) (ID, error) {
	if key == "" {
		return fresh, nil
	}
	if len(key) < 8 || len(key) > 128 {
		return fresh, clinical.Bad("idempotencyKey", "must have 8 to 128 characters")
	}
	b, err := json.Marshal(input)
	if err != nil {
		return fresh, clinical.Fail(clinical.Internal, "internal error", err)
	}
	sum := sha256.Sum256(b)
	made, err := c.Remember(ctx, c.actor.ID, c.verb, key, sum[:], string(fresh))
	if err != nil || made == "" {
		return fresh, err
	}
	return ID(made), nil
}
