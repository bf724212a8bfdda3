package policy

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

// Finding is one thing that is wrong with a policy set.
type Finding struct {
	// File is where, Line and Column count from 1; 0 means the whole file.
	File         string
	Line, Column int
	// Policy is the id of the policy, "" when the finding is about the file.
	Policy string
	// Problem says what is wrong, Mend what to write instead.
	Problem, Mend string
}

// String is the finding on one line: place, policy, problem, remedy.
func (f Finding) String() string {
	var s strings.Builder
	s.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&s, ":%d:%d", f.Line, f.Column)
	}
	if f.Policy != "" {
		fmt.Fprintf(&s, ": policy %q", f.Policy)
	}
	fmt.Fprintf(&s, ": %s", f.Problem)
	if f.Mend != "" {
		fmt.Fprintf(&s, " (%s)", f.Mend)
	}
	return s.String()
}

// Check examines the policy set in fsys as Load does and says what is wrong
// with it, in the order of files and lines; nothing when it is sound.
func Check(fsys fs.FS) []Finding {
	_, findings := read(fsys)
	return findings
}

type findings []Finding

func (fs findings) failure() error {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return clinical.Fail(clinical.Invalid, "the policy set is not sound", fmt.Errorf("\n%s", strings.Join(lines, "\n")))
}

func (fs findings) sort() findings {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Problem, b.Problem))
	})
	return slices.Compact(fs)
}
