package bench

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

const (
	tenant  clinical.TenantID = "bench-clinic"
	doctor  clinical.ActorID  = "00000000-0000-7000-8000-000000000001"
	inPanel                   = 50
	charts                    = 6_000
	perFile                   = 50 // files of a chart
)

func patientID(n int) clinical.PatientID {
	return clinical.PatientID(fmt.Sprintf("00000000-0000-7000-8000-%012d", n))
}

// clinician has fifty patients on the panel, all over the clinic.
func clinician() clinical.Actor {
	a := clinical.Actor{
		ID: doctor, Kind: clinical.User, Tenant: tenant, Roles: []clinical.Role{clinical.Clinician}, Clearance: 1,
		CareGroups: []string{"ward-7"}, Session: clinical.Session{Purpose: clinical.Treatment, MFA: true},
	}
	for i := range inPanel {
		a.Panel = append(a.Panel, patientID(1+i*charts/inPanel))
	}
	return a
}

// BenchmarkDecision: with 50 patients on the panel, a decision costs less than 50
// microseconds: warm, when the same principal asks again, and cold, when the gate
// has to make its entity anew. What it costs is told four ways. cpu-ns/op is the
// time of the processor for all of the process, its collector of garbage with it,
// over the decisions; that, and the median and p90 by the clock, are properties of
// the code. The mean (ns/op) and p99 have in them what else the machine does
// meanwhile: a decision that is put aside for a time slice waits for milliseconds.
// The promise is held at the median and, warm, for the processor.
func BenchmarkDecision(b *testing.B) {
	gate, err := policy.Default()
	if err != nil {
		b.Fatal(err)
	}
	actor := clinician()
	r := policy.Request{Actor: actor, Action: policy.DownloadFile, Now: time.Now(), Resource: policy.OfFile(clinical.File{
		ID: "00000000-0000-7000-8000-0000000000ff", Tenant: tenant, Patient: actor.Panel[inPanel-1], Kind: "wound-photo",
		Status: clinical.FileCurrent, ScanStatus: clinical.ScanClean, UploadedBy: doctor, ResourceType: clinical.Media, CreatedAt: time.Now(),
	}, clinical.ScanNone, []string{"ward-7"})}
	for _, way := range []struct {
		name string
		next func(n int) clinical.ActorID
	}{
		{"warm", func(int) clinical.ActorID { return doctor }},
		{"cold", func(n int) clinical.ActorID { return clinical.ActorID(patientID(n)) }}, // nobody twice
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			took := make([]time.Duration, 0, b.N)
			began := processorTime()
			for n := 0; b.Loop(); n++ {
				r.Actor.ID = way.next(n)
				asked := time.Now()
				d, err := gate.Authorize(context.Background(), r)
				took = append(took, time.Since(asked))
				if err != nil || !d.Allowed() {
					b.Fatal(d.Rule(), err)
				}
			}
			used := (processorTime() - began) / time.Duration(len(took))
			slices.Sort(took)
			b.ReportMetric(float64(used), "cpu-ns/op")
			for _, p := range []int{50, 90, 99} {
				b.ReportMetric(float64(took[len(took)*p/100]), fmt.Sprintf("p%d-ns", p))
			}
			if m := took[len(took)/2]; len(took) > 1000 && (m > promised || way.name == "warm" && used > promised) {
				b.Errorf("%s a decision at the median, %s of the processor; less than %s is promised", m, used, promised)
			}
		})
	}
}

// promised is what a decision costs at most.
const promised = 50 * time.Microsecond

// processorTime is what this process has used: on a machine that does other
// things, too, it says more than a clock.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkFirstPage: the first 25 out of 300,000 files, through the policy's
// filter and through the same condition written by hand. The promise is a ratio
// of at most 1.5; what is compared is the median of a page, taken in turns.
func BenchmarkFirstPage(b *testing.B) {
	c := furnish(b)
	for name, q := range map[string]struct {
		files store.FileQuery
		where string
		args  []any
	}{
		"of one chart": {store.FileQuery{Patient: patientID(1), Descending: true}, "f.patient_id = ?", []any{string(patientID(1))}},
		"of all":       {store.FileQuery{Descending: true}, "TRUE", nil},
	} {
		b.Run(name, func(b *testing.B) {
			var filtered, byHand []time.Duration
			for b.Loop() {
				byHand = append(byHand, c.byHand(q.where, q.args...))
				filtered = append(filtered, c.filtered(q.files))
			}
			f, h := median(filtered), median(byHand)
			ratio := float64(f) / float64(h)
			b.ReportMetric(float64(h.Microseconds()), "µs_by_hand")
			b.ReportMetric(float64(f.Microseconds()), "µs_filtered")
			b.ReportMetric(ratio, "filtered/by_hand")
			if len(filtered) > 20 && ratio > 1.5 {
				b.Errorf("%s filtered and %s by hand: a ratio of %.2f, at most 1.5 is promised", f, h, ratio)
			}
		})
	}
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// clinic is a database of 300,000 files.
type clinic struct {
	*testing.B
	db    *store.DB
	bun   *bun.DB
	gate  *policy.Engine
	actor clinical.Actor
}

func furnish(b *testing.B) clinic {
	b.Helper()
	env := devtest.NewFrom(b, "bench", func(ctx context.Context, url string) error {
		_, err := store.Migrate(ctx, url)
		return err
	})
	c := clinic{B: b, actor: clinician()}
	var err error
	c.gate, err = policy.Default()
	c.must(err)
	c.db, err = store.Open(b.Context(), env.AppURL, store.Options{})
	c.must(err)
	b.Cleanup(func() { _ = c.db.Close() })
	pool, err := sql.Open("pgx", env.AppURL)
	c.must(err)
	c.bun = bun.NewDB(pool, pgdialect.New())
	b.Cleanup(func() { _ = c.bun.Close() })
	admin, err := sql.Open("pgx", env.AdminURL)
	c.must(err)
	defer func() { _ = admin.Close() }()
	admin.SetMaxOpenConns(1)
	for _, statement := range []string{
		`SET session_replication_role = replica`, // the files need no uploads here
		`INSERT INTO tenant (tenant_id, display) VALUES ('bench-clinic', 'Bench')`,
		fmt.Sprintf(`INSERT INTO patient (tenant_id, id, created_by, care_groups)
			SELECT 'bench-clinic', ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, gen_random_uuid(), ARRAY['ward-' || n %% 400]
			FROM generate_series(1, %d) n`, charts),
		fmt.Sprintf(`INSERT INTO file (tenant_id, id, patient_id, upload_id, resource_type, kind, category, scan_status, confidentiality,
				title, content_type, size, sha256, crc64, object_key, created_at, updated_at, uploaded_by)
			SELECT 'bench-clinic', gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad((1 + n %% %d)::text, 12, '0'))::uuid, gen_random_uuid(),
				'Media', (ARRAY['wound-photo', 'session-audio', 'intake-form', 'lab-report'])[1 + n %% 4], 'media', 'clean', n %% 3,
				'left heel ' || n, 'image/png', 1000, sha256(n::text::bytea), 0, 'bench-clinic/' || n,
				now() - n * interval '1 minute', now(), gen_random_uuid()
			FROM generate_series(1, %d) n`, charts, charts*perFile),
		`VACUUM ANALYZE`,
	} {
		_, err := admin.ExecContext(b.Context(), statement)
		c.must(err)
	}
	return c
}

func (c clinic) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// filtered reads the first page as the verbs do: the filter is built, and the
// transaction is the tenant's.
func (c clinic) filtered(q store.FileQuery) time.Duration {
	c.Helper()
	began := time.Now()
	f, err := c.gate.Filter(c.Context(), c.actor, policy.ListFiles, policy.File, began)
	c.must(err)
	found := 0
	c.must(c.db.InTx(c.Context(), tenant, func(ctx context.Context, tx *store.Tx) error {
		page, err := tx.Files(ctx, f, q, clinical.Page{First: 25})
		found = len(page.Items)
		return err
	}))
	took := time.Since(began)
	if found != 25 {
		c.Fatalf("%d files on the page", found)
	}
	return took
}

// row is a file as package store reads one, so that both sides do the same work.
type row struct {
	bun.BaseModel `bun:"table:file,alias:f"`

	Tenant          string     `bun:"tenant_id,pk"`
	ID              string     `bun:"id,pk"`
	Patient         string     `bun:"patient_id"`
	Encounter       string     `bun:"encounter_id,nullzero"`
	Upload          string     `bun:"upload_id"`
	ResourceType    string     `bun:"resource_type"`
	Kind            string     `bun:"kind"`
	Category        string     `bun:"category"`
	Status          string     `bun:"status"`
	ScanStatus      string     `bun:"scan_status"`
	ScanRequired    bool       `bun:"scan_required"`
	LegalHold       bool       `bun:"legal_hold"`
	Confidentiality int        `bun:"confidentiality"`
	Labels          []string   `bun:"labels,array"`
	Department      string     `bun:"department,nullzero"`
	Title           string     `bun:"title"`
	ContentType     string     `bun:"content_type"`
	Size            int64      `bun:"size"`
	SHA256          []byte     `bun:"sha256"`
	SHA1            []byte     `bun:"sha1"`
	CRC64           int64      `bun:"crc64"`
	ObjectKey       string     `bun:"object_key"`
	Version         int        `bun:"version"`
	CreatedAt       time.Time  `bun:"created_at"`
	UpdatedAt       time.Time  `bun:"updated_at"`
	CapturedAt      *time.Time `bun:"captured_at"`
	Duration        float64    `bun:"duration"`
	Width           int        `bun:"width"`
	Height          int        `bun:"height"`
	BodySite        []byte     `bun:"body_site"`
	UploadedBy      string     `bun:"uploaded_by"`
	Supersedes      string     `bun:"supersedes,nullzero"`
	SupersededBy    string     `bun:"superseded_by,nullzero"`
}

// byHand reads the same page with the condition as one would write it.
func (c clinic) byHand(where string, args ...any) time.Duration {
	c.Helper()
	began := time.Now()
	panel := make([]string, len(c.actor.Panel))
	for i, p := range c.actor.Panel {
		panel[i] = string(p)
	}
	var rows []row
	c.must(c.bun.RunInTx(c.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, `SELECT set_config('app.tenant', ?, true)`, string(tenant)); err != nil {
			return err
		}
		return tx.NewSelect().Model(&rows).Where("f.tenant_id = ? AND f.confidentiality <= ?", string(tenant), c.actor.Clearance).
			Where(`f.patient_id = ANY(?::uuid[]) OR EXISTS (SELECT FROM patient AS p
				WHERE p.tenant_id = f.tenant_id AND p.id = f.patient_id AND p.care_groups && ARRAY['ward-7'])`, pgdialect.Array(panel)).
			Where(where, args...).OrderExpr("f.created_at DESC, f.id DESC").Limit(26).Scan(ctx)
	}))
	took := time.Since(began)
	if len(rows) != 26 {
		c.Fatalf("%d rows by hand", len(rows))
	}
	return took
}
