package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/bonfiredb/bonfire/clinical"
)

// constants are the values of the constants of one type in one file.
func constants(t *testing.T, file, typ string) (out []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typ {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, value)
		}
		return true
	})
	slices.Sort(out)
	return out
}

func TestSchemaDeclaresTheConstants(t *testing.T) {
	var actions []string
	for _, a := range Actions() {
		actions = append(actions, string(a))
	}
	if want := constants(t, "action.go", "Action"); !slices.Equal(actions, want) {
		t.Errorf("actions of the schema %v\nconstants             %v", actions, want)
	}
	var resources []string
	for _, a := range Actions() {
		for _, typ := range a.Types() {
			resources = append(resources, string(typ))
		}
	}
	slices.Sort(resources)
	if want := constants(t, "resource.go", "Type"); !slices.Equal(slices.Compact(resources), want) {
		t.Errorf("resources of the schema %v\nconstants               %v", resources, want)
	}
	for _, a := range Actions() {
		for _, typ := range a.Types() {
			if a.Listed() && len(Attributes(typ)) == 0 {
				t.Errorf("%s lists %s, of which there are no rows", a, typ)
			}
		}
	}
}

// What the attribute table says of a type is what the schema declares of it.
func TestAttributesAreTheSchemas(t *testing.T) {
	cedarType := func(a attribute) resolved.IsType {
		switch {
		case a.entity != "":
			return resolved.EntityType(a.entity)
		case a.kind == KindInt:
			return resolved.LongType{}
		case a.kind == KindBool:
			return resolved.BoolType{}
		case a.kind == KindTime:
			return resolved.ExtensionType("datetime")
		case a.kind == KindTextSet:
			return resolved.SetType{Element: resolved.StringType{}}
		}
		return resolved.StringType{}
	}
	for typ, as := range attributes {
		shape := vocabulary().schema.Entities[types.EntityType(typ)].Shape
		named := 0
		for _, a := range as {
			if a.bare {
				continue
			}
			named++
			declared, ok := shape[types.String(a.name)]
			if !ok || declared.Optional != a.optional || declared.Type != cedarType(a) {
				t.Errorf("%s.%s: the schema says %v", typ, a.name, declared)
			}
		}
		if named != len(shape) {
			t.Errorf("%s has %d attributes, the schema declares %d", typ, named, len(shape))
		}
	}
}

// Every request and entity that Authorize builds conforms to the schema: the
// policies were validated against nothing else.
func TestRequestsConformToTheSchema(t *testing.T) {
	v := validate.New(vocabulary().schema, validate.WithStrict())
	actor, e := clinician(), shippedEngine(t)
	actor.CareGroups, actor.Departments = []string{"ward-7"}, []string{"derm"}
	actor.Session.Scopes = []string{"user/*.cruds"}
	for kind := range principalTypes {
		actor.Kind = kind
		sides, err := e.parties(actor, noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range Actions() {
			for _, typ := range a.Types() {
				r := of(typ, home)
				r.CareGroups, r.Department, r.Labels = []string{"ward-7"}, "derm", []string{"teaching"}
				w := newWorld(sides[0].entity, r)
				patient, _ := w.patient(patientUID(w.of))
				for _, entity := range []types.Entity{w.principal, w.resource, patient} {
					if err := v.Entity(entity); err != nil {
						t.Errorf("%s %s: %s: %v", kind, a, entity.UID, err)
					}
				}
				if err := v.Request(types.Request{
					Principal: w.principal.UID, Action: vocabulary().actions[a].uid, Resource: w.resource.UID, Context: sides[0].context,
				}); err != nil {
					t.Errorf("%s %s on %s: %v", kind, a, typ, err)
				}
			}
		}
	}
}

func TestResourcesOfNouns(t *testing.T) {
	file := clinical.File{
		ID: "00000000-0000-7000-8000-000000000501", Tenant: home, Patient: anna, Kind: "session-audio", ResourceType: clinical.Media,
		Status: clinical.FileCurrent, ScanStatus: clinical.ScanPending, LegalHold: true, Confidentiality: clinical.Restricted,
		Labels: []string{"teaching"}, Department: "derm", UploadedBy: actorID(2), CreatedAt: noon,
	}
	r := OfFile(file, clinical.ScanRequired, []string{"ward-7"})
	for _, a := range attributes[File] {
		if a.kind == KindBool && !a.flag(r) || a.kind == KindInt && a.number(r) == 0 || a.kind == KindTime && a.instant(r).IsZero() ||
			a.kind == KindTextSet && len(a.set(r)) == 0 || a.text != nil && a.text(r) == "" {
			t.Errorf("OfFile leaves out %s", a.name)
		}
	}
	if OfFile(file, clinical.ScanAdvisory, nil).ScanRequired {
		t.Error("an advisory scan is required")
	}
	e := mustLoad(t, set(permitAll))
	patient := clinical.Patient{ID: anna, Tenant: home, CreatedAt: noon}
	note := clinical.Note{ID: "00000000-0000-7000-8000-000000000601", Tenant: home, Patient: anna, Author: actorID(1), AuthorKind: clinical.User, CreatedAt: noon}
	for a, r := range map[Action]Resource{
		ReadPatient:   OfPatient(patient, nil),
		ReadEncounter: OfEncounter(clinical.Encounter{ID: "00000000-0000-7000-8000-000000000301", Tenant: home, Patient: anna}, nil),
		DownloadFile:  OfFile(file, clinical.ScanNone, nil),
		ReadNote:      OfNote(note, nil),
		ReadUpload:    OfUpload(clinical.Upload{ID: "00000000-0000-7000-8000-000000000701", Tenant: home, Patient: anna}, nil),
		ReadLink:      OfLink(clinical.Link{ID: "00000000-0000-7000-8000-000000000801", Tenant: home, Patient: anna}, nil),
		ReadAudit:     OfAuditLog(home, ""),
		ExportBundle:  OfBundle(patient, nil),
		Administer:    OfTenant(home),
		CarryCharts:   OfTenant(home),
	} {
		if d := decide(t, e, clinician(), a, r); !d.Allowed() || !d.Covers(r.Type, r.ID) {
			t.Errorf("%s of %s: allowed %v %v, covers %v", a, r.Type, d.Allowed(), d.Errors(), d.Covers(r.Type, r.ID))
		}
	}
	if r := OfAuditLog(home, anna); r.ID != string(anna) || !decide(t, e, clinician(), ReadAudit, r).Covers(AuditLog, string(anna)) {
		t.Error("the audit trail of one patient")
	}
}
