package records

import (
	"context"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// UpdateClinic changes what a clinic says of itself; what is nil stays as it is.
type UpdateClinic struct {
	Display *string
	// LinkTTLMax is the longest life of a link: at most the server's own, which 0 takes.
	LinkTTLMax *time.Duration
}

// Clinic reads the actor's clinic.
func (r *Records) Clinic(ctx context.Context, actor clinical.Actor) (out store.Clinic, err error) {
	err = r.act(ctx, actor, "clinic", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		if out, err = c.Tx.Clinic(ctx); err != nil {
			return err
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return out, err
}

// UpdateClinic changes the actor's clinic, and makes it where there is none yet:
// only the command line can be of a clinic that is not there.
func (r *Records) UpdateClinic(ctx context.Context, actor clinical.Actor, in UpdateClinic) (out store.Clinic, err error) {
	err = r.act(ctx, actor, "updateClinic", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		out, err = c.Tx.Clinic(ctx)
		if err != nil && !clinical.Is(err, clinical.NotFound) {
			return err
		}
		out.Tenant = actor.Tenant
		set(&out.Display, in.Display)
		set(&out.LinkTTLMax, in.LinkTTLMax)
		out.Display = strings.TrimSpace(out.Display)
		if err := checkWords("display", out.Display, 1, 200); err != nil {
			return err
		}
		if most := out.LinkTTLMax; most < 0 || most > r.LinkTTLMax || most > 0 && most < time.Second {
			return clinical.Bad("linkTtlMax", "a clinic may only lower what the server allows")
		}
		if err := c.UpsertClinic(ctx, out); err != nil {
			return err
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return out, err
}
