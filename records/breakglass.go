package records

import (
	"context"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// The life of a grant: 15 minutes unless asked otherwise, an hour at most.
const (
	glassTTL    = 15 * time.Minute
	glassTTLMin = time.Minute
	glassTTLMax = time.Hour
)

// BreakGlass opens one patient's chart in an emergency.
type BreakGlass struct {
	Patient clinical.PatientID
	Reason  string        // PHI, 10 to 500 characters
	TTL     time.Duration // 1 to 60 minutes; 0 takes 15
}

// BrokenGlass is a grant, the patient it opens, and the alert it raised.
type BrokenGlass struct {
	Grant   clinical.BreakGlass
	Patient clinical.Patient
}

// BreakGlass writes a grant: for some minutes, requests with purpose BTG look
// into this one chart. It is audited as a security alert and waits for its
// review.
//
// Failures: Invalid (reason, expiresIn), NotFound (no such patient in this
// clinic), Forbidden. Whether a login that lacks a second factor may break glass
// does not depend on the patient, so it is told before one is looked for.
func (r *Records) BreakGlass(ctx context.Context, actor clinical.Actor, in BreakGlass) (out BrokenGlass, err error) {
	in.Reason = strings.TrimSpace(in.Reason)
	if in.TTL == 0 {
		in.TTL = glassTTL
	}
	err = r.act(ctx, actor, "breakGlass", func(ctx context.Context, c *call) error {
		if err := c.secondFactor(ctx, in.Patient); err != nil {
			return err
		}
		if err := in.check(); err != nil {
			return err
		}
		d, err := c.patient(ctx, policy.BreakGlass, in.Patient)
		if err != nil {
			return onField("patientId", err)
		}
		out.Grant = clinical.BreakGlass{
			ID: clinical.NewID[clinical.GrantID](c.now), Tenant: actor.Tenant, Member: actor.ID, Patient: in.Patient,
			Reason: in.Reason, GrantedAt: c.now, ExpiresAt: c.now.Add(in.TTL),
		}
		if out.Grant.Audit, err = c.audit(ctx, d, announced(out.Grant)); err != nil {
			return err
		}
		if err := c.InsertBreakGlass(ctx, d, out.Grant); err != nil {
			return err
		}
		out.Patient, err = c.opened(ctx, out.Grant)
		return err
	})
	if err != nil {
		return BrokenGlass{}, err
	}
	return out, nil
}

func (in BreakGlass) check() error {
	if err := checkWords("reason", in.Reason, 10, 500); err != nil {
		return err
	}
	if in.TTL < glassTTLMin || in.TTL > glassTTLMax {
		return clinical.Bad("expiresIn", "must be from 60 to 3600 seconds")
	}
	return nil
}

// secondFactor refuses a login that would have to use one, by asking the gate
// twice about a patient who does not exist: as it is, and as it would be.
func (c *call) secondFactor(ctx context.Context, patient clinical.PatientID) error {
	if c.actor.Session.MFA {
		return nil
	}
	somebody := policy.OfPatient(clinical.Patient{ID: clinical.NewID[clinical.PatientID](c.now), Tenant: c.actor.Tenant}, nil)
	is, err := c.judge(ctx, policy.BreakGlass, somebody)
	if err != nil || is.Allowed() {
		return err
	}
	with := *c
	with.actor.Session.MFA = true
	would, err := with.judge(ctx, policy.BreakGlass, somebody)
	if err != nil || !would.Allowed() {
		return err
	}
	asked := policy.Resource{Type: policy.Patient, ID: wellFormed(patient)}
	if there, err := c.PatientSubject(ctx, patient); err == nil { // so that the chart's own accounting shows the attempt
		asked = there
	}
	no := &refusal{event: c.event(asked, is.Rule())}
	no.event.Outcome = clinical.MinorFailure
	return clinical.Fail(clinical.Forbidden, "sign in with a second factor to break the glass", no)
}

// announced is the security alert: the grant, until when; never the reason,
// which stands in the grant's own row.
func announced(b clinical.BreakGlass) func(*clinical.AuditEvent) {
	return func(e *clinical.AuditEvent) {
		e.Entities = append(e.Entities, clinical.AuditEntity{Type: grantEntity, ID: string(b.ID)})
		e.Detail = map[string]string{"expiresAt": b.ExpiresAt.Format(time.RFC3339)}
	}
}

// opened reads the patient as the grant lets its holder: if it does not, there
// is nothing to grant.
func (c *call) opened(ctx context.Context, b clinical.BreakGlass) (clinical.Patient, error) {
	holder := *c
	holder.actor.Session.Purpose = clinical.BreakTheGlass
	holder.actor.Session.BreakGlass = []clinical.BreakGlassGrant{b.Grant()}
	d, err := holder.patient(ctx, policy.ReadPatient, b.Patient)
	if err != nil {
		return clinical.Patient{}, err
	}
	return c.Tx.Patient(ctx, d)
}

// BreakGlassQuery narrows the review queue.
type BreakGlassQuery struct {
	Waiting bool // only those that nobody has reviewed
	Page    clinical.Page
}

// BreakGlassReviews lists grants, the oldest first, with their reasons and
// reviews: to those who administer the clinic, and to those who read its trail.
func (r *Records) BreakGlassReviews(ctx context.Context, actor clinical.Actor, q BreakGlassQuery) (out clinical.Slice[clinical.BreakGlass], err error) {
	err = r.act(ctx, actor, "breakGlassReviews", func(ctx context.Context, c *call) error {
		d, err := c.judge(ctx, policy.ReadAudit, policy.OfAuditLog(actor.Tenant, ""))
		if err == nil && !d.Allowed() {
			d, err = c.administer(ctx)
		}
		if err != nil {
			return err
		}
		if out, err = c.BreakGlasses(ctx, d, store.BreakGlassQuery{Waiting: q.Waiting}, q.Page); err != nil {
			return err
		}
		patients := make([]clinical.PatientID, len(out.Items))
		for i, b := range out.Items {
			patients[i] = b.Patient
		}
		return c.auditAbout(ctx, d, patients, func(e *clinical.AuditEvent) { e.Query = grantEntity })
	})
	return out, err
}

// ReviewBreakGlass is what somebody else found of a grant.
type ReviewBreakGlass struct {
	Grant   clinical.GrantID
	Verdict clinical.Verdict
	Remark  string // PHI, up to 500 characters
}

// ReviewBreakGlass writes the review of a grant, once. NotFound, Conflict (it
// has its review), Forbidden for one's own.
func (r *Records) ReviewBreakGlass(ctx context.Context, actor clinical.Actor, in ReviewBreakGlass) (b clinical.BreakGlass, err error) {
	in.Remark = strings.TrimSpace(in.Remark)
	err = r.act(ctx, actor, "reviewBreakGlass", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		if in.Verdict != clinical.Justified && in.Verdict != clinical.Unjustified {
			return clinical.Bad("verdict", "unknown verdict")
		}
		if err := checkWords("remark", in.Remark, 0, 500); err != nil {
			return err
		}
		if b, err = c.BreakGlassForReview(ctx, d, in.Grant); err != nil {
			return onField("grantId", c.missing(grantEntity, wellFormed(in.Grant), err))
		}
		switch {
		case b.Member == actor.ID:
			no := &refusal{event: c.event(policy.Resource{Type: grantEntity, ID: string(b.ID), Patient: b.Patient}, "own-grant")}
			no.event.Outcome = clinical.MinorFailure
			return clinical.Fail(clinical.Forbidden, "somebody else has to review your own", no)
		case b.Review != nil:
			return clinical.Fail(clinical.Conflict, "it was reviewed before", nil)
		}
		b.Review = &clinical.BreakGlassReview{By: actor.ID, At: c.now, Verdict: in.Verdict, Remark: in.Remark}
		if err := c.Tx.ReviewBreakGlass(ctx, d, b.ID, *b.Review); err != nil {
			return err
		}
		return c.auditAbout(ctx, d, []clinical.PatientID{b.Patient}, touching(clinical.AuditEntity{Type: grantEntity, ID: string(b.ID)}))
	})
	return b, err
}
