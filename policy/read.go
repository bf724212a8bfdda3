package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// wallsFile holds every forbid of the shipped set.
const wallsFile = "walls.cedar"

// quarantineWalls are the walls that keep bytes back because of their scan.
var quarantineWalls = []string{"infected-quarantine", "scan-quarantine"}

// read gathers the rules of a policy set, the walls among them, sorted by id,
// and everything that is wrong with it.
func read(fsys fs.FS) (ruleList, findings) {
	walls, found := readFile(shipped, wallsFile)
	rules := slices.Clone(walls)
	files, err := fs.Glob(fsys, "*.cedar")
	if err != nil || len(files) == 0 {
		found = append(found, Finding{File: "*.cedar", Problem: "there are no policies",
			Mend: "put at least one .cedar file at the top of the directory; without a permit nobody may do anything"})
	}
	for _, name := range files {
		more, wrong := readFile(fsys, name)
		found = append(found, wrong...)
		for _, r := range more {
			var doubt findings
			rules, doubt = rules.with(r, walls)
			found = append(found, doubt...)
		}
	}
	found = append(found, schemaFindings(fsys)...)
	for _, r := range rules {
		found = append(found, r.examine()...)
	}
	slices.SortFunc(rules, func(a, b rule) int { return cmp.Compare(a.id, b.id) })
	return rules, found.sort()
}

// with adds a rule. One that repeats a wall word for word is the wall itself.
func (rs ruleList) with(r rule, walls ruleList) (ruleList, findings) {
	i := slices.IndexFunc(rs, func(other rule) bool { return other.id == r.id })
	switch {
	case i < 0:
		return append(rs, r), nil
	case slices.ContainsFunc(walls, func(w rule) bool { return w.id == r.id }):
		if rs[i].file != wallsFile || !bytes.Equal(rs[i].policy.MarshalCedar(), r.policy.MarshalCedar()) {
			return rs, findings{r.finding("it has the id of a wall, and walls cannot be changed",
				"leave it out, or give a policy of your own another @id; the walls hold beside every set")}
		}
		return rs, nil
	}
	return rs, findings{r.finding(fmt.Sprintf("its id is taken by the policy at %s", rs[i].place()), "give every policy an @id of its own")}
}

var (
	idPattern    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	placePattern = regexp.MustCompile(`<input>:(\d+):(\d+)`)
)

// readFile parses one file. A syntax error hides what follows it.
func readFile(fsys fs.FS, name string) (ruleList, findings) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, findings{{File: name, Problem: "it cannot be read: " + err.Error()}}
	}
	list, err := cedar.NewPolicyListFromBytes(name, text)
	if err != nil {
		return nil, findings{syntaxFinding(name, err)}
	}
	var rules ruleList
	var found findings
	for _, p := range list {
		r := rule{id: string(p.Annotations()["id"]), file: name, policy: p}
		switch {
		case r.id == "":
			found = append(found, r.finding("it has no id", `write @id("a-name-of-its-own") above it: audit events name the policies that decided`))
			continue
		case !idPattern.MatchString(r.id):
			found = append(found, r.finding("its id is malformed", "use up to 64 lower-case letters, digits and hyphens, beginning with a letter"))
			continue
		case slices.Contains([]string{RuleDefaultDeny, RuleError, RuleScope}, r.id):
			found = append(found, r.finding("its id stands for something else in the audit trail", "give it another @id"))
			continue
		}
		rules = append(rules, r)
	}
	return rules, found
}

func syntaxFinding(name string, err error) Finding {
	f := Finding{File: name, Mend: "the syntax is at https://docs.cedarpolicy.com/policies/syntax-policy.html"}
	words := strings.TrimPrefix(err.Error(), "parser error: ")
	if m := placePattern.FindStringSubmatch(words); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Column, _ = strconv.Atoi(m[2])
		words = strings.TrimSpace(strings.Replace(words, "at "+m[0]+" ", "at ", 1))
	}
	f.Problem = "syntax: " + words
	return f
}

// schemaFindings compares the set's schema, where it has one, with ours.
func schemaFindings(fsys fs.FS) findings {
	text, err := fs.ReadFile(fsys, schemaFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		var w words
		if w, err = parseSchema(schemaFile, text); err == nil && reflect.DeepEqual(w.ast, vocabulary().ast) {
			return nil
		}
	}
	problem := "it is not the schema of this release"
	if err != nil {
		problem = err.Error()
	}
	return findings{{File: schemaFile, Problem: problem,
		Mend: "leave the schema out or copy it from this release: it describes what the program tells its policies"}}
}

// examine is everything that is wrong with one rule: what the schema does not
// know, what is spelled wrong, what cannot be asked of lists.
func (r rule) examine() (found findings) {
	for _, err := range separate(validate.New(vocabulary().schema, validate.WithStrict()).Policy("", r.ast())) {
		found = append(found, r.finding(err.Error(), remedy(err.Error())))
	}
	found = append(found, r.literals()...)
	if len(found) > 0 {
		return found
	}
	for _, what := range r.translatable() {
		found = append(found, r.finding(what.what+"; lists are filtered by the database", what.mend))
	}
	return found
}

// separate takes joined errors apart.
func separate(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, separate(e)...)
		}
		return out
	}
	return []error{err}
}

// remedies say what helps against what the validator says.
var remedies = []struct{ sign, mend string }{
	{"unrecognized action", "the actions are listed in " + schemaFile},
	{"unrecognized entity type", "the types are listed in " + schemaFile},
	{"not found", "the attributes of every type are listed in " + schemaFile},
	{"optional attribute", "ask first whether it is there: resource has department && resource.department == ..."},
	{"not compatible", "compare values of one type; identifiers are written Patient::\"...\", words \"...\""},
	{"applicable action", "no action of the head is asked of this principal and resource; see appliesTo in " + schemaFile},
	{"empty set", "an empty set literal matches nothing; leave the condition out"},
	{"unexpected type", "see the types of the attributes in " + schemaFile},
	{"extension", "see https://docs.cedarpolicy.com/policies/syntax-operators.html"},
}

func remedy(problem string) string {
	for _, r := range remedies {
		if strings.Contains(problem, r.sign) {
			return r.mend
		}
	}
	return "see " + schemaFile + " for what policies can speak of"
}

// finding is a finding about the rule.
func (r rule) finding(problem, mend string) Finding {
	at := r.policy.Position()
	return Finding{File: r.file, Line: at.Line, Column: at.Column, Policy: r.id, Problem: problem, Mend: mend}
}

// place is where the rule stands.
func (r rule) place() string {
	at := r.policy.Position()
	return fmt.Sprintf("%s:%d:%d", r.file, at.Line, at.Column)
}
