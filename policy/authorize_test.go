package policy

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

func TestP4_ZeroValuesDeny(t *testing.T) {
	var d Decision
	if d.Allowed() || d.Covers("", "") || d.Covers(File, "") || d.Quarantined() || d.Rule() != RuleDefaultDeny || len(d.Policies()) != 0 {
		t.Errorf("the zero Decision: %+v", d)
	}
	var f Filter
	if f.Predicate() != (Predicate)(False{}) || f.Tenant() != "" {
		t.Errorf("the zero Filter matches %v", f.Predicate())
	}
	e := mustLoad(t, set(permitAll))
	if d := decide(t, e, clinical.Actor{}, ReadFile, fileOf(anna)); d.Allowed() {
		t.Error("the zero Actor was allowed something")
	}
	nobody := clinician()
	nobody.Kind = "robot"
	if d := decide(t, e, nobody, ReadFile, fileOf(anna)); d.Allowed() {
		t.Error("an actor of no known kind was allowed something")
	}
	for _, actor := range []clinical.Actor{{}, nobody} {
		f, err := e.Filter(context.Background(), actor, ListFiles, File, noon)
		if err != nil || f.Predicate() != (Predicate)(False{}) {
			t.Errorf("a list for nobody: %v, %v", f.Predicate(), err)
		}
	}
	agent := machine(clinical.Agent)
	agent.OnBehalfOf = &clinical.Actor{}
	if d := decide(t, e, agent, ReadFile, fileOf(anna)); d.Allowed() {
		t.Error("an agent acting for nobody was allowed something")
	}
}

func TestP4_NothingIsPermittedByDefault(t *testing.T) {
	e := mustLoad(t, set(`@id("nothing") forbid (principal, action, resource);`))
	for _, a := range Actions() {
		for _, typ := range a.Types() {
			d := decide(t, e, clinician(), a, of(typ, home))
			if d.Allowed() || d.Rule() == RuleDefaultDeny {
				t.Errorf("%s on %s: %v by %s", a, typ, d.Allowed(), d.Rule())
			}
		}
	}
	only := mustLoad(t, set(`@id("one") permit (principal, action == Action::"readFile", resource);`))
	if d := decide(t, only, clinician(), ReadFile, fileOf(anna)); !d.Allowed() || d.Rule() != "one" {
		t.Error("the one permit does not permit")
	}
	if d := decide(t, only, clinician(), DownloadFile, fileOf(anna)); d.Allowed() || d.Rule() != RuleDefaultDeny {
		t.Errorf("download: %v by %s", d.Allowed(), d.Rule())
	}
}

func TestP6_NothingLetsAnAgentOrDeviceSign(t *testing.T) {
	for name, e := range map[string]*Engine{
		"permit added":        mustLoad(t, shippedAnd(t, permitAll)),
		"policies of its own": mustLoad(t, set(permitAll)),
	} {
		for _, kind := range []clinical.ActorKind{clinical.Agent, clinical.Device, clinical.System} {
			for _, a := range []Action{SignNote, AmendNote} {
				actor := machine(kind)
				actor.Roles = []clinical.Role{clinical.Clinician, clinical.Admin}
				actor.Session.Scopes = []string{"system/*.cruds"}
				forUser := actor
				user := clinician()
				forUser.OnBehalfOf = &user
				for _, who := range []clinical.Actor{actor, forUser} {
					d := decide(t, e, who, a, noteOf(anna))
					if d.Allowed() || d.Rule() != "only-people-sign" {
						t.Errorf("%s: %s by %s: allowed %v, rule %s", name, a, kind, d.Allowed(), d.Rule())
					}
				}
			}
		}
		if d := decide(t, e, clinician(), SignNote, noteOf(anna)); !d.Allowed() {
			t.Errorf("%s: nor may the clinician sign (%s)", name, d.Rule())
		}
	}
}

func TestP9_TenantWallHoldsForEveryAction(t *testing.T) {
	e := mustLoad(t, shippedAnd(t, permitAll))
	for _, a := range Actions() {
		for _, typ := range a.Types() {
			if a != SignNote && a != AmendNote { // the control: only the wall stands in the way
				if d := decide(t, e, machine(clinical.Agent), a, of(typ, home)); !d.Allowed() {
					t.Errorf("%s on %s at home is denied by %s", a, typ, d.Rule())
				}
			}
			for _, kind := range []clinical.ActorKind{clinical.User, clinical.Agent, clinical.Device, clinical.System} {
				d := decide(t, e, machine(kind), a, of(typ, other))
				if d.Allowed() || !slices.Contains(d.Policies(), "tenant-wall") {
					t.Errorf("%s on %s of another clinic by a %s: allowed %v by %v", a, typ, kind, d.Allowed(), d.Policies())
				}
			}
			if !a.Listed() {
				continue
			}
			f, err := e.Filter(context.Background(), clinician(), a, typ, noon)
			if err != nil {
				t.Fatal(err)
			}
			if in, err := Eval(f.Predicate(), of(typ, other)); in || err != nil {
				t.Errorf("%s lists %s of another clinic (%v)", a, typ, err)
			}
			if in, err := Eval(f.Predicate(), of(typ, home)); !in || err != nil {
				t.Errorf("%s does not list %s of the own clinic (%v)", a, typ, err)
			}
		}
	}
}

// overflow fails while it is evaluated, for anyone with a clearance.
const overflow = `9223372036854775807 + principal.clearance > 0`

func TestErrorsDeny(t *testing.T) {
	for name, text := range map[string]string{
		"permit": `@id("faulty") permit (principal, action, resource) when { ` + overflow + ` };`,
		"forbid": `@id("faulty") forbid (principal, action, resource) when { ` + overflow + ` };`,
	} {
		e := mustLoad(t, set(permitAll+text))
		d := decide(t, e, clinician(), ReadFile, fileOf(anna))
		if d.Allowed() || d.Rule() != RuleError || len(d.Errors()) != 1 || !strings.HasPrefix(d.Errors()[0], "faulty: ") {
			t.Errorf("%s: allowed %v, rule %s, errors %q", name, d.Allowed(), d.Rule(), d.Errors())
		}
		f, err := e.Filter(context.Background(), clinician(), ListFiles, File, noon)
		if !clinical.Is(err, clinical.Internal) || f.Predicate() != (Predicate)(False{}) {
			t.Errorf("%s: the list has %v, %v", name, f.Predicate(), err)
		}
		low := clinician()
		low.Clearance = 0
		if d := decide(t, e, low, ReadFile, fileOf(anna)); d.Allowed() != (name == "permit") || len(d.Errors()) != 0 {
			t.Errorf("%s, without an overflow: allowed %v, errors %q", name, d.Allowed(), d.Errors())
		}
	}
}

func TestDecisionTellsWhatDecided(t *testing.T) {
	e := mustLoad(t, shippedAnd(t, `@id("a-second-permit") permit (principal, action == Action::"downloadFile", resource);`))
	d := decide(t, e, clinician(), DownloadFile, fileOf(anna))
	if want := []string{"a-second-permit", "clinician-works-with-panel-files"}; !d.Allowed() || !slices.Equal(d.Policies(), want) || d.Rule() != want[0] {
		t.Errorf("allowed %v by %v, rule %s", d.Allowed(), d.Policies(), d.Rule())
	}
	if d.Action() != DownloadFile || d.Actor().ID != actorID(1) || d.Resource().Patient != anna {
		t.Error("the receipt is not about what was asked")
	}
	for id, covered := range map[string]bool{fileOf(anna).ID: true, "": false, string(anna): false} {
		if d.Covers(File, id) != covered || d.Covers(Note, id) {
			t.Errorf("Covers(%q)", id)
		}
	}
	withdrawn := fileOf(anna)
	withdrawn.Status, withdrawn.ScanStatus = "entered-in-error", "infected"
	d = decide(t, e, clinician(), DownloadFile, withdrawn)
	if want := []string{"infected-quarantine", "retracted-not-served"}; d.Allowed() || !slices.Equal(d.Policies(), want) || d.Rule() != want[0] {
		t.Errorf("denied %v by %v, rule %s", !d.Allowed(), d.Policies(), d.Rule())
	}
	if d.Covers(File, withdrawn.ID) {
		t.Error("a denial covers something")
	}
}

func TestQuarantinedOnlyWhenNothingElseDenies(t *testing.T) {
	e := shippedEngine(t)
	unscanned := fileOf(anna)
	unscanned.ScanRequired, unscanned.ScanStatus = true, "pending"
	if d := decide(t, e, clinician(), DownloadFile, unscanned); d.Allowed() || !d.Quarantined() {
		t.Errorf("on the panel: allowed %v, quarantined %v", d.Allowed(), d.Quarantined())
	}
	hidden := unscanned
	hidden.Patient = olaf
	if d := decide(t, e, clinician(), DownloadFile, hidden); d.Quarantined() {
		t.Error("whoever may not have the file learns that it is in quarantine")
	}
	withdrawn := unscanned
	withdrawn.Status = "entered-in-error"
	if d := decide(t, e, clinician(), DownloadFile, withdrawn); d.Quarantined() {
		t.Error("a scan would not bring a withdrawn file back")
	}
	narrowed := clinician()
	narrowed.Session.Scopes = []string{"patient/DocumentReference.rs"}
	if d := decide(t, e, narrowed, DownloadFile, unscanned); d.Quarantined() {
		t.Error("the token does not cover the file either")
	}
	agent := machine(clinical.Agent)
	user := clinician()
	agent.OnBehalfOf = &user
	if d := decide(t, e, agent, DownloadFile, unscanned); d.Quarantined() {
		t.Error("a scribe may not have photos anyway")
	}
}

func TestBreakGlassGrants(t *testing.T) {
	e := shippedEngine(t)
	ask := func(g clinical.BreakGlassGrant, now time.Time) bool {
		actor := clinician()
		actor.Session.Purpose = clinical.BreakTheGlass
		actor.Session.BreakGlass = []clinical.BreakGlassGrant{g}
		d, err := e.Authorize(context.Background(), Request{Actor: actor, Action: DownloadFile, Resource: fileOf(olaf), Now: now})
		if err != nil {
			t.Fatal(err)
		}
		f, err := e.Filter(context.Background(), actor, ListFiles, File, now)
		if err != nil {
			t.Fatal(err)
		}
		if in, _ := Eval(f.Predicate(), fileOf(olaf)); in != d.Allowed() {
			t.Errorf("listed %v, served %v", in, d.Allowed())
		}
		return d.Allowed()
	}
	grant := clinical.BreakGlassGrant{Patient: olaf, Expires: noon}
	if !ask(grant, noon.Add(-time.Millisecond)) {
		t.Error("a live grant does not open the chart")
	}
	if ask(grant, noon) || ask(grant, noon.Add(time.Hour)) {
		t.Error("an expired grant opens the chart")
	}
	if ask(clinical.BreakGlassGrant{Patient: anna, Expires: noon}, noon.Add(-time.Minute)) {
		t.Error("another patient's grant opens the chart")
	}
}

func TestMalformedNeverReachesAPolicy(t *testing.T) {
	e := mustLoad(t, set(permitAll))
	for name, change := range map[string]func(*Resource){
		"tenant":   func(r *Resource) { r.Tenant = "Harbour'; --" },
		"id":       func(r *Resource) { r.ID = "1 OR 1=1" },
		"patient":  func(r *Resource) { r.Patient = "anna" },
		"nobody's": func(r *Resource) { r.Patient = "" },
	} {
		r := fileOf(anna)
		change(&r)
		if d := decide(t, e, clinician(), ReadFile, r); d.Allowed() || len(d.Errors()) != 1 {
			t.Errorf("%s: allowed %v, %q", name, d.Allowed(), d.Errors())
		}
	}
	someoneElses := of(Patient, home)
	someoneElses.Patient = olaf
	if d := decide(t, e, clinician(), ReadPatient, someoneElses); d.Allowed() {
		t.Error("a patient who is another one was allowed")
	}
	unborn := fileOf(anna)
	unborn.ID = ""
	if d := decide(t, e, clinician(), UploadFile, unborn); !d.Allowed() || d.Covers(File, "") {
		t.Error("what is not made yet can be decided on, and the decision covers nothing")
	}
	for name, change := range map[string]func(*clinical.Actor){
		"panel": func(a *clinical.Actor) { a.Panel = append(a.Panel, "x' OR true --") },
		"id":    func(a *clinical.Actor) { a.ID = "me" },
		"glass": func(a *clinical.Actor) {
			a.Session.BreakGlass = []clinical.BreakGlassGrant{{Patient: "x", Expires: noon.Add(time.Hour)}}
		},
		"tenant": func(a *clinical.Actor) { a.Tenant = "A B" },
		"nested": func(a *clinical.Actor) {
			third, second := clinician(), clinician()
			second.OnBehalfOf, a.OnBehalfOf = &third, &second
		},
	} {
		actor := clinician()
		change(&actor)
		_, err := e.Authorize(context.Background(), Request{Actor: actor, Action: ReadFile, Resource: fileOf(anna), Now: noon})
		_, listErr := e.Filter(context.Background(), actor, ListFiles, File, noon)
		if !clinical.Is(err, clinical.Internal) || !clinical.Is(listErr, clinical.Internal) {
			t.Errorf("%s: %v, %v", name, err, listErr)
		}
	}
}

func TestCallersFaultsAreInternal(t *testing.T) {
	e := shippedEngine(t)
	for name, r := range map[string]Request{
		"wrong type":     {Actor: clinician(), Action: SignNote, Resource: fileOf(anna), Now: noon},
		"no action":      {Actor: clinician(), Action: "fly", Resource: fileOf(anna), Now: noon},
		"no instant":     {Actor: clinician(), Action: ReadFile, Resource: fileOf(anna)},
		"nothing at all": {},
	} {
		d, err := e.Authorize(context.Background(), r)
		if !clinical.Is(err, clinical.Internal) || d.Allowed() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := e.Filter(context.Background(), clinician(), DownloadFile, File, noon); !clinical.Is(err, clinical.Internal) {
		t.Errorf("a list of downloads: %v", err)
	}
}

func TestOnBehalfOfIsTheIntersection(t *testing.T) {
	e := mustLoad(t, set(`
		@id("agent-any") permit (principal is Agent, action, resource);
		@id("user-panel") permit (principal is User, action, resource is File) when { principal.panel.contains(resource.patient) };
		@id("no-users-at-all") forbid (principal is User, action == Action::"uploadFile", resource);`))
	agent, user := machine(clinical.Agent), clinician()
	agent.OnBehalfOf = &user
	d := decide(t, e, agent, ReadFile, fileOf(anna))
	if want := []string{"agent-any", "user-panel"}; !d.Allowed() || !slices.Equal(d.Policies(), want) {
		t.Errorf("both permit: %v by %v", d.Allowed(), d.Policies())
	}
	if d := decide(t, e, agent, ReadFile, fileOf(olaf)); d.Allowed() || d.Rule() != RuleDefaultDeny || len(d.Policies()) != 0 {
		t.Errorf("the user may not: %v by %v", d.Allowed(), d.Policies())
	}
	if d := decide(t, e, agent, UploadFile, fileOf(anna)); d.Allowed() || d.Rule() != "no-users-at-all" {
		t.Errorf("the user is forbidden: %v by %s", d.Allowed(), d.Rule())
	}
	user.Session.Scopes = []string{"patient/Media.r"}
	if d := decide(t, e, agent, RetractFile, fileOf(anna)); d.Allowed() || d.Rule() != RuleScope {
		t.Errorf("the user's token is narrowed: %v by %s", d.Allowed(), d.Rule())
	}
}

// Principals are remembered between decisions; a change must be seen at once.
func TestAChangedPanelCountsAtOnce(t *testing.T) {
	e := shippedEngine(t)
	actor := clinician()
	allowed := func() [2]bool {
		return [2]bool{decide(t, e, actor, ReadFile, fileOf(anna)).Allowed(), decide(t, e, actor, ReadFile, fileOf(olaf)).Allowed()}
	}
	if got := allowed(); got != [2]bool{true, false} {
		t.Errorf("at first: %v", got)
	}
	actor.Panel[0] = olaf // in place
	if got := allowed(); got != [2]bool{false, true} {
		t.Errorf("anna left, olaf came: %v", got)
	}
	actor.Panel = append(actor.Panel, anna)
	if got := allowed(); got != [2]bool{true, true} {
		t.Errorf("anna came back: %v", got)
	}
	actor.Panel = nil
	if got := allowed(); got != [2]bool{false, false} {
		t.Errorf("nobody left: %v", got)
	}
	for _, id := range ids[clinical.ActorID](6, 2*maxRemembered) { // more actors than are remembered
		actor.ID, actor.Panel = id, []clinical.PatientID{anna}
		if got := allowed(); got != [2]bool{true, false} {
			t.Fatalf("%s: %v", id, got)
		}
	}
	if n := len(e.principals.seen); n > maxRemembered {
		t.Errorf("%d principals are remembered", n)
	}
}

// Whatever of a membership the policies can see, a change of it is seen at once.
func TestAChangedMembershipCountsAtOnce(t *testing.T) {
	p := newPrincipals()
	asking := ids[clinical.ActorID](7, 1)[0]
	base := clinician()
	base.Roles, base.CareGroups, base.Departments = []clinical.Role{clinical.Clinician}, []string{"ward-7"}, []string{"derm"}
	for name, change := range map[string]func(a *clinical.Actor, self *[]clinical.ActorID){
		"kind":       func(a *clinical.Actor, _ *[]clinical.ActorID) { a.Kind = clinical.Agent },
		"tenant":     func(a *clinical.Actor, _ *[]clinical.ActorID) { a.Tenant = "elsewhere" },
		"clearance":  func(a *clinical.Actor, _ *[]clinical.ActorID) { a.Clearance++ },
		"role":       func(a *clinical.Actor, _ *[]clinical.ActorID) { a.Roles[0] = clinical.Clerk },
		"roles":      func(a *clinical.Actor, _ *[]clinical.ActorID) { a.Roles = nil },
		"care group": func(a *clinical.Actor, _ *[]clinical.ActorID) { a.CareGroups[0] = "ward-8" },
		"department": func(a *clinical.Actor, _ *[]clinical.ActorID) { a.Departments = append(a.Departments, "ent") },
		"panel":      func(a *clinical.Actor, _ *[]clinical.ActorID) { a.Panel = append(a.Panel, olaf) },
		"who asks":   func(_ *clinical.Actor, self *[]clinical.ActorID) { *self = append(*self, asking) },
	} {
		a, self := base, []clinical.ActorID{base.ID}
		a.Roles, a.CareGroups, a.Departments, a.Panel = slices.Clone(a.Roles), slices.Clone(a.CareGroups), slices.Clone(a.Departments), slices.Clone(a.Panel)
		before, ok := p.of(a, self...)
		if !ok || !before.Equal(entityOf(a, self)) {
			t.Fatalf("%s: before: %v", name, ok)
		}
		change(&a, &self)
		if after, ok := p.of(a, self...); !ok || after.Equal(before) || !after.Equal(entityOf(a, self)) {
			t.Errorf("a change of %s is not seen", name)
		}
	}
}

func TestEngineServesManyAtOnce(t *testing.T) {
	e := shippedEngine(t)
	var all sync.WaitGroup
	for _, actor := range population()[:8] {
		all.Go(func() {
			for _, a := range Actions() {
				r := of(a.Types()[0], home)
				if _, err := e.Authorize(context.Background(), Request{Actor: actor, Action: a, Resource: r, Now: noon}); err != nil {
					t.Error(err)
				}
				if !a.Listed() {
					continue
				}
				if _, err := e.Filter(context.Background(), actor, a, r.Type, noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
