package policy

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/bonfiredb/bonfire/clinical"
)

// Report is the outcome of a truth table.
type Report struct {
	// Checks counts the questions that were asked.
	Checks int
	// Failures are those that were answered otherwise than the table expects.
	Failures []Failure
}

// OK reports whether every answer was as expected. A table without a question is not.
func (r Report) OK() bool { return r.Checks > 0 && len(r.Failures) == 0 }

// String is the report in plain lines.
func (r Report) String() string {
	var s strings.Builder
	for _, f := range r.Failures {
		fmt.Fprintln(&s, f)
	}
	fmt.Fprintf(&s, "%d questions, %d answered otherwise than expected\n", r.Checks, len(r.Failures))
	return s.String()
}

// Failure is one answer that the table does not expect.
type Failure struct {
	// Line is the line of the case in the table.
	Line                int
	Who, Does, What, On string
	// Expected and Got are "allow" or "deny"; Got is "list differs" where the
	// decision is as expected, and the filter of lists says otherwise.
	Expected, Got string
	// Rule is what decided.
	Rule string
}

// String is the failure in plain words.
func (f Failure) String() string {
	on := ""
	if f.On != "" {
		on = " on " + f.On
	}
	return fmt.Sprintf("line %d: %s, %s, %s%s: expected %s, got %s (%s)", f.Line, f.Who, f.Does, f.What, on, f.Expected, f.Got, f.Rule)
}

// The answers of a table.
const (
	allow       = "allow"
	deny        = "deny"
	listDiffers = "list differs"
)

// Words of a table that stand for many.
const (
	everyone   = "everyone"   // who: all people
	everything = "everything" // does: all actions that are asked of the things named; what: all things
	oneself    = "self"       // by: whoever asks
)

// truthTable is a table of questions and answers in YAML; docs/access.md
// describes it, testdata/truth.yaml is the shipped one.
type truthTable struct {
	People   map[string]person `yaml:"people"`
	Patients map[string]chart  `yaml:"patients"`
	Things   map[string]thing  `yaml:"things"`
	Cases    []truthCase       `yaml:"cases"`
}

// truthCase is one row: every one of Who does every one of Does to every one of
// What on every one of On.
type truthCase struct {
	line int

	Who    oneOrMore `yaml:"who"`
	Does   oneOrMore `yaml:"does"`
	What   oneOrMore `yaml:"what"`
	On     oneOrMore `yaml:"on"`
	Expect string    `yaml:"expect"`
	// By owns the thing: a person, or self; nobody in the table when not given.
	By string `yaml:"by"`
	// For is the person on whose behalf the asker acts.
	For         string                `yaml:"for"`
	Purpose     clinical.PurposeOfUse `yaml:"purpose"`
	MFA         *bool                 `yaml:"secondFactor"`
	Scopes      []string              `yaml:"scopes"`
	BrokenGlass oneOrMore             `yaml:"brokenGlass"`
	// Rule, where given, must be what decides.
	Rule string `yaml:"rule"`
	Why  string `yaml:"why"`
}

// UnmarshalYAML reads a case and remembers its line.
func (c *truthCase) UnmarshalYAML(n ast.Node) error {
	type plain truthCase
	if err := yaml.NodeToValue(n, (*plain)(c), yaml.DisallowUnknownField()); err != nil {
		return err
	}
	c.line = n.GetToken().Position.Line
	return nil
}

// oneOrMore is a word or a list of words.
type oneOrMore []string

// UnmarshalYAML reads either form.
func (o *oneOrMore) UnmarshalYAML(n ast.Node) error {
	if _, ok := n.(ast.ArrayNode); ok {
		var list []string
		err := yaml.NodeToValue(n, &list)
		*o = list
		return err
	}
	var word string
	err := yaml.NodeToValue(n, &word)
	*o = oneOrMore{word}
	return err
}

// Test asks the engine every question of a truth table: who, does, what, on,
// expect. For actions that lists are filtered by, the filter must give the
// same answer as the decision. A table that cannot be read, or that names what
// it does not introduce, is an error of kind Invalid.
func Test(e *Engine, table io.Reader) (Report, error) {
	t, err := readTable(table)
	if err != nil {
		return Report{}, clinical.Fail(clinical.Invalid, "the truth table is malformed", err)
	}
	var report Report
	for _, c := range t.Cases {
		questions, err := t.questions(c)
		if err != nil {
			return Report{}, clinical.Fail(clinical.Invalid, "the truth table is malformed", fmt.Errorf("line %d: %w", c.line, err))
		}
		for _, q := range questions {
			report.Checks++
			failure, err := q.ask(e)
			if err != nil {
				return Report{}, err
			}
			if failure != nil {
				report.Failures = append(report.Failures, *failure)
			}
		}
	}
	return report, nil
}

func readTable(r io.Reader) (truthTable, error) {
	var t truthTable
	text, err := io.ReadAll(r)
	if err != nil {
		return t, err
	}
	return t, yaml.UnmarshalWithOptions(text, &t, yaml.DisallowUnknownField())
}

// question is one cell of a table.
type question struct {
	truthCase
	who, what, on string
	request       Request
}

// ask puts the question; nil when the answer is as expected.
func (q question) ask(e *Engine) (*Failure, error) {
	d, err := e.Authorize(context.Background(), q.request)
	if err != nil {
		return nil, err
	}
	f := &Failure{
		Line: q.line, Who: q.who, Does: string(q.request.Action), What: q.what, On: q.on,
		Expected: q.Expect, Got: deny, Rule: d.Rule(),
	}
	if d.Allowed() {
		f.Got = allow
	}
	if f.Got != f.Expected {
		return f, nil
	}
	if q.Rule != "" && !slices.Contains(append(d.Policies(), d.Rule()), q.Rule) {
		f.Expected += " by " + q.Rule
		return f, nil
	}
	if !q.request.Action.Listed() {
		return nil, nil
	}
	filter, err := e.Filter(context.Background(), q.request.Actor, q.request.Action, q.request.Resource.Type, q.request.Now)
	if err != nil {
		return nil, err
	}
	if in, err := Eval(filter.Predicate(), d.Resource()); err != nil || in != d.Allowed() {
		f.Got = listDiffers
		return f, err
	}
	return nil, nil
}
