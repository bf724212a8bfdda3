package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// The words that random policies, actors and resources draw from: few, so that
// they meet.
var (
	somePatients    = ids[clinical.PatientID](1, 6)
	someActors      = ids[clinical.ActorID](2, 5)
	someGroups      = []string{"ward-7", "ward-9", "icu"}
	someWords       = []string{"session-audio", "consent", "wound-photo", "current", "draft", "clean"}
	someLabels      = []string{"teaching", "withdrawn", "legal"}
	someDepartments = []string{"derm", "psych", "teaching"}
	someTenants     = []clinical.TenantID{home, other}
)

func ids[ID ~string](sort, n int) (out []ID) {
	for i := range n {
		out = append(out, ID(fmt.Sprintf("00000000-0000-7000-8000-0000000%02d%03d", sort, i)))
	}
	return out
}

// dice makes random things.
type dice struct{ *rand.Rand }

func roll(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 4))} }

func one[T any](d dice, from []T) T { return from[d.IntN(len(from))] }

// some are any of from, possibly none.
func some[T any](d dice, from []T) (out []T) {
	for _, v := range from {
		if d.IntN(3) == 0 {
			out = append(out, v)
		}
	}
	return out
}

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// quoted is a set literal with at least one member.
func quoted[T ~string](d dice, prefix string, from []T) string {
	members := append(some(d, from), one(d, from))
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = fmt.Sprintf("%s%q", prefix, string(m))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// actor is any principal of the home clinic, now and then one acting for another.
func (d dice) actor() clinical.Actor {
	a := clinical.Actor{
		ID: one(d, someActors), Tenant: home, Clearance: d.IntN(3), Panel: some(d, somePatients),
		Kind:        one(d, []clinical.ActorKind{clinical.User, clinical.User, clinical.User, clinical.Agent, clinical.Device, clinical.System}),
		Roles:       some(d, []clinical.Role{clinical.Clinician, clinical.Clerk, clinical.Auditor, clinical.Admin, clinical.Pipeline}),
		Departments: some(d, someDepartments), CareGroups: some(d, someGroups),
		Session: clinical.Session{
			Purpose: one(d, []clinical.PurposeOfUse{"", clinical.Treatment, clinical.Treatment, clinical.Operations, clinical.BreakTheGlass, clinical.EmergencyTreat}),
			MFA:     d.chance(50),
		},
	}
	if d.chance(20) {
		a.Session.Scopes = some(d, []string{"user/*.cruds", "user/Media.rs", "patient/DocumentReference.rcs", "patient/Patient.r", "patient/Binary.cr", "openid"})
	}
	for _, p := range some(d, somePatients) {
		a.Session.BreakGlass = append(a.Session.BreakGlass, clinical.BreakGlassGrant{Patient: p, Expires: noon.Add(time.Duration(d.IntN(3)-1) * time.Minute)})
	}
	if d.chance(20) {
		user := d.actor()
		user.OnBehalfOf = nil
		a.OnBehalfOf = &user
	}
	return a
}

// population are many different actors.
func population() (out []clinical.Actor) {
	d := roll(1)
	for range 40 {
		out = append(out, d.actor())
	}
	return out
}

// resource is any resource of type t, mostly of the home clinic. Its instants
// cluster around whole milliseconds, where Cedar and a database could differ.
func (d dice) resource(t Type) Resource {
	patient := d.IntN(len(somePatients))
	r := Resource{
		Type: t, ID: string(one(d, ids[clinical.FileID](3, 8))), Tenant: home, Patient: somePatients[patient],
		Kind: one(d, someWords), Status: one(d, someWords), ScanStatus: one(d, someWords), LegalHold: d.chance(30),
		Confidentiality: clinical.Confidentiality(d.IntN(3)), Labels: some(d, someLabels),
		Owner: one(d, someActors), OwnerKind: one(d, []clinical.ActorKind{clinical.User, clinical.Agent}),
		FHIRType: one(d, []string{"Media", "DocumentReference", "Binary"}), CreatedAt: d.instant(),
		CareGroups: someGroups[:patient%len(someGroups)],
	}
	if d.chance(10) {
		r.Tenant = other
	}
	if d.chance(60) {
		r.Department = one(d, someDepartments)
	}
	switch t {
	case Patient:
		r.ID = string(r.Patient)
	case AuditLog:
		if d.chance(30) {
			r.Patient = ""
		}
	}
	return r
}

var someDays = []int{1, 30, 90}

func (d dice) instant() time.Time {
	at := noon.AddDate(0, 0, -one(d, someDays))
	return at.Add(time.Duration(one(d, []int{-1000, -1, 0, 0, 1, 999, 1000, 1001})) * time.Microsecond)
}

// policies is a random set for lists of resources of type t.
func (d dice) policies(t Type) string {
	var s strings.Builder
	for i := range 1 + d.IntN(3) {
		fmt.Fprintf(&s, "@id(\"permit-%d\") permit (%s) %s { %s };\n", i, d.head(t), one(d, []string{"when", "when", "unless"}), d.condition(t, 3))
	}
	for i := range d.IntN(3) {
		fmt.Fprintf(&s, "@id(\"forbid-%d\") forbid (%s) %s { %s };\n", i, d.head(t), one(d, []string{"when", "when", "unless"}), d.condition(t, 2))
	}
	return s.String()
}

func (d dice) head(t Type) string {
	principal := one(d, []string{"principal", "principal", "principal is User", `principal in Role::"clinician"`, `principal in CareGroup::"ward-7"`})
	resource := one(d, []string{"resource is %s", "resource is %s", "resource is %s", "resource is %[1]s", `resource == %s::"` + string(ids[string](3, 1)[0]) + `"`})
	if t == Patient && d.chance(30) {
		resource = one(d, []string{`resource is %s in CareGroup::"ward-7"`, `resource in CareGroup::"ward-7"`})
	}
	if strings.Contains(resource, "%") {
		resource = fmt.Sprintf(resource, t)
	}
	return principal + `, action in Action::"listed", ` + resource
}

// condition is a random condition, nested up to depth.
func (d dice) condition(t Type, depth int) string {
	if depth == 0 || d.chance(25) {
		return d.atom(t)
	}
	a, b := d.condition(t, depth-1), d.condition(t, depth-1)
	switch d.IntN(6) {
	case 0, 1:
		return "(" + a + " && " + b + ")"
	case 2, 3:
		return "(" + a + " || " + b + ")"
	case 4:
		return "!(" + a + ")"
	}
	return "(if " + a + " then " + b + " else " + d.condition(t, depth-1) + ")"
}

// atom is a random condition on one attribute, or on none.
func (d dice) atom(t Type) string {
	if d.chance(15) {
		return one(d, []string{
			`context.mfa`, `context.purpose == "TREAT"`, `principal.clearance > 1`, `principal in Role::"clinician"`, `principal is Agent`,
			`context has scopes`, fmt.Sprintf(`resource is %s`, t), `resource is Bundle`, `action == Action::"listFiles"`,
			`principal.careGroups.contains(CareGroup::"icu")`, `resource has department`,
		})
	}
	as := attributes[t]
	a := one(d, as)
	for a.single {
		a = one(d, as)
	}
	name := "resource." + a.name
	if a.bare {
		name = "resource"
	}
	atom := d.about(t, a, name)
	if !a.optional {
		return atom
	}
	return one(d, []string{
		fmt.Sprintf("(resource has %s && %s)", a.name, atom), fmt.Sprintf("!(resource has %s)", a.name),
		fmt.Sprintf("(if resource has %s then %s else %s)", a.name, atom, one(d, []string{"true", "false"})),
		fmt.Sprintf("!(resource has %s && !(%s))", a.name, atom),
	})
}

// about is a random condition on the attribute.
func (d dice) about(t Type, a attribute, name string) string {
	equal := one(d, []string{"==", "!="})
	order := one(d, []string{"<", "<=", ">", ">=", "==", "!="})
	switch {
	case a.entity == "Tenant":
		return one(d, []string{name + equal + "principal.tenant", fmt.Sprintf("%s %s Tenant::%q", name, equal, one(d, someTenants)), fmt.Sprintf("%s in Tenant::%q", name, one(d, someTenants))})
	case a.entity == "Actor":
		return one(d, []string{"principal.self.contains(" + name + ")", fmt.Sprintf("%s %s Actor::%q", name, equal, one(d, someActors)), quoted(d, "Actor::", someActors) + ".contains(" + name + ")"})
	case a.entity == "Patient":
		return one(d, []string{
			"principal.panel.contains(" + name + ")", name + " in principal.careGroups", name + " in principal.panel", "context.breakGlass.contains(" + name + ")",
			fmt.Sprintf("%s in CareGroup::%q", name, one(d, someGroups)), name + " in " + quoted(d, "CareGroup::", someGroups), "principal in " + name,
			fmt.Sprintf("%s %s Patient::%q", name, equal, one(d, somePatients)), quoted(d, "Patient::", somePatients) + ".contains(" + name + ")",
			name + " is Patient", name + equal + map[bool]string{true: "resource", false: name}[t == Patient],
		})
	case a.entity != "":
		return fmt.Sprintf("%s %s %s::%q", name, equal, t, one(d, ids[string](3, 8)))
	}
	switch a.kind {
	case KindInt:
		return one(d, []string{
			fmt.Sprintf("%s %s %d", name, order, d.IntN(3)), fmt.Sprintf("%d %s %s", d.IntN(3), order, name), name + order + "principal.clearance",
			"principal.clearance - 1 " + order + name, fmt.Sprintf("[%d, %d].contains(%s)", d.IntN(3), d.IntN(3), name),
		})
	case KindBool:
		return one(d, []string{name, name + equal + "context.mfa", name + equal + "true", "[true].contains(" + name + ")"})
	case KindTime:
		day := one(d, someDays)
		return one(d, []string{
			fmt.Sprintf("%s %s context.now.offset(duration(\"-%dd\"))", name, order, day), fmt.Sprintf("context.now.offset(duration(\"-%dd\")) %s %s", day, order, name),
			fmt.Sprintf("%s %s datetime(%q)", name, order, noon.AddDate(0, 0, -day).Format("2006-01-02T15:04:05.000Z")),
			fmt.Sprintf("[context.now.offset(duration(\"-%dd\"))].contains(%s)", day, name), name + order + name,
		})
	case KindTextSet:
		return one(d, []string{
			fmt.Sprintf("%s.contains(%q)", name, one(d, someLabels)), name + ".isEmpty()",
			name + ".containsAny(" + quoted(d, "", someLabels) + ")", quoted(d, "", someLabels) + ".containsAny(" + name + ")",
			name + ".containsAll(" + quoted(d, "", someLabels) + ")", quoted(d, "", someLabels) + ".containsAll(" + name + ")",
			name + ".containsAll(principal.departments)", "principal.departments.containsAll(" + name + ")", "principal.departments.containsAny(" + name + ")",
		})
	}
	words := append(someDepartments, someWords...)
	return one(d, []string{
		fmt.Sprintf("%s %s %q", name, equal, one(d, words)), fmt.Sprintf("%q %s %s", one(d, words), equal, name), quoted(d, "", words) + ".contains(" + name + ")",
		"principal.departments.contains(" + name + ")", name + equal + "context.purpose", name + equal + one(d, textsOf(t)),
	})
}

// textsOf are the attributes of t that are plain words.
func textsOf(t Type) (out []string) {
	for _, a := range attributes[t] {
		if a.kind == KindText && a.entity == "" && !a.optional {
			out = append(out, "resource."+a.name)
		}
	}
	return append(out, "context.purpose")
}
