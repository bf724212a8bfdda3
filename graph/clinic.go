package graph

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// Clinic resolves Query.clinic.
func (q query) Clinic(ctx context.Context) (*model.Clinic, error) {
	c, err := q.records.Clinic(ctx, auth.Actor(ctx))
	return translated(c, err, clinicOf)
}

// UpdateClinic resolves Mutation.updateClinic.
func (m mutation) UpdateClinic(ctx context.Context, in model.UpdateClinicInput) (*model.UpdateClinicPayload, error) {
	change := records.UpdateClinic{Display: in.Display}
	if in.LinkTTLMax != nil {
		life := time.Duration(*in.LinkTTLMax) * time.Second
		change.LinkTTLMax = &life
	}
	c, err := m.records.UpdateClinic(ctx, auth.Actor(ctx), change)
	return translated(c, err, func(c store.Clinic) *model.UpdateClinicPayload {
		return &model.UpdateClinicPayload{Clinic: clinicOf(c)}
	})
}

func clinicOf(c store.Clinic) *model.Clinic {
	return &model.Clinic{ID: string(c.Tenant), Display: c.Display, LinkTTLMax: optional(int(c.LinkTTLMax / time.Second))}
}
