package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// condition is a random Cedar condition on files.
func (c chart) condition(d dice, depth int) string {
	if depth == 0 || d.IntN(4) == 0 {
		return c.atom(d)
	}
	next := func() string { return c.condition(d, depth-1) }
	switch d.IntN(5) {
	case 0:
		return "(" + next() + " && " + next() + ")"
	case 1:
		return "(" + next() + " || " + next() + ")"
	case 2:
		return "!(" + next() + ")"
	case 3:
		return "(if " + next() + " then " + next() + " else " + next() + ")"
	}
	return c.atom(d)
}

func (c chart) atom(d dice) string {
	order := pick(d, "<", "<=", ">", ">=", "==", "!=")
	switch d.IntN(18) {
	case 0:
		return `resource.tenant == principal.tenant`
	case 1:
		return `principal.panel.contains(resource.patient)`
	case 2:
		return `resource.confidentiality ` + order + ` principal.clearance`
	case 3:
		return fmt.Sprintf(`%d %s resource.confidentiality`, d.IntN(4), order)
	case 4:
		return pick(d, `["consent"]`, `["consent", "raw"]`, `["wound-photo", "session-audio"]`) + `.contains(resource.kind)`
	case 5:
		return `(resource has department && resource.department ` + pick(d, "==", "!=") + ` "psych")`
	case 6:
		return `(resource has department && principal.departments.contains(resource.department))`
	case 7:
		return `(if resource has department then resource.department == "derm" else ` + pick(d, "true", "false") + `)`
	case 8:
		return `resource.labels.` + pick(d, `containsAny`, `containsAll`) + `(["teaching", "it's odd"])`
	case 9:
		return `resource.labels.` + pick(d, `contains("withdrawn")`, `isEmpty()`)
	case 10:
		return `["teaching", "withdrawn"].containsAll(resource.labels)`
	case 11:
		return `resource.patient in ` + pick(d, `principal.careGroups`, `CareGroup::"ward-7"`)
	case 12:
		return fmt.Sprintf(`resource.createdAt %s context.now.offset(duration("%dh"))`, order, 24*(d.IntN(5)-2))
	case 13:
		return pick(d, `context.purpose == "TREAT"`, `context.mfa`, `principal.clearance > 1`, `principal.departments.isEmpty()`)
	case 14:
		return `principal.self.contains(resource.owner)`
	case 15:
		return fmt.Sprintf(`resource.patient %s Patient::"%s"`, pick(d, "==", "!="), pick(d, c.patients...).ID)
	case 16:
		return `context.breakGlass.contains(resource.patient)`
	}
	return pick(d, `resource.legalHold`, `resource.status == "current"`, `resource.scanStatus != "clean"`, `resource.fhirType == "Media"`)
}

// policies is a random policy set about files.
func (c chart) policies(d dice) string {
	var b strings.Builder
	for i := range 1 + d.IntN(3) {
		fmt.Fprintf(&b, "@id(\"permit-%d\")\npermit (principal, action in [Action::\"readFile\", Action::\"listFiles\"], resource) %s { %s };\n",
			i, pick(d, "when", "unless"), c.condition(d, 3))
	}
	for i := range d.IntN(3) {
		fmt.Fprintf(&b, "@id(\"forbid-%d\")\nforbid (principal, action in [Action::\"readFile\", Action::\"listFiles\"], resource) %s { %s };\n",
			i, pick(d, "when", "unless"), c.condition(d, 3))
	}
	return b.String()
}

// actor is somebody with random attributes, perhaps acting for somebody else.
func (c chart) actor(d dice) clinical.Actor {
	a := clinical.Actor{
		ID: pick(d, c.owners...), Kind: pick(d, clinical.User, clinical.Agent, clinical.Device), Tenant: pick(d, north, north, north, south),
		Roles:     []clinical.Role{pick(d, clinical.Clinician, clinical.Clerk, clinical.Admin, clinical.Pipeline)},
		Clearance: d.IntN(3), Departments: []string{}, CareGroups: []string{},
		Session: clinical.Session{Purpose: pick(d, clinical.Treatment, clinical.Operations, clinical.BreakTheGlass), MFA: d.IntN(2) == 0},
	}
	for _, p := range c.patients {
		if d.IntN(2) == 0 {
			a.Panel = append(a.Panel, p.ID)
		}
		if d.IntN(5) == 0 {
			a.Session.BreakGlass = append(a.Session.BreakGlass, clinical.BreakGlassGrant{Patient: p.ID, Expires: noon.Add(time.Minute)})
		}
	}
	if d.IntN(2) == 0 {
		a.Departments = some(d, []string{"derm", "psych"})
	}
	if d.IntN(2) == 0 {
		a.CareGroups = some(d, fuzzGroups)
	}
	if d.IntN(6) == 0 {
		a.Session.Scopes = []string{pick(d, "patient/*.rs", "user/Media.rs", "patient/DocumentReference.s")}
	}
	if a.Kind == clinical.Agent && d.IntN(2) == 0 {
		user := c.actor(d)
		user.Kind, user.OnBehalfOf = clinical.User, nil
		a.OnBehalfOf = &user
	}
	return a
}

// A list holds exactly the files that the gate would let each one of: the same
// policies, asked of every row at once by the database.
func TestP4_ListsAgreeWithTheGate(t *testing.T) {
	t.Parallel()
	h, d := newHouse(t), newDice(t)
	c := h.chart(d, north, 60)
	theirs := h.chart(d, south, 20)
	all := append(slices.Clone(c.subjects), theirs.subjects...)

	decisions, allowed, sets := 0, 0, 0
	for want := fuzzDecisions(t); decisions < want; {
		engine, source := h.engine, "(the shipped policies)"
		if d.IntN(4) > 0 {
			source = c.policies(d)
			var err error
			if engine, err = policy.Load(fstest.MapFS{"random.cedar": {Data: []byte(source)}}); err != nil {
				continue // the gate refuses the set as a whole: some conditions are not sound
			}
		}
		sets++
		actor := c.actor(d)
		got, err := h.listedFiles(engine, actor)
		if err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
		var permitted []string
		for _, r := range all {
			decision, err := engine.Authorize(h.Context(), policy.Request{Actor: actor, Action: policy.ListFiles, Resource: r, Now: noon})
			check(t, err)
			decisions++
			if decision.Allowed() {
				permitted = append(permitted, r.ID)
			}
		}
		allowed += len(permitted)
		slices.Sort(permitted)
		if !slices.Equal(got, permitted) {
			t.Fatalf("the list has %v\nthe gate permits %v\n%+v\n%s", got, permitted, actor, source)
		}
	}
	t.Logf("%d policy sets, %d decisions, %d allowed", sets, decisions, allowed)
	if allowed == 0 || allowed > decisions*9/10 || sets < 10 {
		t.Errorf("the comparison distinguishes too little")
	}
}

// listedFiles pages through what the actor's list holds.
func (h *house) listedFiles(engine *policy.Engine, actor clinical.Actor) (ids []string, err error) {
	f, err := engine.Filter(h.Context(), actor, policy.ListFiles, policy.File, noon)
	if err != nil {
		return nil, err
	}
	err = h.db.InTx(h.Context(), actor.Tenant, func(ctx context.Context, tx *Tx) error {
		ids = nil
		p := clinical.Page{First: 50}
		for {
			page, err := tx.Files(ctx, f, FileQuery{WithTotal: p.After == ""}, p)
			if err != nil {
				return err
			}
			for _, file := range page.Items {
				ids = append(ids, string(file.ID))
			}
			if !page.HasNext {
				break
			}
			p.After = page.Cursors[len(page.Cursors)-1]
		}
		slices.Sort(ids)
		return nil
	})
	return ids, err
}
