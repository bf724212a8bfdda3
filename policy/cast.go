package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// person is one who asks, in a truth table.
type person struct {
	Is          clinical.ActorKind `yaml:"is"` // user unless said otherwise
	Roles       []clinical.Role    `yaml:"roles"`
	Clinic      clinical.TenantID  `yaml:"clinic"`
	Panel       oneOrMore          `yaml:"panel"`
	CareGroups  []string           `yaml:"careGroups"`
	Clearance   int                `yaml:"clearance"`
	Departments []string           `yaml:"departments"`
}

// chart is one patient, in a truth table.
type chart struct {
	Clinic     clinical.TenantID `yaml:"clinic"`
	CareGroups []string          `yaml:"careGroups"`
}

// thing is what is asked for, in a truth table. Which chart it is in, the cases say.
type thing struct {
	Type            Type               `yaml:"type"`
	Kind            string             `yaml:"kind"`
	Status          string             `yaml:"status"`
	ScanStatus      string             `yaml:"scanStatus"`
	ScanRequired    bool               `yaml:"scanRequired"`
	LegalHold       bool               `yaml:"legalHold"`
	Confidentiality string             `yaml:"confidentiality"` // N, R, V
	Labels          []string           `yaml:"labels"`
	Department      string             `yaml:"department"`
	OwnerKind       clinical.ActorKind `yaml:"ownerKind"`
	FHIRType        string             `yaml:"fhirType"`
	DaysOld         int                `yaml:"daysOld"`
	Clinic          clinical.TenantID  `yaml:"clinic"` // of what is in no chart
}

const homeClinic clinical.TenantID = "home-clinic" // where a table says nothing of clinics

// tableNow is the instant at which all questions of a table are asked.
var tableNow = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

// idFor is the identifier of something that a table knows by a name.
func idFor[ID ~string](sort, name string) ID {
	sum := sha256.Sum256([]byte(sort + "/" + name))
	h := hex.EncodeToString(sum[:16])
	return ID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// questions are all cells of one row.
func (t truthTable) questions(c truthCase) (out []question, err error) {
	if c.Expect != allow && c.Expect != deny {
		return nil, fmt.Errorf("expect is %q, not allow or deny", c.Expect)
	}
	who, what := c.Who, c.What
	if slices.Equal(who, oneOrMore{everyone}) {
		who = slices.Sorted(maps.Keys(t.People))
	}
	if slices.Equal(what, oneOrMore{everything}) {
		what = slices.Sorted(maps.Keys(t.Things))
	}
	for _, w := range who {
		actor, err := t.actor(w, c)
		if err != nil {
			return nil, err
		}
		for _, name := range what {
			more, err := t.about(c, w, actor, name)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("it asks nothing: who, does and what are needed")
	}
	return out, nil
}

// about are the questions of one row, one asker and one thing.
func (t truthTable) about(c truthCase, who string, actor clinical.Actor, what string) (out []question, err error) {
	th, ok := t.Things[what]
	if !ok {
		return nil, fmt.Errorf("there is no thing %q", what)
	}
	if attributes[th.Type] == nil {
		return nil, fmt.Errorf("%q is of no type: %q", what, th.Type)
	}
	on := []string(c.On)
	switch inChart := th.Type != Tenant && th.Type != AuditLog; {
	case inChart && len(on) == 0:
		return nil, fmt.Errorf("%q is in a chart: say on which patient", what)
	case th.Type == Tenant || len(on) == 0:
		on = []string{""}
	}
	actions, err := actionsOn(c.Does, th.Type)
	if err != nil {
		return nil, err
	}
	for _, patient := range on {
		r, err := t.resource(c, actor, what, patient)
		if err != nil {
			return nil, err
		}
		for _, a := range actions {
			out = append(out, question{truthCase: c, who: who, what: what, on: patient,
				request: Request{Actor: actor, Action: a, Resource: r, Now: tableNow}})
		}
	}
	return out, nil
}

// actionsOn are the actions named, which must be asked of the type.
func actionsOn(does []string, t Type) (out []Action, err error) {
	if slices.Equal(does, []string{everything}) {
		for _, a := range Actions() {
			if a.appliesTo(t) {
				out = append(out, a)
			}
		}
		return out, nil
	}
	for _, d := range does {
		if !Action(d).appliesTo(t) {
			return nil, fmt.Errorf("%q is not asked of a %s", d, t)
		}
		out = append(out, Action(d))
	}
	return out, nil
}

// actor is the person of that name, under the circumstances of the case.
func (t truthTable) actor(name string, c truthCase) (clinical.Actor, error) {
	a, err := t.member(name)
	if err != nil {
		return a, err
	}
	a.Session = clinical.Session{Purpose: c.Purpose, MFA: c.MFA == nil || *c.MFA, Scopes: c.Scopes}
	for _, patient := range c.BrokenGlass {
		if _, ok := t.Patients[patient]; !ok {
			return a, fmt.Errorf("there is no patient %q", patient)
		}
		a.Session.BreakGlass = append(a.Session.BreakGlass, clinical.BreakGlassGrant{
			Patient: idFor[clinical.PatientID]("patient", patient), Expires: tableNow.Add(time.Minute),
		})
	}
	if c.For != "" {
		user, err := t.member(c.For)
		if err != nil {
			return a, err
		}
		a.OnBehalfOf = &user
	}
	return a, nil
}

// member is the person of that name as its membership describes it.
func (t truthTable) member(name string) (clinical.Actor, error) {
	p, ok := t.People[name]
	if !ok {
		return clinical.Actor{}, fmt.Errorf("there is nobody called %q", name)
	}
	a := clinical.Actor{
		ID: idFor[clinical.ActorID]("person", name), Kind: p.Is, Tenant: p.Clinic, Roles: p.Roles,
		Clearance: p.Clearance, Departments: p.Departments, CareGroups: p.CareGroups,
	}
	if a.Kind == "" {
		a.Kind = clinical.User
	}
	if principalTypes[a.Kind] == "" {
		return a, fmt.Errorf("%q is no user, agent, device or system", p.Is)
	}
	if a.Tenant == "" {
		a.Tenant = homeClinic
	}
	for _, patient := range p.Panel {
		if _, ok := t.Patients[patient]; !ok {
			return a, fmt.Errorf("there is no patient %q", patient)
		}
		a.Panel = append(a.Panel, idFor[clinical.PatientID]("patient", patient))
	}
	return a, nil
}

// resource is the thing of that name in the patient's chart.
func (t truthTable) resource(c truthCase, asker clinical.Actor, what, patient string) (Resource, error) {
	th := t.Things[what]
	r := Resource{
		Type: th.Type, ID: idFor[string]("thing", what+"/"+patient), Tenant: th.Clinic,
		Kind: th.Kind, Status: th.Status, ScanStatus: th.ScanStatus, ScanRequired: th.ScanRequired,
		LegalHold: th.LegalHold, Labels: th.Labels, Department: th.Department,
		Owner: idFor[clinical.ActorID]("person", ""), OwnerKind: th.OwnerKind,
		FHIRType: th.fhirType(), CreatedAt: tableNow.AddDate(0, 0, -th.DaysOld),
	}
	i := slices.Index([]string{"N", "R", "V"}, th.Confidentiality)
	if r.Confidentiality = clinical.Confidentiality(max(i, 0)); i < 0 && th.Confidentiality != "" {
		return r, fmt.Errorf("confidentiality %q is not N, R or V", th.Confidentiality)
	}
	if patient != "" {
		ch, ok := t.Patients[patient]
		if !ok {
			return r, fmt.Errorf("there is no patient %q", patient)
		}
		r.Patient, r.Tenant, r.CareGroups = idFor[clinical.PatientID]("patient", patient), ch.Clinic, ch.CareGroups
	}
	if r.Tenant == "" {
		r.Tenant = homeClinic
	}
	switch th.Type {
	case Patient, Bundle:
		r.ID = string(r.Patient)
	case Tenant:
		r.ID = string(r.Tenant)
	}
	return t.owned(r, c.By, asker)
}

// owned is the resource with its owner: by is a person, "self" or "".
func (t truthTable) owned(r Resource, by string, asker clinical.Actor) (Resource, error) {
	switch by {
	case "":
		return r, nil
	case oneself:
		r.Owner, r.OwnerKind = asker.ID, asker.Kind
		return r, nil
	}
	owner, err := t.member(by)
	r.Owner, r.OwnerKind = owner.ID, owner.Kind
	return r, err
}

// fhirType is what the kind becomes in the shipped registry, unless said otherwise.
func (th thing) fhirType() string {
	if th.FHIRType != "" {
		return th.FHIRType
	}
	for _, k := range clinical.DefaultKinds() {
		if k.Code == th.Kind {
			return string(k.Resource)
		}
	}
	return string(clinical.DocumentReference)
}
