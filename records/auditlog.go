package records

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// AuditQuery is what a reader of the trail looks for; every condition that is
// set must hold.
type AuditQuery struct {
	Patient clinical.PatientID
	// Entity is the id of something that the events touched: a file, a note, an upload, a link.
	Entity   string
	Actor    clinical.ActorID
	Actions  []clinical.AuditAction
	Outcomes []clinical.AuditOutcome
	From     *time.Time // inclusive
	Before   *time.Time // exclusive
	Page     clinical.Page
}

// AuditEvents lists the trail, the newest first, as far as the policy lets the
// actor read it. That is itself an event: one for the query, whoever the events
// are about. Forbidden to those who read no trail.
func (r *Records) AuditEvents(ctx context.Context, actor clinical.Actor, q AuditQuery) (out clinical.Slice[clinical.AuditEvent], err error) {
	err = r.act(ctx, actor, "auditEvents", func(ctx context.Context, c *call) error {
		patient, err := c.existing(ctx, q.Patient)
		if err != nil {
			return err
		}
		f, err := c.trail(ctx, patient)
		if err != nil {
			return err
		}
		if out, err = c.Tx.AuditEvents(ctx, f, q.narrow(), q.Page); err != nil {
			return err
		}
		return c.auditList(ctx, f, patient, q.String())
	})
	return out, err
}

// FileAccessReport is the accounting of disclosures of one patient's files: who
// asked for them, who was refused, who was handed a link, who fetched, when and
// for what purpose; the newest first. Forbidden to those who read no trail,
// whether there is such a patient or not; to the others NotFound without one.
func (r *Records) FileAccessReport(ctx context.Context, actor clinical.Actor, patient clinical.PatientID, from, before *time.Time,
	page clinical.Page,
) (out clinical.Slice[clinical.AuditEvent], err error) {
	err = r.act(ctx, actor, "fileAccessReport", func(ctx context.Context, c *call) error {
		known, err := c.existing(ctx, patient)
		if err != nil {
			return err
		}
		f, err := c.trail(ctx, known)
		if err != nil {
			return onField("patientId", err)
		}
		if known == "" {
			return onField("patientId", c.missing(policy.Patient, wellFormed(patient), clinical.Missing()))
		}
		if out, err = c.FileAccess(ctx, f, known, from, before, page); err != nil {
			return err
		}
		return c.auditList(ctx, f, known, AuditQuery{Patient: known, From: from, Before: before, Page: page}.String())
	})
	return out, err
}

// AuditEvent reads one event. NotFound when there is none, or when the actor
// reads no trail: an id of an event is to be as good as any other.
func (r *Records) AuditEvent(ctx context.Context, actor clinical.Actor, id clinical.AuditEventID) (e clinical.AuditEvent, err error) {
	err = r.act(ctx, actor, "auditEvent", func(ctx context.Context, c *call) error {
		res, err := subject(ctx, c, policy.AuditLog, id, c.AuditSubject)
		if err != nil {
			return err
		}
		f, err := c.trail(ctx, res.Patient)
		if clinical.Is(err, clinical.Forbidden) {
			return clinical.Fail(clinical.NotFound, "not found", err)
		}
		if err != nil {
			return err
		}
		if e, err = c.Tx.AuditEvent(ctx, f, id); err != nil {
			return c.missing(policy.AuditLog, string(id), err)
		}
		seen := c.event(policy.Resource{Patient: res.Patient}, firstPolicy(f))
		seen.Entities = []clinical.AuditEntity{{Type: "AuditEvent", ID: string(id)}}
		return c.AppendAudit(ctx, seen)
	})
	return e, err
}

// trail decides that the actor reads the tenant's trail, or its part about one
// patient, and gives the filter to read it with.
func (c *call) trail(ctx context.Context, patient clinical.PatientID) (policy.Filter, error) {
	if _, err := c.permit(ctx, policy.ReadAudit, policy.OfAuditLog(c.actor.Tenant, patient)); err != nil {
		return policy.Filter{}, err
	}
	return c.r.Gate.Filter(ctx, c.actor, policy.ReadAudit, policy.AuditLog, c.now)
}

// existing is the patient, "" when there is none of that id: an event about
// nobody names nobody.
func (c *call) existing(ctx context.Context, id clinical.PatientID) (clinical.PatientID, error) {
	if wellFormed(id) == "" {
		return "", nil
	}
	_, err := c.PatientSubject(ctx, id)
	if clinical.Is(err, clinical.NotFound) {
		return "", nil
	}
	return id, err
}

// wellFormed is the id as text, "" when it cannot be one.
func wellFormed[ID ~string](id ID) string {
	known, _ := clinical.ParseID[ID](string(id))
	return string(known)
}

// narrow is the query as the store knows it.
func (q AuditQuery) narrow() store.AuditQuery {
	return store.AuditQuery{
		Patient: q.Patient, Entity: q.Entity, Actor: q.Actor, Actions: q.Actions, Outcomes: q.Outcomes, From: q.From, Before: q.Before,
	}
}

// String is the query as the trail keeps it, in ids and codes; what is no id
// stands as a star, for it may be anything.
func (q AuditQuery) String() string {
	v := url.Values{}
	id := func(name, value string) {
		if value != "" {
			if value = wellFormed(value); value == "" {
				value = "*"
			}
			v.Set(name, value)
		}
	}
	id("patient", string(q.Patient))
	id("entity", q.Entity)
	id("actor", string(q.Actor))
	for _, a := range q.Actions {
		v.Add("action", string(a))
	}
	for _, o := range q.Outcomes {
		v.Add("outcome", string(o))
	}
	for name, at := range map[string]*time.Time{"from": q.From, "before": q.Before} {
		if at != nil {
			v.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if n := max(q.Page.First, q.Page.Last); n > 0 {
		v.Set("count", strconv.Itoa(n))
	}
	return "AuditEvent?" + v.Encode()
}
