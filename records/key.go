package records

import (
	"context"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// CreateKey is a new API key of an agent or a device.
type CreateKey struct {
	Member clinical.ActorID
	// OnBehalfOf is the user that it acts for; "" for nobody.
	OnBehalfOf clinical.ActorID
	Label      string
	Scopes     []string // nil: no narrowing
	// Grants bind it to patients, or to the patients of visits; a grant with a
	// visit needs no patient. None: it reaches its member's panel.
	Grants  []clinical.KeyGrant
	Expires *time.Time // nil: until revoked
}

// CreatedKey is a key and its secret, which is shown this once and kept hashed.
type CreatedKey struct {
	Key    clinical.Key
	Secret string
}

// CreateKey makes a key. It is not idempotent: a secret that was lost on its way
// cannot be shown again; revoke the key and make another. Failures name the
// field at fault: memberId and onBehalfOf (NotFound, Invalid), label, scopes,
// grants, expiresAt.
func (r *Records) CreateKey(ctx context.Context, actor clinical.Actor, in CreateKey) (out CreatedKey, err error) {
	in.Label = strings.TrimSpace(in.Label)
	if err := in.check(); err != nil && !actor.Anonymous() {
		return out, err
	}
	err = r.act(ctx, actor, "createKey", func(ctx context.Context, c *call) error {
		d, m, err := c.member(ctx, "memberId", in.Member)
		if err != nil {
			return err
		}
		if m.Kind == clinical.User {
			return clinical.Bad("memberId", "keys are for agents and devices: people sign in")
		}
		if err := c.mayBeFor(ctx, d, in.OnBehalfOf); err != nil {
			return err
		}
		if err := c.until("expiresAt", in.Expires); err != nil {
			return err
		}
		grants, patients, err := c.grants(ctx, in.Grants)
		if err != nil {
			return err
		}
		out.Key = clinical.Key{
			ID: clinical.NewID[clinical.KeyID](c.now), Tenant: actor.Tenant, Member: m.ID, OnBehalfOf: in.OnBehalfOf,
			Label: in.Label, Scopes: in.Scopes, Grants: grants, CreatedAt: c.now, CreatedBy: actor.ID, ExpiresAt: in.Expires,
		}
		var hash []byte
		out.Secret, hash = clinical.NewKeySecret(actor.Tenant)
		if err := c.InsertKey(ctx, out.Key, m.Kind, hash); err != nil {
			return err
		}
		return c.auditAbout(ctx, d, patients, touching(keyOf(out.Key.ID), memberOf(m.ID)))
	})
	if err != nil {
		return CreatedKey{}, err
	}
	return out, nil
}

func keyOf(id clinical.KeyID) clinical.AuditEntity {
	return clinical.AuditEntity{Type: keyEntity, ID: string(id)}
}

// check judges what needs no row to be judged.
func (in CreateKey) check() error {
	if err := checkWords("label", in.Label, 1, 200); err != nil {
		return err
	}
	if in.Scopes != nil && len(in.Scopes) == 0 {
		return clinical.Bad("scopes", "a key that may nothing is no key; leave them out to narrow nothing")
	}
	for _, s := range in.Scopes {
		if !policy.ScopeUnderstood(s) {
			return clinical.Bad("scopes", "must be SMART scopes such as patient/DocumentReference.rs")
		}
	}
	return nil
}

// mayBeFor checks whom a key acts for: a person who is a member.
func (c *call) mayBeFor(ctx context.Context, d policy.Decision, id clinical.ActorID) error {
	if id == "" {
		return nil
	}
	user, err := c.Tx.Member(ctx, d, id)
	switch {
	case clinical.Is(err, clinical.NotFound):
		return onField("onBehalfOf", c.missing(memberEntity, wellFormed(id), err))
	case err != nil:
		return err
	case user.Kind != clinical.User:
		return clinical.Bad("onBehalfOf", "must be a person")
	case user.EndedAt != nil:
		return clinical.Fail(clinical.Conflict, "this membership has ended", nil).WithField("onBehalfOf")
	}
	return nil
}

// grants completes the grants of a key, and lists the patients they open.
func (c *call) grants(ctx context.Context, in []clinical.KeyGrant) (out []clinical.KeyGrant, patients []clinical.PatientID, err error) {
	for _, g := range in {
		if err := c.until("grants", &g.Until); err != nil {
			return nil, nil, err
		}
		var res policy.Resource
		if g.Encounter != "" {
			res, err = subject(ctx, c, policy.Encounter, g.Encounter, c.EncounterSubject)
		} else {
			res, err = subject(ctx, c, policy.Patient, g.Patient, c.PatientSubject)
		}
		switch {
		case err != nil:
			return nil, nil, onField("grants", err)
		case g.Patient != "" && g.Patient != res.Patient:
			return nil, nil, clinical.Bad("grants", "not a visit of this patient")
		}
		g.Patient, g.Until = res.Patient, g.Until.UTC()
		out, patients = append(out, g), append(patients, g.Patient)
	}
	return out, patients, nil
}

// RevokeKey ends a key at once, and with it what was begun with it: uploads
// become no record, gated links lead nowhere. Idempotent. NotFound when there is
// no such key.
func (r *Records) RevokeKey(ctx context.Context, actor clinical.Actor, id clinical.KeyID) (k clinical.Key, err error) {
	err = r.act(ctx, actor, "revokeKey", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		if k, err = c.Tx.Key(ctx, d, id); err != nil {
			return onField("keyId", c.missing(keyEntity, wellFormed(id), err))
		}
		if k.RevokedAt == nil {
			if err := c.Tx.RevokeKey(ctx, id, c.now); err != nil && !clinical.Is(err, clinical.NotFound) { // another was quicker
				return err
			}
			k.RevokedAt = &c.now
		}
		_, err = c.audit(ctx, d, touching(keyOf(id), memberOf(k.Member)))
		return err
	})
	return k, err
}

// MemberKeys lists the keys of a member, or all of the clinic for "", the oldest
// first; never their secrets.
func (r *Records) MemberKeys(ctx context.Context, actor clinical.Actor, member clinical.ActorID) (out []clinical.Key, err error) {
	err = r.act(ctx, actor, "keys", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		if out, err = c.Tx.Keys(ctx, d, member); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, func(e *clinical.AuditEvent) { e.Query = keyEntity })
		return err
	})
	return out, err
}
