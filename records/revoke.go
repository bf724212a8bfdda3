package records

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// RevokeLinks ends links at once: those that the policy lets the actor revoke
// among the ones named, and says which. A direct link cannot be taken back from
// the bucket: its row says that it was revoked, and its life is short.
func (r *Records) RevokeLinks(ctx context.Context, actor clinical.Actor, in RevokeLinks) (out []clinical.Link, err error) {
	in.Reason = strings.TrimSpace(in.Reason)
	if n := utf8.RuneCountInString(in.Reason); n < 3 || n > 500 {
		return nil, clinical.Bad("reason", "say why, in 3 to 500 characters")
	}
	err = r.act(ctx, actor, "revokeLinks", func(ctx context.Context, c *call) error {
		f, err := r.Gate.Filter(ctx, actor, policy.RevokeLink, policy.Link, c.now)
		if err != nil {
			return err
		}
		out, err = c.Tx.RevokeLinks(ctx, f, store.LinkQuery{
			ID: in.Link, File: in.File, Note: in.Note, Actor: in.Actor, Patient: in.Patient, LiveAt: &c.now,
		}, c.now, in.Reason)
		if err != nil {
			return err
		}
		return c.auditRevoked(ctx, f, out)
	})
	return out, err
}

// auditRevoked writes one event for each patient whose links ended.
func (c *call) auditRevoked(ctx context.Context, f policy.Filter, links []clinical.Link) error {
	if len(links) == 0 {
		return c.auditList(ctx, f, "", "Link")
	}
	events := map[clinical.PatientID]*clinical.AuditEvent{}
	var order []clinical.PatientID
	for _, l := range links {
		e := events[l.Patient]
		if e == nil {
			made := c.event(policy.Resource{Patient: l.Patient}, firstPolicy(f))
			e, order = &made, append(order, l.Patient)
			events[l.Patient] = e
		}
		e.Entities = append(e.Entities, clinical.AuditEntity{Type: "Link", ID: string(l.ID)})
	}
	for _, p := range order {
		if err := c.AppendAudit(ctx, *events[p]); err != nil {
			return err
		}
	}
	return nil
}
