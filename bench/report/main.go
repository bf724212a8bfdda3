package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := report(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// figure is one row: what one rival did in one workload.
type figure struct {
	rival  string
	values map[string]string // by unit
}

// workload is one table.
type workload struct {
	name    string
	figures []figure
}

// result is a line of a benchmark (https://go.dev/design/14313-benchmark-format).
var result = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

func report(in io.Reader, out io.Writer) error {
	var tables []*workload
	failed := false
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		_, _ = fmt.Fprintln(out, line)
		failed = failed || strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL")
		if m := result.FindStringSubmatch(line); m != nil {
			tables = add(tables, m[1], m[2])
		}
	}
	for _, w := range tables {
		w.print(out)
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		_, _ = fmt.Fprintf(out, "\nLoad of the machine at the end: %s", load)
	}
	if err := lines.Err(); err != nil || !failed {
		return err
	}
	return fmt.Errorf("a benchmark failed")
}

// add puts a line into its table; a name without a slash is its own rival.
func add(tables []*workload, name, figures string) []*workload {
	of, rival := name, name
	if i := strings.LastIndex(name, "/"); i >= 0 {
		of, rival = name[:i], name[i+1:]
	}
	f := figure{rival: rival, values: map[string]string{}}
	for field := range strings.SplitSeq(figures, "\t") {
		if value, unit, ok := strings.Cut(strings.TrimSpace(field), " "); ok {
			f.values[unit] = value
		}
	}
	i := slices.IndexFunc(tables, func(w *workload) bool { return w.name == of })
	if i < 0 {
		i, tables = len(tables), append(tables, &workload{name: of})
	}
	tables[i].figures = append(tables[i].figures, f)
	return tables
}

// print writes a workload as a table whose columns are the units, by name.
func (w *workload) print(out io.Writer) {
	var units []string
	for _, f := range w.figures {
		for unit := range f.values {
			if !slices.Contains(units, unit) {
				units = append(units, unit)
			}
		}
	}
	slices.Sort(units)
	_, _ = fmt.Fprintf(out, "\n**%s**\n\n| | %s |\n|---|%s\n", w.name, strings.Join(units, " | "), strings.Repeat("---:|", len(units)))
	for _, f := range w.figures {
		_, _ = fmt.Fprintf(out, "| %s |", f.rival)
		for _, unit := range units {
			_, _ = fmt.Fprintf(out, " %s |", f.values[unit])
		}
		_, _ = fmt.Fprintln(out)
	}
}
