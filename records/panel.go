package records

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// SetPanel changes whose care patients are in, or which patients an agent or a
// device was granted.
type SetPanel struct {
	Member clinical.ActorID
	Add    []PanelChange // repeating a patient changes the end
	Remove []clinical.PatientID
}

// PanelChange puts a patient on a panel.
type PanelChange struct {
	Patient clinical.PatientID
	Until   *time.Time // nil: until taken off
}

// SetPanel puts patients on a panel and takes others off: from the keys of the
// principal, too. What the panel opened is closed at once, to running uploads
// and gated links as well. It answers the panel as it now is.
func (r *Records) SetPanel(ctx context.Context, actor clinical.Actor, in SetPanel) (panel []clinical.PanelEntry, err error) {
	err = r.act(ctx, actor, "setPanel", func(ctx context.Context, c *call) error {
		d, m, err := c.member(ctx, "memberId", in.Member)
		if err != nil {
			return err
		}
		changed, err := c.changePanel(ctx, in)
		if err != nil {
			return err
		}
		if err := c.auditAbout(ctx, d, changed, touching(memberOf(m.ID))); err != nil {
			return err
		}
		panel, err = c.Tx.Panel(ctx, d, m.ID)
		return err
	})
	return panel, err
}

func (c *call) changePanel(ctx context.Context, in SetPanel) (changed []clinical.PatientID, err error) {
	if len(in.Add)+len(in.Remove) == 0 {
		return nil, clinical.Bad("input", "say which patients to add or to remove")
	}
	for _, a := range in.Add {
		if err := c.until("add", a.Until); err != nil {
			return nil, err
		}
		if _, err := subject(ctx, c, policy.Patient, a.Patient, c.PatientSubject); err != nil {
			return nil, onField("add", err)
		}
		if err := c.AddToPanel(ctx, in.Member, a.Patient, a.Until); err != nil {
			return nil, err
		}
		changed = append(changed, a.Patient)
	}
	for _, p := range in.Remove {
		if _, err := subject(ctx, c, policy.Patient, p, c.PatientSubject); err != nil {
			return nil, onField("remove", err)
		}
		if err := c.RemoveFromPanel(ctx, in.Member, p); err != nil {
			return nil, err
		}
		if err := c.EndKeyGrants(ctx, in.Member, p, c.now); err != nil {
			return nil, err
		}
		changed = append(changed, p)
	}
	return changed, nil
}

// Panel reads whose care patients are in. NotFound when there is no such member.
func (r *Records) Panel(ctx context.Context, actor clinical.Actor, member clinical.ActorID) (panel []clinical.PanelEntry, err error) {
	err = r.act(ctx, actor, "panel", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		if _, err := c.Tx.Member(ctx, d, member); err != nil {
			return c.missing(memberEntity, wellFormed(member), err)
		}
		if panel, err = c.Tx.Panel(ctx, d, member); err != nil {
			return err
		}
		patients := make([]clinical.PatientID, len(panel))
		for i, e := range panel {
			patients[i] = e.Patient
		}
		return c.auditAbout(ctx, d, patients, touching(memberOf(member)))
	})
	return panel, err
}

// SetCareGroups says which care groups (wards, teams) look after a patient:
// whoever is in one of them has the patient as if on their panel.
func (r *Records) SetCareGroups(ctx context.Context, actor clinical.Actor, patient clinical.PatientID, groups []string) error {
	if err := checkNames("careGroups", groups); err != nil && !actor.Anonymous() {
		return err
	}
	return r.act(ctx, actor, "setCareGroups", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		if err := c.Tx.SetCareGroups(ctx, d, patient, groups); err != nil {
			return onField("patientId", c.missing(policy.Patient, wellFormed(patient), err))
		}
		return c.auditAbout(ctx, d, []clinical.PatientID{patient}, touching(clinical.AuditEntity{Type: "Patient", ID: string(patient)}))
	})
}
