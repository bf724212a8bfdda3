package seal_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/seal"
)

// trail is a small trail: rows, the seals over them, and their anchors.
type trail struct {
	rows    []seal.Row
	stored  map[int64]*seal.Seal
	anchors map[int64]seal.Anchor
	waiting map[int64]bool
}

// newTrail is three seals over the rows 1, 2 | 4, 5 | 3, 6, as a slow
// transaction leaves them, and a row 7 that waits.
func newTrail(t testing.TB) *trail {
	tr := &trail{stored: map[int64]*seal.Seal{}, anchors: map[int64]seal.Anchor{}, waiting: map[int64]bool{7: true}}
	for n := 1; n <= 7; n++ {
		tr.rows = append(tr.rows, row(t, n))
	}
	tr.reseal(t, 1, true)
	return tr
}

var batches = [][]int{{1, 2}, {4, 5}, {3, 6}}

// reseal computes the seals from the numbered one on from the rows as they are.
func (tr *trail) reseal(t testing.TB, from int, anchored bool) {
	t.Helper()
	end := seal.Begin("north")
	if from > 1 {
		end = tr.stored[int64(from-1)].End()
	}
	for i, seqs := range batches[from-1:] {
		var rows []seal.Row
		for _, n := range seqs {
			if at := tr.find(n); at >= 0 {
				rows = append(rows, tr.rows[at])
			}
		}
		s := end.Next("north", rows, noon.Add(time.Duration(from+i)*time.Minute))
		tr.stored[s.Number] = &s
		if anchored {
			copied := s
			copied.Rows = slices.Clone(s.Rows)
			tr.anchors[s.Number] = seal.Anchor{Seal: &copied}
		}
		end = s.End()
	}
}

func (tr *trail) find(seq int) int {
	return slices.IndexFunc(tr.rows, func(r seal.Row) bool { return r.Seq == int64(seq) })
}

// change rewrites a row; its verb becomes another.
func (tr *trail) change(t testing.TB, seq int) {
	t.Helper()
	r, err := seal.ParseRow([]byte(rowText(seq, "deleteEverything")))
	if err != nil {
		t.Fatal(err)
	}
	tr.rows[tr.find(seq)] = r
}

// check runs the verifier as it is meant to be run.
func (tr *trail) check() seal.Report {
	v := seal.NewVerifier("north")
	for n := int64(1); n <= 3; n++ {
		a := tr.anchors[n]
		if tr.stored[n] == nil && a.Seal == nil && !a.Spoilt {
			continue
		}
		s := v.Trust(n, tr.stored[n], a)
		if s == nil {
			continue
		}
		after := v.Loaded()
		for _, r := range tr.rows {
			if r.Seq > after && r.Seq <= s.ToSeq() {
				v.Load([]seal.Row{r})
			}
		}
		for _, seq := range v.Missing(s) {
			if at := tr.find(int(seq)); at >= 0 {
				v.Load(tr.rows[at : at+1])
			}
		}
		v.Check(s)
	}
	for _, r := range v.Left() {
		v.Unsealed(r.Seq, r.ID, tr.waiting[r.Seq])
	}
	for _, r := range tr.rows {
		if r.Seq > v.Loaded() {
			v.Unsealed(r.Seq, r.ID, tr.waiting[r.Seq])
		}
	}
	return v.Report
}

func TestWholeTrailFits(t *testing.T) {
	tr := newTrail(t)
	got := tr.check()
	if !got.OK() || got.Seals != 3 || got.Rows != 6 || got.Anchored != 3 || got.Unsealed != 1 || got.End != tr.stored[3].End() {
		t.Fatalf("%+v", got)
	}
	delete(tr.anchors, 3)
	tr.anchors[3] = seal.Anchor{Due: true}
	if got := tr.check(); !got.OK() || got.AwaitingAnchor != 1 {
		t.Errorf("an anchor that is due: %+v", got)
	}
	tr.anchors = map[int64]seal.Anchor{1: {Unknown: true}, 2: {Unknown: true}, 3: {Unknown: true}}
	if got := tr.check(); !got.OK() || got.Anchored != 0 {
		t.Errorf("a bucket that was not asked: %+v", got)
	}
}

// Whatever is done to rows, seals or anchors, the first row concerned is named.
func TestTamperingIsFoundAndNamed(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(*testing.T, *trail)
		want string
	}{
		"a changed row":        {func(t *testing.T, tr *trail) { tr.change(t, 4) }, "tenant north: row 4 (event event-4): changed, seal 2"},
		"two changed rows":     {func(t *testing.T, tr *trail) { tr.change(t, 6); tr.change(t, 2) }, "tenant north: row 2 (event event-2): changed, seal 1"},
		"a removed row":        {func(t *testing.T, tr *trail) { tr.rows = slices.Delete(tr.rows, 2, 3) }, "tenant north: row 3 (event event-3): removed, seal 3"},
		"an inserted row":      {func(t *testing.T, tr *trail) { delete(tr.waiting, 7) }, "tenant north: row 7 (event event-7): inserted, in no seal"},
		"a seq taken twice":    {func(t *testing.T, tr *trail) { tr.rows = slices.Insert(tr.rows, 1, tr.rows[0]) }, "tenant north: row 1 (event event-1): inserted, in no seal"},
		"a row in an old seal": {func(t *testing.T, tr *trail) { tr.stored[1].Rows = append(tr.stored[1].Rows, seal.Entry{Seq: 7}) }, "tenant north: seal 1: seal changed"},
		"rows and seals rewritten": {func(t *testing.T, tr *trail) { tr.change(t, 4); tr.reseal(t, 2, false) },
			"tenant north: row 4 (event event-4): changed, seal 2"},
		"a row and its seal removed": {func(t *testing.T, tr *trail) { tr.rows = slices.Delete(tr.rows, 4, 5); tr.reseal(t, 2, false) },
			"tenant north: row 5 (event event-5): removed, seal 2"},
		"the newest cut off": {func(t *testing.T, tr *trail) {
			tr.rows = slices.DeleteFunc(tr.rows, func(r seal.Row) bool { return r.Seq == 3 || r.Seq == 6 })
			delete(tr.stored, 3)
		}, "tenant north: row 3 (event event-3): removed, seal 3"},
		"a seal removed":         {func(t *testing.T, tr *trail) { delete(tr.stored, 2) }, "tenant north: seal 2: seal removed"},
		"a seal removed twice":   {func(t *testing.T, tr *trail) { delete(tr.stored, 2); delete(tr.anchors, 2) }, "tenant north: seal 2: seal removed"},
		"an anchor removed":      {func(t *testing.T, tr *trail) { delete(tr.anchors, 2) }, "tenant north: seal 2: anchor missing"},
		"an anchor written over": {func(t *testing.T, tr *trail) { tr.anchors[2] = seal.Anchor{Spoilt: true, Seal: tr.stored[2]} }, "tenant north: seal 2: anchor changed"},
		"an unreadable anchor":   {func(t *testing.T, tr *trail) { tr.anchors[2] = seal.Anchor{Spoilt: true} }, "tenant north: seal 2: anchor changed"},
		"without anchors, rewritten": {func(t *testing.T, tr *trail) {
			tr.change(t, 1)
			s := *tr.stored[2]
			tr.reseal(t, 1, false)
			tr.stored[2] = &s
			for n := range int64(4) {
				tr.anchors[n] = seal.Anchor{Unknown: true}
			}
		}, "tenant north: seal 2: chain broken"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrail(t)
			c.harm(t, tr)
			got := tr.check()
			var all []string
			for _, f := range got.Findings {
				all = append(all, f.String())
			}
			if !slices.Contains(all, c.want) || got.OK() || got.Found != len(all) {
				t.Fatalf("%d findings: %q, want %q", got.Found, all, c.want)
			}
			if aboutRow := strings.Contains(c.want, "row "); aboutRow && got.First.String() != c.want {
				t.Errorf("the first is %s", got.First)
			}
		})
	}
}

// A row that says it is older than it is, or comes from the future, is found
// even when it was given to the sealer.
func TestRowsOutOfTheirTimeAreFound(t *testing.T) {
	at := func(seq int, after time.Duration) seal.Row {
		r, err := seal.ParseRow([]byte(fmt.Sprintf(`{"seq":%d,"id":"event-%d","recorded_at":%q}`, seq, seq, noon.Add(after).Format("2006-01-02T15:04:05.000000Z"))))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, c := range map[string]struct {
		second time.Duration
		want   seal.Kind
	}{
		"in its time":    {time.Minute, ""},
		"a slow one":     {-9 * time.Minute, ""},
		"backdated":      {-11 * time.Minute, seal.Backdated},
		"from next week": {7 * 24 * time.Hour, seal.Postdated},
	} {
		rows := []seal.Row{at(1, 0), at(2, c.second), at(3, 2*time.Minute)}
		s := seal.Begin("north").Next("north", rows, noon.Add(2*time.Minute))
		v := seal.NewVerifier("north")
		v.Load(rows)
		v.Check(v.Trust(1, &s, seal.Anchor{Unknown: true}))
		if v.OK() != (c.want == "") || v.First.Kind != c.want || (c.want != "" && (v.Found != 1 || v.First.Seq != 2)) {
			t.Errorf("%s: %+v", name, v.Findings)
		}
	}
}

// A million missing seals are no reason to run out of memory.
func TestFindingsAreBounded(t *testing.T) {
	v := seal.NewVerifier("north")
	s := seal.End{Number: 5_000_000}.Next("north", []seal.Row{row(t, 1)}, noon)
	v.Load([]seal.Row{row(t, 1)})
	v.Check(v.Trust(s.Number, &s, seal.Anchor{Unknown: true}))
	if len(v.Findings) > 1000 || v.Found < 999 {
		t.Errorf("%d findings, %d listed", v.Found, len(v.Findings))
	}
}
