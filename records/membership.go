package records

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// AddMember is a new principal of the clinic.
type AddMember struct {
	Kind           clinical.ActorKind // user, agent or device
	Display        string
	Roles          []clinical.Role // of a user only
	Clearance      int
	Departments    []string
	CareGroups     []string
	Login          clinical.Login // the zero Login: none, as for those who come with a key
	IdempotencyKey string
}

// UpdateMember changes a membership; what is nil stays as it is. The kind never
// changes: nobody who signed notes becomes a machine.
type UpdateMember struct {
	Member      clinical.ActorID
	Display     *string
	Roles       *[]clinical.Role
	Clearance   *int
	Departments *[]string
	CareGroups  *[]string
	Login       *clinical.Login // the zero Login takes the login away
}

// AddMember lets a person, an agent or a device in. Failures name the field at
// fault; Conflict when the login is another member's.
func (r *Records) AddMember(ctx context.Context, actor clinical.Actor, in AddMember) (m clinical.Member, err error) {
	m = clinical.Member{
		Tenant: actor.Tenant, Kind: in.Kind, Display: strings.TrimSpace(in.Display), Roles: in.Roles, Clearance: in.Clearance,
		Departments: in.Departments, CareGroups: in.CareGroups, Login: in.Login,
	}
	if err := checkMember(m); err != nil && !actor.Anonymous() {
		return clinical.Member{}, err
	}
	err = r.act(ctx, actor, "addMember", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		m.ID, m.CreatedAt = clinical.NewID[clinical.ActorID](c.now), c.now
		if again, err := remember(ctx, c, in.IdempotencyKey, in, m.ID); err != nil || again != m.ID {
			if err == nil {
				m, err = c.Tx.Member(ctx, d, again)
			}
			if err == nil {
				_, err = c.audit(ctx, d, touching(memberOf(m.ID)))
			}
			return err
		}
		if err := c.UpsertMember(ctx, actorOf(m), m.Login); err != nil {
			return onField("login", err)
		}
		_, err = c.audit(ctx, d, touching(memberOf(m.ID)))
		return err
	})
	if err != nil {
		return clinical.Member{}, err
	}
	return m, nil
}

// actorOf is a member as its row is written.
func actorOf(m clinical.Member) clinical.Actor {
	return clinical.Actor{
		ID: m.ID, Tenant: m.Tenant, Kind: m.Kind, Display: m.Display, Roles: m.Roles, Clearance: m.Clearance,
		Departments: m.Departments, CareGroups: m.CareGroups,
	}
}

// checkMember judges what needs no row to be judged.
func checkMember(m clinical.Member) error {
	machine := m.Kind == clinical.Agent || m.Kind == clinical.Device
	switch {
	case m.Kind != clinical.User && !machine:
		return clinical.Bad("kind", "must be user, agent or device")
	case machine && len(m.Roles) > 0:
		return clinical.Bad("roles", "are for people: an agent or a device has none")
	case slices.ContainsFunc(m.Roles, func(r clinical.Role) bool { return !slices.Contains(clinical.Roles, r) }):
		return clinical.Bad("roles", "unknown role")
	case m.Clearance < 0 || m.Clearance > 2:
		return clinical.Bad("clearance", "must be 0, 1 or 2")
	case (m.Login.Issuer == "") != (m.Login.Subject == ""):
		return clinical.Bad("login", "issuer and subject are both needed")
	case len(m.Login.Issuer) > 255 || len(m.Login.Subject) > 255:
		return clinical.Bad("login", "longer than 255 characters")
	}
	if err := checkWords("display", m.Display, 1, 200); err != nil {
		return err
	}
	if err := checkNames("departments", m.Departments); err != nil {
		return err
	}
	return checkNames("careGroups", m.CareGroups)
}

// UpdateMember changes what a member may do from their next request on.
// NotFound, Conflict (the membership has ended; the login is another's),
// Forbidden for one's own.
func (r *Records) UpdateMember(ctx context.Context, actor clinical.Actor, in UpdateMember) (m clinical.Member, err error) {
	err = r.act(ctx, actor, "updateMember", func(ctx context.Context, c *call) error {
		d, was, err := c.member(ctx, "memberId", in.Member)
		if err != nil {
			return err
		}
		m = in.apply(was)
		if err := checkMember(m); err != nil {
			return err
		}
		if err := c.Tx.UpdateMember(ctx, d, m); err != nil {
			return onField("login", err)
		}
		_, err = c.audit(ctx, d, touching(memberOf(m.ID)))
		return err
	})
	if err != nil {
		return clinical.Member{}, err
	}
	return m, nil
}

func (in UpdateMember) apply(m clinical.Member) clinical.Member {
	if in.Display != nil {
		m.Display = strings.TrimSpace(*in.Display)
	}
	set(&m.Roles, in.Roles)
	set(&m.Clearance, in.Clearance)
	set(&m.Departments, in.Departments)
	set(&m.CareGroups, in.CareGroups)
	set(&m.Login, in.Login)
	return m
}

// set changes what the caller named.
func set[T any](to *T, named *T) {
	if named != nil {
		*to = *named
	}
}

// EndMember ends a membership now: logins and keys of theirs open nothing any
// more, neither do the links that were issued to them, and what they were
// uploading becomes no record. Keys that acted on their behalf end, too.
func (r *Records) EndMember(ctx context.Context, actor clinical.Actor, id clinical.ActorID) (m clinical.Member, err error) {
	err = r.act(ctx, actor, "endMember", func(ctx context.Context, c *call) error {
		var d policy.Decision
		if d, m, err = c.member(ctx, "memberId", id); err != nil {
			return err
		}
		if err := c.Tx.EndMember(ctx, id); err != nil {
			return err
		}
		if err := c.RevokeKeysOf(ctx, id, c.now); err != nil {
			return err
		}
		if err := c.endLinksOf(ctx, id); err != nil {
			return err
		}
		m.EndedAt = &c.now
		_, err = c.audit(ctx, d, touching(memberOf(id)))
		return err
	})
	if err != nil {
		return clinical.Member{}, err
	}
	return m, nil
}

// endLinksOf ends the links of somebody who leaves. They lead nowhere from now
// on in any case; their rows say so.
func (c *call) endLinksOf(ctx context.Context, id clinical.ActorID) error {
	f, err := c.r.Gate.Filter(ctx, c.actor, policy.RevokeLink, policy.Link, c.now)
	if err != nil {
		return err
	}
	_, err = c.Tx.RevokeLinks(ctx, f, store.LinkQuery{Actor: id, LiveAt: &c.now}, c.now, "the membership ended")
	return err
}

// MemberQuery narrows the list of members.
type MemberQuery struct {
	Ended bool // also those that are no longer in force
	Page  clinical.Page
}

// Members lists who may come in, and as what.
func (r *Records) Members(ctx context.Context, actor clinical.Actor, q MemberQuery) (out clinical.Slice[clinical.Member], err error) {
	err = r.act(ctx, actor, "members", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		if out, err = c.Tx.Members(ctx, d, store.MemberQuery{Ended: q.Ended}, q.Page); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, func(e *clinical.AuditEvent) { e.Query = memberEntity })
		return err
	})
	return out, err
}

// Member reads one membership, in force or not. NotFound when there is none.
func (r *Records) Member(ctx context.Context, actor clinical.Actor, id clinical.ActorID) (m clinical.Member, err error) {
	err = r.act(ctx, actor, "member", func(ctx context.Context, c *call) error {
		d, err := c.administer(ctx)
		if err != nil {
			return err
		}
		if m, err = c.Tx.Member(ctx, d, id); err != nil {
			return c.missing(memberEntity, wellFormed(id), err)
		}
		_, err = c.audit(ctx, d, touching(memberOf(id)))
		return err
	})
	return m, err
}

// until is an end that has not come yet.
func (c *call) until(field string, at *time.Time) error {
	if at != nil && !at.After(c.now) {
		return clinical.Bad(field, "is over already")
	}
	return nil
}
