package records_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/records"
)

// unaudited are the exported methods that are no verbs: why each of them leaves
// no event of its own.
var unaudited = map[string]string{
	"Records.Anchor":         "reads a seal, which names no patient, for the operator's check of an export",
	"Records.AuditTenants":   "names tenants, for the operator's check of their trails",
	"Records.ChartTenants":   "names tenants, for the operator who has a patient's id; the export that follows is on the trail",
	"Records.CompareBucket":  "background, and the operator's: shows ids and keys; each object that it removes has its event (removeOrphan)",
	"Records.ForgetEvents":   "background: removes events that have been told; what they tell of is on the trail",
	"Records.LastDrift":      "numbers for the metrics",
	"Records.WatchDrift":     "background: CompareBucket, again and again",
	"Records.Announced":      "tells the webhook's worker when to look again",
	"Records.Listen":         "background: wakes those who watch; each of them is decided on",
	"Records.Outbox":         "what the webhook's worker reads: ids and codes of events that are on the trail",
	"Records.ShownKinds":     "the registry is public to the clinic",
	"Records.ExportedBytes":  "the bytes of a file that ExportChart has decided on, for the command line",
	"Records.FileAbilities":  "tells a screen what to offer; each act is decided again and leaves its event then",
	"Records.Kind":           "the registry is public to the clinic",
	"Records.Kinds":          "the registry is public to the clinic",
	"Records.Principals":     "shows how the clinic calls its own people",
	"Records.Purge":          "background: each file that is purged has its event (purgeFile)",
	"Records.Retention":      "background: Purge, again and again",
	"Records.Seal":           "background: seals events, and is told of by the seals",
	"Records.Sealer":         "background: Seal, again and again",
	"Records.Sweep":          "background: each upload that it ends has its event (completeUpload, expireUpload)",
	"Records.Sweeper":        "background: Sweep, again and again",
	"Records.VerifyAudit":    "changes nothing and shows ids and numbers; it may run where nothing can be written",
	"Incoming.Actor":         "tells what the caller knows",
	"Incoming.DeclareLength": "part of an upload; the record has its event",
	"Incoming.FinishWithin":  "Finish, with patience",
	"Incoming.Receive":       "part of an upload; the record has its event",
	"Incoming.Release":       "tells nothing",
	"Incoming.Upload":        "tells what OpenUpload has decided on",
}

// elsewhere are the verbs whose audience and events a test of their own looks
// at: what they answer with is more than one thing, or goes on.
var elsewhere = map[string]string{
	"Records.ChartsToExport":  "TestP4_ChartsLeaveByTheCommandLineOnly",
	"Records.ExportChart":     "TestP4_ChartsLeaveByTheCommandLineOnly",
	"Records.ImportChart":     "TestP4_ChartsLeaveByTheCommandLineOnly",
	"Records.Bundle":          "TestP4_BundleHoldsWhatItsReaderMaySee",
	"Records.Document":        "TestP4_LooksAtHiddenAndMissingAreTheSame",
	"Records.Documents":       "TestP5_ExportsAndSearchesAreOnTheTrail",
	"Records.Organization":    "TestP4_LooksAtHiddenAndMissingAreTheSame",
	"Records.Principal":       "TestP4_LooksAtHiddenAndMissingAreTheSame",
	"Records.ProvenanceEntry": "TestP4_LooksAtHiddenAndMissingAreTheSame",
	"Records.Provenances":     "TestP4_EvidenceIsFoundByThoseWhoMayReadItsTarget",
	"Records.WatchFiles":      "TestP4_WatcherHearsWhatTheyMaySee",
	"Records.WatchUpload":     "TestP4_WatchUploadOfAnother",
}

// TestP5_EveryVerbIsAccountedFor: an exported method of the verbs is in the table
// of TestP5_EveryVerbLeavesItsEvent, where it is asked by one who may and by one
// who may not, or says why it leaves no event. Every verb that is run under has
// its word in the audit vocabulary, and every word there is used.
func TestP5_EveryVerbIsAccountedFor(t *testing.T) {
	p := parsePackage(t)
	table := verbs()
	for _, method := range p.methods {
		_, tested := table[method]
		_, excused := unaudited[method]
		if name, named := elsewhere[method]; named {
			if !callsVerb(t, name, strings.TrimPrefix(method, "Records.")) {
				t.Errorf("%s: %s does not try it", method, name)
			}
			continue
		}
		switch {
		case tested && excused:
			t.Errorf("%s is in the table of verbs and excused from it", method)
		case !tested && !excused:
			t.Errorf("%s has no authorization test: add it to verbs() in everyverb_test.go, or say in unaudited why it leaves no event", method)
		}
	}
	for name := range table {
		if !slices.Contains(p.methods, name) {
			t.Errorf("the table has %s, which is no method any more", name)
		}
	}
	for name := range unaudited {
		if !slices.Contains(p.methods, name) {
			t.Errorf("%s is excused and is no method any more", name)
		}
	}
	vocabulary := records.AuditVocabulary()
	for verb, at := range p.acts {
		if !slices.Contains(vocabulary, verb) && verb != "principals" {
			t.Errorf("%s runs under %q, which kindOfEvent does not know", at, verb)
		}
	}
	for _, verb := range vocabulary {
		if p.literals[verb] == 0 {
			t.Errorf("kindOfEvent knows %q, which nothing runs under", verb)
		}
	}
}

// source is what there is to know of the package from its text.
type source struct {
	methods  []string          // exported, of Records and Incoming
	acts     map[string]string // verbs that are named where act is called
	literals map[string]int    // strings, outside of kindOfEvent
}

func parsePackage(t *testing.T) source {
	t.Helper()
	fset := token.NewFileSet()
	parsed, err := parser.ParseDir(fset, ".", func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := source{acts: map[string]string{}, literals: map[string]int{}}
	for _, file := range parsed["records"].Files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if of := receiver(f); f.Name.IsExported() && (of == "Records" || of == "Incoming") {
					s.methods = append(s.methods, of+"."+f.Name.Name)
				}
			}
			s.read(fset, d)
		}
	}
	if len(s.methods) < 50 || len(s.acts) < 40 {
		t.Fatalf("%d methods and %d verbs: too little was understood", len(s.methods), len(s.acts))
	}
	return s
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	name, _ := of.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}

// read notes the strings of a declaration, and which of them name verbs.
func (s source) read(fset *token.FileSet, d ast.Decl) {
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			return n.Names[0].Name != "kindOfEvent"
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "act" || f.Sel.Name == "actIn") && len(n.Args) >= 4 {
				if verb, ok := text(n.Args[2]); ok {
					s.acts[verb] = fset.Position(n.Pos()).String()
				}
			}
		case *ast.BasicLit:
			if v, ok := text(n); ok {
				s.literals[v]++
			}
		}
		return true
	})
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	v, err := strconv.Unquote(lit.Value)
	return v, err == nil
}

// callsVerb reports whether the named test of this package calls the verb.
func callsVerb(t *testing.T, test, verb string) bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, body, found := strings.Cut(string(src), "func "+test+"(")
		body, _, _ = strings.Cut(body, "\n}\n")
		if found && strings.Contains(body, "."+verb+"(") {
			return true
		}
	}
	return false
}
