package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

type memberFields struct{ *resolver }

// Member resolves the fields of Member that are looked up on their own.
func (r *resolver) Member() generated.MemberResolver { return memberFields{r} }

// Members resolves Query.members.
func (q query) Members(ctx context.Context, first *int, after *string, ended bool) (*model.MemberConnection, error) {
	page, err := pageOf(first, after, nil, nil)
	if err != nil {
		return nil, err
	}
	list, err := q.records.Members(ctx, auth.Actor(ctx), records.MemberQuery{Ended: ended, Page: page})
	return translated(list, err, memberConnection)
}

// Member resolves Query.member.
func (q query) Member(ctx context.Context, id string) (*model.Member, error) {
	m, err := q.records.Member(ctx, auth.Actor(ctx), clinical.ActorID(id))
	return translated(m, err, memberOf)
}

// Panel resolves Member.panel.
func (r memberFields) Panel(ctx context.Context, m *model.Member) ([]*model.PanelEntry, error) {
	panel, err := r.records.Panel(ctx, auth.Actor(ctx), m.Noun.ID)
	return panelEntries(panel), err
}

// Keys resolves Member.keys.
func (r memberFields) Keys(ctx context.Context, m *model.Member) ([]*model.APIKey, error) {
	keys, err := r.records.MemberKeys(ctx, auth.Actor(ctx), m.Noun.ID)
	return keysOf(keys), err
}

// AddMember resolves Mutation.addMember.
func (m mutation) AddMember(ctx context.Context, in model.AddMemberInput) (*model.AddMemberPayload, error) {
	added, err := m.records.AddMember(ctx, auth.Actor(ctx), records.AddMember{
		Kind: in.Kind, Display: in.Display, Roles: in.Roles, Clearance: in.Clearance, Departments: in.Departments,
		CareGroups: in.CareGroups, Login: loginOf(in.Login), IdempotencyKey: deref(in.IdempotencyKey),
	})
	return translated(added, err, func(m clinical.Member) *model.AddMemberPayload {
		return &model.AddMemberPayload{Member: memberOf(m)}
	})
}

// UpdateMember resolves Mutation.updateMember.
func (m mutation) UpdateMember(ctx context.Context, in model.UpdateMemberInput) (*model.UpdateMemberPayload, error) {
	if in.Login != nil && in.RemoveLogin {
		return nil, clinical.Bad("removeLogin", "cannot be combined with login")
	}
	change := records.UpdateMember{
		Member: clinical.ActorID(in.MemberID), Display: in.Display, Roles: named(in.Roles), Clearance: in.Clearance,
		Departments: named(in.Departments), CareGroups: named(in.CareGroups),
	}
	if login := loginOf(in.Login); in.Login != nil || in.RemoveLogin {
		change.Login = &login
	}
	changed, err := m.records.UpdateMember(ctx, auth.Actor(ctx), change)
	return translated(changed, err, func(m clinical.Member) *model.UpdateMemberPayload {
		return &model.UpdateMemberPayload{Member: memberOf(m)}
	})
}

// EndMember resolves Mutation.endMember.
func (m mutation) EndMember(ctx context.Context, in model.EndMemberInput) (*model.EndMemberPayload, error) {
	ended, err := m.records.EndMember(ctx, auth.Actor(ctx), clinical.ActorID(in.MemberID))
	return translated(ended, err, func(m clinical.Member) *model.EndMemberPayload {
		return &model.EndMemberPayload{Member: memberOf(m)}
	})
}

// SetPanel resolves Mutation.setPanel.
func (m mutation) SetPanel(ctx context.Context, in model.SetPanelInput) (*model.SetPanelPayload, error) {
	change := records.SetPanel{Member: clinical.ActorID(in.MemberID)}
	for _, a := range in.Add {
		change.Add = append(change.Add, records.PanelChange{Patient: clinical.PatientID(a.PatientID), Until: a.Until})
	}
	for _, id := range in.Remove {
		change.Remove = append(change.Remove, clinical.PatientID(id))
	}
	panel, err := m.records.SetPanel(ctx, auth.Actor(ctx), change)
	return translated(panel, err, func(panel []clinical.PanelEntry) *model.SetPanelPayload {
		return &model.SetPanelPayload{Panel: panelEntries(panel)}
	})
}

// SetCareGroups resolves Mutation.setCareGroups.
func (m mutation) SetCareGroups(ctx context.Context, in model.SetCareGroupsInput) (*model.SetCareGroupsPayload, error) {
	err := m.records.SetCareGroups(ctx, auth.Actor(ctx), clinical.PatientID(in.PatientID), in.CareGroups)
	return translated(in, err, func(in model.SetCareGroupsInput) *model.SetCareGroupsPayload {
		return &model.SetCareGroupsPayload{PatientID: in.PatientID, CareGroups: in.CareGroups}
	})
}

// named is nil for an input list that was not given.
func named[T any](list []T) *[]T {
	if list == nil {
		return nil
	}
	return &list
}

func loginOf(in *model.LoginInput) clinical.Login {
	if in == nil {
		return clinical.Login{}
	}
	return clinical.Login{Issuer: in.Issuer, Subject: in.Subject}
}

func memberOf(m clinical.Member) *model.Member {
	out := &model.Member{
		ID: string(m.ID), Kind: m.Kind, Display: m.Display, Roles: m.Roles, Clearance: m.Clearance,
		Departments: m.Departments, CareGroups: m.CareGroups, CreatedAt: m.CreatedAt, EndedAt: m.EndedAt, Noun: m,
	}
	if m.Login != (clinical.Login{}) {
		out.Login = &model.Login{Issuer: m.Login.Issuer, Subject: m.Login.Subject}
	}
	return out
}

func memberConnection(s clinical.Slice[clinical.Member]) *model.MemberConnection {
	c := &model.MemberConnection{PageInfo: pageInfo(s)}
	for i, m := range s.Items {
		node := memberOf(m)
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, &model.MemberEdge{Cursor: s.Cursors[i], Node: node})
	}
	return c
}

func panelEntries(panel []clinical.PanelEntry) []*model.PanelEntry {
	out := make([]*model.PanelEntry, len(panel))
	for i, e := range panel {
		out[i] = &model.PanelEntry{PatientID: string(e.Patient), Since: e.Since, Until: e.Until}
	}
	return out
}
