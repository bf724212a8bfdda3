package policy

import (
	"context"
	"flag"
	"reflect"
	"slices"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
)

var randomSets = flag.Int("policy.sets", 250, "random policy sets that the filter is held against")

// listedTypes are the types of which there are lists, and an action for each.
var listedTypes = map[Type]Action{
	Patient: ListPatients, Encounter: ReadEncounter, File: ListFiles, Note: ListNotes, Upload: ListUploads, Link: ReadLink, AuditLog: ReadAudit,
}

// disagreement is a resource on which the decision and the list differ.
type disagreement struct {
	actor    clinical.Actor
	resource Resource
	decision Decision
	filter   Filter
}

// compare holds lists against decisions for some random actors and resources
// and counts the decisions and the permits among them. mutate stands between
// the filter and its evaluation; it is for planting mistakes.
func compare(t *testing.T, d dice, e *Engine, a Action, typ Type, mutate func(Predicate) Predicate) (decisions, allowed int, found *disagreement) {
	t.Helper()
	for range 4 {
		actor := d.actor()
		f, err := e.Filter(context.Background(), actor, a, typ, noon)
		if err != nil {
			t.Fatal(err)
		}
		p := mutate(f.Predicate())
		for range 40 {
			r := d.resource(typ)
			decision := decide(t, e, actor, a, r)
			in, err := Eval(p, r)
			if err != nil {
				t.Fatal(err)
			}
			if len(decision.Errors()) > 0 {
				t.Fatal(decision.Errors())
			}
			decisions++
			if decision.Allowed() {
				allowed++
			}
			if in != decision.Allowed() && found == nil {
				found = &disagreement{actor, r, decision, f}
			}
		}
	}
	return decisions, allowed, found
}

func unchanged(p Predicate) Predicate { return p }

// random gives the engine of a random set for lists of typ, nil when the set
// was refused (the generator does not know all of Cedar's types).
func random(d dice, typ Type) (*Engine, string) {
	text := d.policies(typ)
	e, err := Load(set(text))
	if err != nil {
		return nil, text
	}
	return e, text
}

func TestP4_ListsAreWhatDecisionsAllow(t *testing.T) {
	types := []Type{Patient, Encounter, File, File, File, Note, Upload, Link, AuditLog}
	decisions, allowed, sets := 0, 0, 0
	for seed := range uint64(*randomSets) {
		d, typ := roll(seed), types[seed%uint64(len(types))]
		e, text := random(d, typ)
		if e == nil {
			continue
		}
		sets++
		n, k, found := compare(t, d, e, listedTypes[typ], typ, unchanged)
		decisions, allowed = decisions+n, allowed+k
		if found != nil {
			t.Fatalf("seed %d\n%s\nactor %+v\nresource %+v\nallowed %v by %v %s, list %#v", seed, text,
				found.actor, found.resource, found.decision.Allowed(), found.decision.Policies(), found.decision.Rule(), found.filter.Predicate())
		}
	}
	if sets < *randomSets*8/10 || allowed < decisions/10 || allowed > decisions*9/10 {
		t.Errorf("too one-sided: %d sets, %d of %d allowed", sets, allowed, decisions)
	}
	t.Logf("%d sets, %d decisions, %d allowed", sets, decisions, allowed)
}

func TestP4_ShippedListsAreWhatDecisionsAllow(t *testing.T) {
	e := shippedEngine(t)
	for _, a := range Actions() {
		for _, typ := range a.Types() {
			if !a.Listed() {
				continue
			}
			d, allowed := roll(7), 0
			for range 25 {
				_, k, found := compare(t, d, e, a, typ, unchanged)
				allowed += k
				if found != nil {
					t.Fatalf("%s %s: actor %+v, resource %+v, allowed %v, list %#v", a, typ,
						found.actor, found.resource, found.decision.Allowed(), found.filter.Predicate())
				}
			}
			if allowed == 0 {
				t.Errorf("%s on %s was never allowed: nothing was tested", a, typ)
			}
		}
	}
}

// rewrite applies change to every node of a predicate, leaves first.
func rewrite(p Predicate, change func(Predicate) Predicate) Predicate {
	many := func(ps []Predicate) []Predicate {
		out := make([]Predicate, len(ps))
		for i, p := range ps {
			out[i] = rewrite(p, change)
		}
		return out
	}
	switch n := p.(type) {
	case And:
		p = And(many(n))
	case Or:
		p = Or(many(n))
	case Not:
		p = Not{rewrite(n.Of, change)}
	case IsFalse:
		p = IsFalse{rewrite(n.Of, change)}
	case If:
		p = If{rewrite(n.Cond, change), rewrite(n.Then, change), rewrite(n.Else, change)}
	}
	return change(p)
}

// Mistakes that a translator could make. Each must be found, or the fuzz test
// above proves nothing.
func TestPlantedMistakesAreFound(t *testing.T) {
	swapOp := func(from, to Op) func(Predicate) Predicate {
		return func(p Predicate) Predicate {
			if c, ok := p.(Compare); ok && c.Op == from {
				c.Op = to
				return c
			}
			return p
		}
	}
	for name, mistake := range map[string]func(Predicate) Predicate{
		"== is !=": swapOp(Equal, NotEqual),
		"!= is ==": swapOp(NotEqual, Equal),
		"< is <=":  swapOp(Less, LessOrEqual),
		"<= is <":  swapOp(LessOrEqual, Less),
		"> is >=":  swapOp(Greater, GreaterOrEqual),
		">= is >":  swapOp(GreaterOrEqual, Greater),
		"and is or": func(p Predicate) Predicate {
			if n, ok := p.(And); ok {
				return Or(n)
			}
			return p
		},
		"or is and": func(p Predicate) Predicate {
			if n, ok := p.(Or); ok {
				return And(n)
			}
			return p
		},
		"no not": func(p Predicate) Predicate {
			if n, ok := p.(Not); ok {
				return n.Of
			}
			return p
		},
		"no forbid": func(p Predicate) Predicate {
			if _, ok := p.(IsFalse); ok {
				return True{}
			}
			return p
		},
		"else is then": func(p Predicate) Predicate {
			if n, ok := p.(If); ok {
				n.Else = n.Then
				return n
			}
			return p
		},
		"has is true": func(p Predicate) Predicate {
			if _, ok := p.(Has); ok {
				return True{}
			}
			return p
		},
		"one of all but the last": func(p Predicate) Predicate {
			if n, ok := p.(OneOf); ok {
				n.Values = n.Values[:len(n.Values)-1]
				return n
			}
			return p
		},
		"no groups": func(p Predicate) Predicate {
			if _, ok := p.(InGroup); ok {
				return False{}
			}
			return p
		},
		"any is all": func(p Predicate) Predicate {
			if n, ok := p.(ContainsAny); ok {
				return ContainsAll(n)
			}
			return p
		},
		"all is any": func(p Predicate) Predicate {
			if n, ok := p.(ContainsAll); ok {
				return ContainsAny(n)
			}
			return p
		},
		"all is subset": func(p Predicate) Predicate {
			if n, ok := p.(ContainsAll); ok {
				return SubsetOf(n)
			}
			return p
		},
		"subset is all": func(p Predicate) Predicate {
			if n, ok := p.(SubsetOf); ok {
				return ContainsAll(n)
			}
			return p
		},
		"empty is full": func(p Predicate) Predicate {
			if _, ok := p.(IsEmpty); ok {
				return True{}
			}
			return p
		},
		"no member": func(p Predicate) Predicate {
			if _, ok := p.(SetContains); ok {
				return False{}
			}
			return p
		},
		"attributes swapped": func(p Predicate) Predicate {
			if n, ok := p.(CompareAttrs); ok && n.Left != n.Right {
				n.Right = n.Left
				return n
			}
			return p
		},
	} {
		caught := false
		for seed := uint64(0); seed < 400 && !caught; seed++ {
			d := roll(seed)
			typ := []Type{File, Patient, File, Note}[seed%4]
			if e, _ := random(d, typ); e != nil {
				_, _, found := compare(t, d, e, listedTypes[typ], typ, func(p Predicate) Predicate { return rewrite(p, mistake) })
				caught = found != nil
			}
		}
		if !caught {
			t.Errorf("nobody notices: %s", name)
		}
	}
}

func TestFiltersAreTheSameEveryTime(t *testing.T) {
	actor := clinician()
	actor.Panel = append(slices.Clone(somePatients), anna, olaf)
	actor.CareGroups = someGroups
	want, err := shippedEngine(t).Filter(context.Background(), actor, ListFiles, File, noon)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Policies()) == 0 || !slices.IsSorted(want.Policies()) || want.Tenant() != home || want.Action() != ListFiles || want.Type() != File || want.Actor().ID != actor.ID {
		t.Errorf("the receipt: %v %v", want.Policies(), want.Tenant())
	}
	for range 20 {
		slices.Reverse(actor.Panel)
		got, err := shippedEngine(t).Filter(context.Background(), actor, ListFiles, File, noon)
		if err != nil || !reflect.DeepEqual(got.Predicate(), want.Predicate()) {
			t.Fatalf("%v\n%#v\n%#v", err, got.Predicate(), want.Predicate())
		}
	}
}

// The predicate of an ordinary list, spelled out: what package store is given.
func TestFilterOfAnOrdinaryList(t *testing.T) {
	actor := clinician()
	actor.CareGroups = []string{"ward-7"}
	f, err := shippedEngine(t).Filter(context.Background(), actor, ListFiles, File, noon)
	if err != nil {
		t.Fatal(err)
	}
	want := And{
		Or{OneOf{"patient", []string{string(anna)}}, InGroup{"patient", []string{"ward-7"}}},
		Compare{"confidentiality", LessOrEqual, int64(1)},
		Compare{"tenant", Equal, string(home)},
	}
	if !reflect.DeepEqual(f.Predicate(), want) {
		t.Errorf("%#v", f.Predicate())
	}
	if want := []string{"clinician-works-with-panel-files", "tenant-wall"}; !slices.Equal(f.Policies(), want) {
		t.Errorf("%v", f.Policies())
	}
	actor.Roles = []clinical.Role{clinical.Auditor}
	if f, err := shippedEngine(t).Filter(context.Background(), actor, ListFiles, File, noon); err != nil || f.Predicate() != (Predicate)(False{}) {
		t.Errorf("an auditor's list of files: %#v, %v", f.Predicate(), err)
	}
}
