package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// fuzzDecisions is how many rows are judged in each fuzz test.
func fuzzDecisions(t testing.TB) int {
	n, err := strconv.Atoi(os.Getenv("BONFIRE_FUZZ_DECISIONS"))
	if err != nil {
		n = 12_000
	}
	if testing.Short() {
		n /= 10
	}
	t.Logf("%d decisions (BONFIRE_FUZZ_DECISIONS raises it)", n)
	return n
}

// dice picks what tests need at random; the seed is logged, so that a failure can be had again.
type dice struct{ *rand.Rand }

func newDice(t testing.TB) dice {
	seed := uint64(42)
	if s, err := strconv.ParseUint(os.Getenv("BONFIRE_FUZZ_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("BONFIRE_FUZZ_SEED=%d", seed)
	return dice{rand.New(rand.NewPCG(seed, 1))}
}

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

// some is a sorted, non-empty selection.
func some(d dice, from []string) []string {
	var out []string
	for _, s := range from {
		if d.IntN(2) == 0 {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		out = []string{pick(d, from...)}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// chart is a set of files, of several patients, on which every attribute varies.
type chart struct {
	patients []clinical.Patient
	owners   []clinical.ActorID
	subjects []policy.Resource // as the gate sees the files, in the order of their ids
}

var (
	fuzzKinds  = []string{"consent", "session-audio", "wound-photo", "raw"}
	fuzzLabels = []string{"teaching", "withdrawn", "it's odd", `"\{}`}
	fuzzGroups = []string{"ward-7", "ward-8", "team a"}
	fuzzDepts  = []string{"derm", "psych", ""}
)

func (h *house) chart(d dice, tenant clinical.TenantID, files int) chart {
	h.Helper()
	var c chart
	groups := map[clinical.PatientID][]string{}
	for range 5 {
		p := h.patient(tenant)
		g := []string{}
		if d.IntN(4) > 0 {
			g = some(d, fuzzGroups)
		}
		h.exec(h.as(h.env.AdminURL), `UPDATE patient SET care_groups = $1 WHERE id = $2`, g, string(p.ID))
		groups[p.ID] = g
		c.patients = append(c.patients, p)
		c.owners = append(c.owners, clinical.NewID[clinical.ActorID](noon))
	}
	for range files {
		p := pick(d, c.patients...)
		f := h.file(p, func(f *clinical.File) {
			f.Kind = pick(d, fuzzKinds...)
			f.Status = pick(d, clinical.FileCurrent, clinical.FileSuperseded, clinical.FileEnteredInError)
			f.ScanStatus = pick(d, clinical.ScanClean, clinical.ScanPending, clinical.ScanInfected)
			f.LegalHold = d.IntN(3) == 0
			f.Confidentiality = clinical.Confidentiality(d.IntN(3))
			if d.IntN(3) > 0 {
				f.Labels = some(d, fuzzLabels)
			}
			f.Department = pick(d, fuzzDepts...)
			f.ResourceType = pick(d, clinical.DocumentReference, clinical.Media, clinical.Binary)
			f.UploadedBy = pick(d, c.owners...)
			f.CreatedAt = noon.Add(time.Duration(d.IntN(5)-2)*24*time.Hour + time.Duration(d.IntN(3)-1)*time.Microsecond)
		})
		c.subjects = append(c.subjects, policy.OfFile(f, clinical.ScanNone, groups[p.ID]))
	}
	slices.SortFunc(c.subjects, func(a, b policy.Resource) int { return strings.Compare(a.ID, b.ID) })
	return c
}

// predicate is a random condition on files, of every form there is.
func (c chart) predicate(d dice, depth int) policy.Predicate {
	if depth == 0 || d.IntN(4) == 0 {
		return c.leaf(d)
	}
	next := func() policy.Predicate { return c.predicate(d, depth-1) }
	switch d.IntN(6) {
	case 0:
		return policy.And{next(), next()}
	case 1:
		return policy.Or{next(), next(), next()}
	case 2:
		return policy.Not{Of: next()}
	case 3:
		return policy.IsFalse{Of: next()}
	case 4:
		return policy.If{Cond: next(), Then: next(), Else: next()}
	}
	return c.leaf(d)
}

func (c chart) leaf(d dice) policy.Predicate {
	equality := pick(d, policy.Equal, policy.NotEqual)
	ordering := pick(d, policy.Equal, policy.NotEqual, policy.Less, policy.LessOrEqual, policy.Greater, policy.GreaterOrEqual)
	patients := make([]string, len(c.patients))
	for i, p := range c.patients {
		patients[i] = string(p.ID)
	}
	switch d.IntN(16) {
	case 0:
		return policy.Compare{Attr: "kind", Op: equality, Value: pick(d, fuzzKinds...)}
	case 1:
		return policy.Compare{Attr: "confidentiality", Op: ordering, Value: pick(d, int64(0), 1, 2, 1<<40)}
	case 2:
		return policy.Compare{Attr: "legalHold", Op: equality, Value: d.IntN(2) == 0}
	case 3:
		return policy.Compare{Attr: "createdAt", Op: ordering, Value: noon.Add(time.Duration(d.IntN(3)-1)*24*time.Hour + time.Duration(d.IntN(3)-1)*time.Microsecond)}
	case 4, 5:
		return policy.Compare{Attr: "department", Op: equality, Value: pick(d, "derm", "psych", "it's \\ none")}
	case 6:
		return policy.Compare{Attr: "patient", Op: equality, Value: pick(d, patients...)}
	case 7:
		return policy.OneOf{Attr: "patient", Values: some(d, patients)}
	case 8:
		return policy.OneOf{Attr: "department", Values: some(d, []string{"derm", "psych"})}
	case 9:
		return policy.Has{Attr: "department"}
	case 10:
		return policy.SetContains{Attr: "labels", Value: pick(d, fuzzLabels...)}
	case 11:
		return pick[policy.Predicate](d, policy.ContainsAny{Attr: "labels", Values: some(d, fuzzLabels)},
			policy.ContainsAll{Attr: "labels", Values: some(d, fuzzLabels)}, policy.SubsetOf{Attr: "labels", Values: some(d, fuzzLabels)})
	case 12:
		return policy.IsEmpty{Attr: "labels"}
	case 13:
		return policy.InGroup{Attr: "patient", Groups: some(d, fuzzGroups)}
	case 14:
		return policy.CompareAttrs{Left: pick(d, "kind", "department"), Op: equality, Right: pick(d, "department", "status")}
	}
	return pick[policy.Predicate](d, policy.True{}, policy.False{})
}

// matching are the ids of the files of the WHERE, in their order.
func (tx *Tx) matching(ctx context.Context, where fragment) ([]string, error) {
	var ids []string
	err := tx.bun.NewSelect().TableExpr("file AS f").Column("f.id").Where(where.sql, where.args...).Order("f.id").Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where.sql, err)
	}
	return ids, nil
}

// mistakes are translations that are wrong; each must be found out, or the
// comparison proves nothing.
var mistakes = []struct{ right, wrong string }{
	{" IS FALSE)", " IS NOT TRUE)"}, // a forbid on an absent attribute would not apply
	{" IS FALSE)", " = FALSE)"},
	{"NOT (", "("},
	{" OR ", " AND "},
	{" AND ", " OR "},
	{" <= ", " < "},
	{" > ", " >= "},
	{" <> ", " IS DISTINCT FROM "}, // an absent attribute would differ from everything
	{" && ?", " @> ?"},
	{" @> ?", " && ?"},
	{" <@ ?", " @> ?"},
	{" IS NOT NULL", " <> ''"},
	{"cardinality(f.labels) = 0", "f.labels IS NULL"},
	{"g.id = f.patient_id", "g.id IS NOT NULL"},
	{"CASE WHEN ", "CASE WHEN NOT "},
}

// A predicate means the same to the database as to policy.Eval, whatever its
// form and whatever is absent.
func TestP4_PredicatesMeanTheSameInSQL(t *testing.T) {
	t.Parallel()
	h, d := newHouse(t), newDice(t)
	c := h.chart(d, north, 60)
	h.chart(d, south, 5)
	found := make([]bool, len(mistakes))
	h.in(north, func(ctx context.Context, tx *Tx) error {
		matched, judged, decisions := 0, 0, fuzzDecisions(t)
		least := decisions/len(c.subjects) + 1
		for n := 0; n < least || n < 50*least && slices.Contains(found, false); n++ { // a rare form of predicate shows a rare mistake
			p := c.predicate(d, 4)
			var want []string
			for _, r := range c.subjects {
				ok, err := policy.Eval(p, r)
				check(t, err)
				if ok {
					want = append(want, r.ID)
				}
			}
			matched, judged = matched+len(want), judged+len(c.subjects)
			where, err := translate(policy.File, p)
			check(t, err)
			got, err := tx.matching(ctx, where)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%#v\n%s\nSQL finds %v (%v)\nwant      %v", p, where.sql, got, err, want)
			}
			for i, m := range mistakes {
				if wrong := strings.ReplaceAll(where.sql, m.right, m.wrong); !found[i] && wrong != where.sql {
					got, err := tx.matching(ctx, fragment{wrong, where.args})
					check(t, err)
					found[i] = !slices.Equal(got, want)
				}
			}
		}
		if matched == 0 || matched > judged*9/10 {
			t.Errorf("%d rows matched: the predicates distinguish too little", matched)
		}
		return nil
	})
	for i, m := range mistakes {
		if !found[i] {
			t.Errorf("%q instead of %q is not found out", m.wrong, m.right)
		}
	}
}

// An event of no patient is in no care group and in none that it is not: the
// condition is unknown, as on every absent attribute.
func TestInGroupOfNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	of, none := newAudit(clinical.File{Tenant: north, Patient: p.ID, ID: "f", UploadedBy: clinical.ActorID(p.CreatedBy)}), clinical.AuditEvent{}
	none = of
	none.ID, none.Patient = clinical.NewID[clinical.AuditEventID](noon), ""
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.AppendAudit(ctx, of))
		check(t, tx.AppendAudit(ctx, none))
		for _, c := range []struct {
			p    policy.Predicate
			want int
		}{
			{policy.InGroup{Attr: "patient", Groups: []string{"ward-7"}}, 1},
			{policy.Not{Of: policy.InGroup{Attr: "patient", Groups: []string{"ward-8"}}}, 1},
			{policy.IsFalse{Of: policy.InGroup{Attr: "patient", Groups: []string{"ward-8"}}}, 1},
			{policy.Not{Of: policy.Has{Attr: "patient"}}, 1},
		} {
			where, err := translate(policy.AuditLog, c.p)
			check(t, err)
			n, err := tx.bun.NewSelect().Model((*auditRow)(nil)).Where(where.sql, where.args...).Count(ctx)
			if err != nil || int(n) != c.want {
				t.Errorf("%#v matches %d events (%v), want %d", c.p, n, err, c.want)
			}
		}
		return nil
	})
}

// What the gate would never hand out is refused, not guessed at.
func TestTranslateRefuses(t *testing.T) {
	for _, p := range []policy.Predicate{
		nil, policy.And{}, policy.Or{}, policy.Not{}, policy.And{policy.True{}, nil},
		policy.Compare{Attr: "f.kind", Op: policy.Equal, Value: "x"},
		policy.Compare{Attr: "nothing", Op: policy.Equal, Value: "x"},
		policy.Compare{Attr: "scanRequired", Op: policy.Equal, Value: true},
		policy.Compare{Attr: "kind", Op: policy.Less, Value: "x"},
		policy.Compare{Attr: "kind", Op: "= 'x' OR true --", Value: "x"},
		policy.Compare{Attr: "kind", Op: policy.Equal, Value: bun.Safe("f.kind")},
		policy.Compare{Attr: "kind", Op: policy.Equal, Value: nil},
		policy.Compare{Attr: "patient", Op: policy.Equal, Value: "x"},
		policy.Compare{Attr: "confidentiality", Op: policy.Equal, Value: "0"},
		policy.Compare{Attr: "labels", Op: policy.Equal, Value: "x"},
		policy.CompareAttrs{Left: "kind", Op: policy.Equal, Right: "confidentiality"},
		policy.CompareAttrs{Left: "labels", Op: policy.Equal, Right: "labels"},
		policy.OneOf{Attr: "patient", Values: []string{"x"}},
		policy.OneOf{Attr: "confidentiality", Values: []string{"0"}},
		policy.SetContains{Attr: "kind", Value: "x"},
		policy.IsEmpty{Attr: "kind"},
		policy.InGroup{Attr: "kind", Groups: []string{"x"}},
		policy.Has{Attr: "nothing"},
		policy.If{Cond: policy.True{}, Then: policy.True{}},
	} {
		if where, err := translate(policy.File, p); err == nil {
			t.Errorf("%#v became %q", p, where.sql)
		}
	}
	if where, err := translate(policy.Bundle, policy.Has{Attr: "patient"}); err == nil {
		t.Errorf("a list of bundles became %q", where.sql)
	}
}
