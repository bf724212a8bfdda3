package policy

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
)

func shippedTable(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/truth.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestP4_ShippedPoliciesAnswerTheTruthTable(t *testing.T) {
	report, err := Test(shippedEngine(t), bytes.NewReader(shippedTable(t)))
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Error(report)
	}
	t.Logf("%d questions", report.Checks)
}

// shippedQuestions are all questions of the shipped table.
func shippedQuestions(t testing.TB) (out []question) {
	t.Helper()
	table, err := readTable(bytes.NewReader(shippedTable(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range table.Cases {
		questions, err := table.questions(c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, questions...)
	}
	return out
}

// The table must ask of every column of the design's table for every action, on
// a patient in that column's care, on one who is not, and in another clinic.
func TestTruthTableCoversEveryCell(t *testing.T) {
	type cell struct {
		who, on string
		action  Action
		typ     Type
	}
	asked := map[cell]bool{}
	for _, q := range shippedQuestions(t) {
		asked[cell{q.who, q.on, q.request.Action, q.request.Resource.Type}] = true
	}
	for _, who := range []string{"clinician", "clerk", "auditor", "admin", "pipeline", "scribe", "recorder"} {
		for _, a := range Actions() {
			for _, typ := range a.Types() {
				patients := []string{"anna", "olaf", "zoe"}
				if typ == Tenant {
					patients = []string{""}
				}
				for _, on := range patients {
					if !asked[cell{who, on, a, typ}] {
						t.Errorf("nobody asks whether %s may %s a %s on %q", who, a, typ, on)
					}
				}
			}
		}
	}
}

// Every policy matters: without any one of them, the table is answered otherwise.
func TestTruthTableNoticesEveryMissingPolicy(t *testing.T) {
	rules, findings := read(shipped)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	questions := shippedQuestions(t)
	for i, r := range rules {
		without := newEngine(slices.Delete(slices.Clone(rules), i, i+1))
		if !slices.ContainsFunc(questions, func(q question) bool {
			if !r.bearsOn(vocabulary().actions[q.request.Action].uid, q.request.Resource.Type) {
				return false
			}
			failure, err := q.ask(without)
			if err != nil {
				t.Fatal(err)
			}
			return failure != nil
		}) {
			t.Errorf("nobody notices that %s is missing", r.id)
		}
	}
}

func TestTruthTableNoticesEveryWrongAnswer(t *testing.T) {
	flipped := bytes.ReplaceAll(shippedTable(t), []byte("expect: allow"), []byte("expect: ALLOW"))
	flipped = bytes.ReplaceAll(flipped, []byte("expect: deny"), []byte("expect: allow"))
	flipped = bytes.ReplaceAll(flipped, []byte("expect: ALLOW"), []byte("expect: deny"))
	report, err := Test(shippedEngine(t), bytes.NewReader(flipped))
	if err != nil {
		t.Fatal(err)
	}
	if report.Checks == 0 || len(report.Failures) != report.Checks {
		t.Errorf("%d of %d wrong answers noticed", len(report.Failures), report.Checks)
	}
}

const smallTable = `
people:   { doctor: { roles: [clinician], panel: [anna] } }
patients: { anna: {} }
things:   { photo: { type: File, kind: wound-photo }, clinic: { type: Tenant } }
cases:
`

func TestTruthTableSaysWhatDiffers(t *testing.T) {
	table := smallTable + `
  - { who: doctor, does: readFile, what: photo, on: anna, expect: deny }
  - who: everyone
    does: [downloadFile, retractFile]
    what: photo
    on: anna
    expect: allow
    rule: somebody-elses
`
	report, err := Test(shippedEngine(t), strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"line 7: doctor, readFile, photo on anna: expected deny, got allow (clinician-works-with-panel-files)",
		"line 8: doctor, downloadFile, photo on anna: expected allow by somebody-elses, got allow (clinician-works-with-panel-files)",
		"line 8: doctor, retractFile, photo on anna: expected allow by somebody-elses, got allow (clinician-works-with-panel-files)",
		"3 questions, 3 answered otherwise than expected", "",
	}
	if report.OK() || report.String() != strings.Join(want, "\n") {
		t.Errorf("%s", report)
	}
}

func TestTruthTableRefusesWhatItDoesNotIntroduce(t *testing.T) {
	for text, words := range map[string]string{
		`  - { who: nobody, does: readFile, what: photo, on: anna, expect: deny }`:                   `line 5: there is nobody called "nobody"`,
		`  - { who: doctor, does: readFile, what: form, on: anna, expect: deny }`:                    `line 5: there is no thing "form"`,
		`  - { who: doctor, does: readFile, what: photo, on: eve, expect: deny }`:                    `line 5: there is no patient "eve"`,
		`  - { who: doctor, does: readFile, what: photo, expect: deny }`:                             `say on which patient`,
		`  - { who: doctor, does: signNote, what: photo, on: anna, expect: deny }`:                   `"signNote" is not asked of a File`,
		`  - { who: doctor, does: readFile, what: photo, on: anna, expect: maybe }`:                  `not allow or deny`,
		`  - { who: doctor, does: readFile, what: photo, on: anna, expect: deny, by: eve }`:          `there is nobody called "eve"`,
		`  - { who: doctor, does: readFile, what: photo, on: anna, expect: deny, for: eve }`:         `there is nobody called "eve"`,
		`  - { who: doctor, does: readFile, what: photo, on: anna, expect: deny, brokenGlass: eve }`: `there is no patient "eve"`,
		`  - { who: doctor, does: readFile, what: photo, on: anna, expects: deny }`:                  `unknown field`,
		`  - { who: doctor, does: [], what: photo, on: anna, expect: deny }`:                         `it asks nothing`,
		`  - { who: doctor, does: readFile, what: photo`:                                             `[5:`,
	} {
		_, err := Test(shippedEngine(t), strings.NewReader(smallTable[1:]+text))
		if !clinical.Is(err, clinical.Invalid) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", text, err, words)
		}
	}
	if report, err := Test(shippedEngine(t), strings.NewReader("")); err != nil || report.OK() {
		t.Errorf("an empty table: %v, %v", report, err)
	}
}
