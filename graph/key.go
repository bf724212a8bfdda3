package graph

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

type apiKeyFields struct{ *resolver }

// ApiKey resolves the fields of ApiKey that cross to other entities.
func (r *resolver) ApiKey() generated.ApiKeyResolver { return apiKeyFields{r} }

// CreatedBy resolves ApiKey.createdBy.
func (apiKeyFields) CreatedBy(ctx context.Context, k *model.APIKey) (*model.Actor, error) {
	return principal(ctx, k.Noun.CreatedBy)
}

// Keys resolves Query.keys.
func (q query) Keys(ctx context.Context, member *string) ([]*model.APIKey, error) {
	keys, err := q.records.MemberKeys(ctx, auth.Actor(ctx), clinical.ActorID(deref(member)))
	return keysOf(keys), err
}

// CreateKey resolves Mutation.createKey.
func (m mutation) CreateKey(ctx context.Context, in model.CreateKeyInput) (*model.CreateKeyPayload, error) {
	wanted := records.CreateKey{
		Member: clinical.ActorID(in.MemberID), OnBehalfOf: clinical.ActorID(deref(in.OnBehalfOf)), Label: in.Label,
		Scopes: in.Scopes, Expires: in.ExpiresAt,
	}
	for _, g := range in.Grants {
		wanted.Grants = append(wanted.Grants, clinical.KeyGrant{
			Patient: clinical.PatientID(deref(g.PatientID)), Encounter: clinical.EncounterID(deref(g.EncounterID)), Until: g.Until,
		})
	}
	created, err := m.records.CreateKey(ctx, auth.Actor(ctx), wanted)
	return translated(created, err, func(c records.CreatedKey) *model.CreateKeyPayload {
		return &model.CreateKeyPayload{Key: keyOf(c.Key, time.Now()), Secret: c.Secret}
	})
}

// RevokeKey resolves Mutation.revokeKey.
func (m mutation) RevokeKey(ctx context.Context, in model.RevokeKeyInput) (*model.RevokeKeyPayload, error) {
	k, err := m.records.RevokeKey(ctx, auth.Actor(ctx), clinical.KeyID(in.KeyID))
	return translated(k, err, func(k clinical.Key) *model.RevokeKeyPayload {
		return &model.RevokeKeyPayload{Key: keyOf(k, time.Now())}
	})
}

func keysOf(keys []clinical.Key) []*model.APIKey {
	out := make([]*model.APIKey, len(keys))
	now := time.Now()
	for i, k := range keys {
		out[i] = keyOf(k, now)
	}
	return out
}

func keyOf(k clinical.Key, now time.Time) *model.APIKey {
	out := &model.APIKey{
		ID: string(k.ID), Label: k.Label, MemberID: string(k.Member), OnBehalfOf: optional(string(k.OnBehalfOf)), Scopes: k.Scopes,
		Grants: []*model.KeyGrant{}, State: k.State(now), CreatedAt: k.CreatedAt,
		ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt, LastUsedAt: k.LastUsedAt, Noun: k,
	}
	for _, g := range k.Grants {
		out.Grants = append(out.Grants, &model.KeyGrant{
			PatientID: string(g.Patient), EncounterID: optional(string(g.Encounter)), Until: g.Until,
		})
	}
	return out
}
