package policy

import (
	"os"
	"strings"
	"testing"
)

// The examples in docs/access.md work: the table is answered as it says, and
// the policies can be added to a copy of the shipped set.
func TestExamplesOfTheGuide(t *testing.T) {
	text, err := os.ReadFile("../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	tables, policies := 0, 0
	for _, block := range indented(string(text)) {
		switch {
		case strings.HasPrefix(block, "people:"):
			tables++
			report, err := Test(shippedEngine(t), strings.NewReader(block))
			if err != nil || !report.OK() {
				t.Errorf("%s\n%v %v", block, report, err)
			}
		case strings.Contains(block, "@id("):
			policies++
			for _, f := range Check(shippedAnd(t, block)) {
				t.Errorf("%s\n%s", block, f)
			}
		}
	}
	if tables != 1 || policies != 2 {
		t.Errorf("the guide has %d tables and %d policies", tables, policies)
	}
}

// indented are the code blocks of a Markdown text.
func indented(text string) (blocks []string) {
	block := ""
	for line := range strings.Lines(text + "\n.") {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			block += code
		} else if block != "" {
			blocks, block = append(blocks, block), ""
		}
	}
	return blocks
}
