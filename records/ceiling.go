package records

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// asking is the actor with the purpose named in a call, which may be another
// than that of the request. An empty purpose leaves the request's.
func (r *Records) asking(ctx context.Context, actor clinical.Actor, purpose clinical.PurposeOfUse) (clinical.Actor, error) {
	if purpose == "" || actor.Anonymous() || purpose == actor.Session.Purpose {
		return actor, nil
	}
	actor, err := actor.WithPurpose(purpose)
	if err != nil || purpose != clinical.BreakTheGlass {
		return actor, err
	}
	err = r.Store.InTx(ctx, actor.Tenant, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Actor(ctx, actor.ID)
		actor.Session.BreakGlass = now.Session.BreakGlass
		return err
	})
	return actor, err
}

// ceiling is how long a link into a patient's chart may live at most: as long
// as the server allows, no longer than the clinic does, and where it is issued
// under broken glass, not beyond the grant.
func (c *call) ceiling(ctx context.Context, patient clinical.PatientID) (time.Duration, error) {
	clinic, err := c.Clinic(ctx)
	if err != nil {
		return 0, err
	}
	most := c.r.LinkTTLMax
	if clinic.LinkTTLMax > 0 {
		most = min(most, clinic.LinkTTLMax)
	}
	if c.actor.Session.Purpose != clinical.BreakTheGlass {
		return most, nil
	}
	var left time.Duration
	for _, g := range c.actor.Session.BreakGlass {
		if g.Patient == patient {
			left = max(left, g.Expires.Sub(c.now))
		}
	}
	return min(most, max(left, time.Second)), nil
}
