package policy

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bonfiredb/bonfire/clinical"
)

func TestShippedSetIsSound(t *testing.T) {
	for _, f := range Check(Shipped()) {
		t.Error(f)
	}
	walls, _ := readFile(shipped, wallsFile)
	all, _ := read(shipped)
	for _, r := range all {
		if forbids := !bool(r.ast().Effect); forbids != (r.file == wallsFile) {
			t.Errorf("%s in %s: the walls are all the forbids, and nothing else", r.id, r.file)
		}
	}
	for _, id := range quarantineWalls {
		found := false
		for _, w := range walls {
			found = found || w.id == id
		}
		if !found {
			t.Errorf("there is no wall %s", id)
		}
	}
}

func TestLoadRefusesAndSaysWhy(t *testing.T) {
	head := `@id("p") permit (principal, action == Action::"listFiles", resource) `
	list := func(condition string) string { return head + "when { " + condition + " };" }
	for _, c := range []struct{ text, place, problem, mend string }{
		// what the parser does not understand
		{"permit (principal, action, resource)\n  when { true }", "own.cedar:2:16", "syntax", "docs.cedarpolicy.com"},
		{"permit (principle, action, resource);", "own.cedar:1:18", "want principal", ""},
		// ids
		{"permit (principal, action, resource);", "own.cedar:1:1", "it has no id", "@id"},
		{`@id("Very Important") permit (principal, action, resource);`, `policy "Very Important"`, "id is malformed", "lower-case"},
		{`@id("default-deny") permit (principal, action, resource);`, "own.cedar:1:1", "stands for something else", "another @id"},
		{head + ";\n" + head + ";", "own.cedar:2:1", "taken by the policy at own.cedar:1:1", "of its own"},
		{`@id("tenant-wall") permit (principal, action, resource);`, `policy "tenant-wall"`, "walls cannot be changed", "leave it out"},
		{"@id(\"tenant-wall\") forbid (principal, action, resource) unless { resource.tenant == principal.tenant };\n" +
			"@id(\"tenant-wall\") permit (principal, action, resource);", "own.cedar:2:1", "walls cannot be changed", "leave it out"},
		// what the schema does not know
		{`@id("p") permit (principal, action == Action::"peek", resource);`, `policy "p"`, "unrecognized action", "schema.cedarschema"},
		{`@id("p") permit (principal is Robot, action, resource);`, `policy "p"`, "unrecognized entity type", "schema.cedarschema"},
		{`@id("p") permit (principal, action == Action::"signNote", resource is File);`, `policy "p"`, "applicable action", "appliesTo"},
		{list(`resource.colour == "red"`), `policy "p"`, "`colour`", "schema.cedarschema"},
		{list(`resource.department == "derm"`), `policy "p"`, "optional attribute `department`", "has"},
		{list(`resource.kind == 3`), `policy "p"`, "not compatible", "values of one type"},
		{list(`resource.patient == "anna"`), `policy "p"`, "not compatible", "Patient::"},
		{list(`resource.kind`), `policy "p"`, "expected Bool", "schema.cedarschema"},
		{list(`[].contains(resource.kind)`), `policy "p"`, "empty set", ""},
		// names that are nobody's
		{`@id("p") permit (principal in Role::"clinican", action, resource);`, `policy "p"`, `there is no Role::"clinican"`, "clinician, clerk"},
		{list(`principal is User && principal in Role::"nurse"`), `policy "p"`, `there is no Role::"nurse"`, "clinician"},
		{list(`resource.patient == Patient::"anna"`), `policy "p"`, `Patient::"anna" is no identifier`, "UUID"},
		{list(`[Patient::"anna"].contains(resource.patient)`), `policy "p"`, `Patient::"anna" is no identifier`, "UUID"},
		{list(`resource.tenant == Tenant::"St. Mary"`), `policy "p"`, "is no tenant", "short name"},
		{`@id("p") permit (principal, action, resource == File::"x");`, `policy "p"`, `File::"x" is no identifier`, "UUID"},
		{list(`Patient::"00000000-0000-7000-8000-000000000101" in CareGroup::"ward"`), `policy "p"`, "looks up something", "compare"},
		{list(`(if context.mfa then Patient::"00000000-0000-7000-8000-000000000101" else resource.patient) == resource.patient`), `policy "p"`, "looks up something", "compare"},
		// what the database cannot be asked
		{list(`resource.kind like "wound-*"`), `policy "p"`, "`like` on the resource", "list the values"},
		{list(`resource.confidentiality + 1 > principal.clearance`), `policy "p"`, "arithmetic on the resource", "the other side|does not mention"},
		{list(`-resource.confidentiality < 0`), `policy "p"`, "arithmetic on the resource", ""},
		{list(`resource.createdAt.offset(duration("1d")) < context.now`), `policy "p"`, "call of offset", "does not mention the resource"},
		{list(`resource.createdAt.toDate() < context.now`), `policy "p"`, "call of toDate", ""},
		{list(`resource.patient.tenant == principal.tenant`), `policy "p"`, "resource.patient.tenant reaches through a reference", "resource.tenant"},
		{list(`resource.patient has tenant`), `policy "p"`, "reaches through a reference", ""},
		{list(`resource.scanRequired`), `policy "p"`, "not in lists", "single actions"},
		{list(`resource has scanRequired`), `policy "p"`, "not in lists", "single actions"},
		{list(`resource has colour`), `policy "p"`, "has no attribute colour", "kind"},
		{list(`[resource.kind, "x"].contains("wound-photo")`), `policy "p"`, "a set or record built from the resource", ""},
		{list(`resource.labels == principal.departments`), `policy "p"`, "compared as a whole", "containsAll"},
		{list(`resource.labels.contains(resource.kind)`), `policy "p"`, "both sides", ""},
		{list(`principal.departments.containsAny(resource.labels) == true`), `policy "p"`, "this use of the resource", "&&"},
		{list(`(if context.mfa then resource.kind else "x") == "x"`), `policy "p"`, "used as a value", ""},
		// even if only one branch has it
		{list(`context.mfa || (if principal.clearance > 1 then true else resource.kind like "a*")`), `policy "p"`, "`like` on the resource", ""},
		{list(`resource.kind == "consent"`) + `@id("q") forbid (principal, action in Action::"view", resource is Note) unless { resource.status like "s*" };`, `policy "q"`, "`like` on the resource", ""},
	} {
		findings := Check(set(c.text))
		if len(findings) == 0 {
			t.Errorf("%s\nis taken", c.text)
			continue
		}
		said := ""
		for _, f := range findings {
			said += f.String() + "\n"
			if f.File != "own.cedar" || f.Line == 0 || f.Problem == "" || f.Mend == "" {
				t.Errorf("%s\nincomplete finding %+v", c.text, f)
			}
		}
		mended := c.mend == ""
		for _, m := range strings.Split(c.mend, "|") {
			mended = mended || strings.Contains(said, m)
		}
		if !strings.Contains(said, c.place) || !strings.Contains(said, c.problem) || !mended {
			t.Errorf("%s\nwant %s, %q, %q; said\n%s", c.text, c.place, c.problem, c.mend, said)
		}
		if _, err := Load(set(c.text)); !clinical.Is(err, clinical.Invalid) || !strings.Contains(err.Error(), findings[0].String()) {
			t.Errorf("%s\nLoad says %v", c.text, err)
		}
	}
}

// What lists cannot be filtered by, single decisions may still look at.
func TestUntranslatableIsFineOutsideLists(t *testing.T) {
	e := mustLoad(t, set(`@id("p") permit (principal, action == Action::"downloadFile", resource) when { resource.kind like "wound-*" };`))
	if d := decide(t, e, clinician(), DownloadFile, fileOf(anna)); !d.Allowed() {
		t.Error(d.Rule())
	}
}

func TestLoadTellsEverythingAtOnceInOrder(t *testing.T) {
	findings := Check(fstest.MapFS{
		"b.cedar": {Data: []byte("permit (principal, action, resource);\n\n@id(\"x\") permit (principal is Robot, action, resource);")},
		"a.cedar": {Data: []byte("permit")},
	})
	var places []string
	for _, f := range findings {
		places = append(places, strings.Join(strings.SplitN(f.String(), ":", 3)[:2], ":"))
	}
	if got := strings.Join(places, " "); got != "a.cedar:1 b.cedar:1 b.cedar:3 b.cedar:3" && got != "a.cedar:1 b.cedar:1 b.cedar:3" {
		t.Errorf("%s: %v", got, findings)
	}
}

func TestADirectoryReplacesThePermitsAndKeepsTheWalls(t *testing.T) {
	if _, err := Load(fstest.MapFS{}); !clinical.Is(err, clinical.Invalid) || !strings.Contains(err.Error(), "there are no policies") {
		t.Errorf("an empty directory: %v", err)
	}
	e := mustLoad(t, set(`@id("p") permit (principal in Role::"auditor", action == Action::"readFile", resource);`))
	if d := decide(t, e, clinician(), ReadFile, fileOf(anna)); d.Allowed() {
		t.Error("the shipped permits still hold")
	}
	copied := shippedAnd(t, `@id("p") forbid (principal, action == Action::"readFile", resource);`)
	if d := decide(t, mustLoad(t, copied), clinician(), ReadFile, fileOf(anna)); d.Allowed() || d.Rule() != "p" {
		t.Errorf("a copy of the shipped set with a forbid more: %s", d.Rule())
	}
	held := fileOf(anna)
	held.LegalHold = true
	if d := decide(t, mustLoad(t, set(permitAll)), clinician(), RetractFile, held); d.Allowed() || d.Rule() != "legal-hold" {
		t.Errorf("without its own walls, a set retracts what is under a hold: %s", d.Rule())
	}
}

func TestLoadTakesNoOtherSchema(t *testing.T) {
	text, err := shipped.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		schema string
		sound  bool
	}{
		"the same":       {string(text), true},
		"reworded":       {"// ours\n" + string(text), true},
		"less strict":    {strings.Replace(string(text), "department?: String", "department: String", 1), false},
		"something else": {"entity Dog;", false},
		"no schema":      {"entity", false},
	} {
		fsys := set(permitAll)
		fsys[schemaFile] = &fstest.MapFile{Data: []byte(c.schema)}
		findings := Check(fsys)
		if (len(findings) == 0) != c.sound {
			t.Errorf("%s: %v", name, findings)
		}
		for _, f := range findings {
			if f.File != schemaFile || !strings.Contains(f.Mend, "leave the schema out") {
				t.Errorf("%s: %s", name, f)
			}
		}
	}
}
