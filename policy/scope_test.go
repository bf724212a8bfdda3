package policy

import (
	"context"
	"slices"
	"testing"
)

func TestParseScope(t *testing.T) {
	for text, want := range map[string]scope{
		"patient/DocumentReference.rs": {"DocumentReference", "rs"},
		"user/Media.c":                 {"Media", "c"},
		"system/*.cruds":               {"*", "cruds"},
	} {
		if got, ok := parseScope(text); !ok || got != want {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "openid", "launch/patient", "offline_access", "patient", "patient/", "patient/.r", "patient/Media", "patient/Media.",
		"patient/Media.read", "patient/Media.*", "patient/Media.sr", "patient/Media.rr", "patient/Media.R", "patient/Media.rx",
		"patient/Media.rs?category=x", "patient/*.cruds?_security=R", "practitioner/Media.r", "Patient/Media.r", "patient//Media.r ",
	} {
		if got, ok := parseScope(text); ok {
			t.Errorf("%q grants %v", text, got)
		}
	}
}

func TestScopesGrantPerLetterAndType(t *testing.T) {
	for _, c := range []struct {
		scopes []string
		action Action
		fhir   string
		want   bool
	}{
		{nil, Administer, "", true},
		{[]string{}, ReadFile, "Media", false},
		{[]string{"user/Media.r"}, ReadFile, "Media", true},
		{[]string{"user/Media.r"}, ReadFile, "DocumentReference", false},
		{[]string{"user/Media.r"}, ListFiles, "Media", false},
		{[]string{"user/Media.s"}, ListFiles, "Media", true},
		{[]string{"user/Media.r"}, DownloadFile, "Media", true},
		{[]string{"user/Media.r"}, UploadFile, "Media", false},
		{[]string{"user/Media.c"}, ContinueUpload, "Media", true},
		{[]string{"user/Media.cru"}, RetractFile, "Media", false},
		{[]string{"user/Media.d"}, RetractFile, "Media", true},
		{[]string{"user/*.rs"}, ReadFile, "", true},
		{[]string{"user/Media.rs"}, ReadFile, "", false},
		{[]string{"user/DocumentReference.u"}, SignNote, "DocumentReference", true},
		{[]string{"user/DocumentReference.c"}, SignNote, "DocumentReference", false},
		{[]string{"user/AuditEvent.r", "user/AuditEvent.s"}, ReadAudit, "AuditEvent", true},
		{[]string{"user/AuditEvent.r"}, ReadAudit, "AuditEvent", false},
		{[]string{"user/Provenance.r"}, ReadProvenance, "Media", true},
		{[]string{"user/Media.rs"}, ReadProvenance, "Media", false},
		{[]string{"patient/Patient.r", "patient/DocumentReference.rs", "patient/Media.rs"}, ExportBundle, "Bundle", false},
		{[]string{"patient/Patient.r", "patient/DocumentReference.rs", "patient/Media.rs", "patient/Binary.r"}, ExportBundle, "Bundle", true},
		{[]string{"user/*.rs"}, Administer, "", false},
		{[]string{"user/*.cruds"}, Administer, "", true},
		{[]string{"user/*.cru", "user/*.ds"}, BreakGlass, "", true},
		{[]string{"user/Patient.cruds"}, BreakGlass, "Patient", false},
	} {
		if got := inScope(c.scopes, c.action, c.fhir); got != c.want {
			t.Errorf("%v, %s of %q: %v", c.scopes, c.action, c.fhir, got)
		}
	}
}

// Whatever a token asks for, it never adds to what the policies permit.
func TestScopesOnlyNarrow(t *testing.T) {
	e := shippedEngine(t)
	for _, scopes := range [][]string{
		{}, {"user/*.cruds"}, {"system/*.cruds", "patient/*.cruds"}, {"patient/Media.rs"}, {"user/DocumentReference.cruds"}, {"nonsense"},
	} {
		for _, actor := range population() {
			actor.Session.Scopes = nil
			narrowed := actor
			narrowed.Session.Scopes = scopes
			for _, a := range Actions() {
				for _, typ := range a.Types() {
					free, bound := decide(t, e, actor, a, of(typ, home)), decide(t, e, narrowed, a, of(typ, home))
					if bound.Allowed() && !free.Allowed() {
						t.Fatalf("%v let %s %s", scopes, actor.Kind, a)
					}
					if slices.Contains(scopes, "user/*.cruds") && bound.Allowed() != free.Allowed() {
						t.Errorf("%v narrows %s %s on %s", scopes, actor.Kind, a, typ)
					}
				}
			}
		}
	}
}

func TestScopesNarrowLists(t *testing.T) {
	e := shippedEngine(t)
	actor := clinician()
	list := func(scopes ...string) Predicate {
		t.Helper()
		actor.Session.Scopes = scopes
		f, err := e.Filter(context.Background(), actor, ListFiles, File, noon)
		if err != nil {
			t.Fatal(err)
		}
		return f.Predicate()
	}
	form := fileOf(anna)
	form.FHIRType = "DocumentReference"
	for _, c := range []struct {
		scopes      []string
		photo, form bool
	}{
		{[]string{"patient/Media.s"}, true, false},
		{[]string{"patient/DocumentReference.rs"}, false, true},
		{[]string{"patient/DocumentReference.s", "user/Media.s"}, true, true},
		{[]string{"patient/*.s"}, true, true},
		{[]string{"patient/*.r"}, false, false},
	} {
		p := list(c.scopes...)
		for _, r := range []struct {
			resource Resource
			want     bool
		}{{fileOf(anna), c.photo}, {form, c.form}} {
			if in, err := Eval(p, r.resource); err != nil || in != r.want {
				t.Errorf("%v lists %s: %v, %v", c.scopes, r.resource.FHIRType, in, err)
			}
		}
	}
	if list("patient/*.r") != (Predicate)(False{}) {
		t.Error("nothing is in scope and something is asked of the database")
	}
}
