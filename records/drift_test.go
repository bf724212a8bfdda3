package records_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/records"
)

// damaged is a clinic whose bucket and rows are changed behind the program's
// back. Its clock runs ahead, so that nothing is too new to be judged.
type damaged struct {
	clinic
	admin *sql.DB
	ahead time.Duration
}

func openDamaged(t *testing.T, change ...func(*blob.Config, *records.Options)) *damaged {
	t.Helper()
	d := &damaged{}
	apply := func(b *blob.Config, r *records.Options) {
		for _, c := range change {
			c(b, r)
		}
	}
	d.clinic = open(t, clinictest.Setup{
		Blob:   func(b *blob.Config) { apply(b, &records.Options{}) },
		Ledger: func(o *ledger.Options) { o.PartSize = 5 << 20 },
		Records: func(o *records.Options) {
			apply(&blob.Config{}, o)
			o.Now = func() time.Time { return time.Now().Add(d.ahead) }
		},
	})
	d.admin = d.clinic.admin()
	return d
}

func (d *damaged) exec(query string, args ...any) {
	d.t.Helper()
	if _, err := d.admin.ExecContext(d.t.Context(), query, args...); err != nil {
		d.t.Fatal(err)
	}
}

func (d *damaged) put(key, content string) string {
	d.t.Helper()
	if err := d.Bucket.PutScratch(d.t.Context(), key, blob.BytesBody([][]byte{[]byte(content)})); err != nil {
		d.t.Fatal(err)
	}
	return key
}

func (d *damaged) remove(key string) {
	d.t.Helper()
	if err := d.Bucket.Delete(d.t.Context(), key); err != nil {
		d.t.Fatal(err)
	}
}

func (d *damaged) exists(key string) bool {
	d.t.Helper()
	_, err := d.Bucket.Head(d.t.Context(), key)
	if err != nil && !clinical.Is(err, clinical.NotFound) {
		d.t.Fatal(err)
	}
	return err == nil
}

// begun is an upload that has received these bytes of so many.
func (d *damaged) begun(in records.BeginUpload, length int64, content []byte) clinical.Upload {
	d.t.Helper()
	ctx, actor := d.t.Context(), d.As("clinician")
	in.Length = &length
	b, err := d.Records.BeginUpload(ctx, actor, in)
	if err != nil {
		d.t.Fatal(err)
	}
	up, err := d.Records.OpenUpload(ctx, actor, b.Upload.ID, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	defer up.Release()
	if len(content) > 0 {
		if _, err := up.Receive(ctx, bytes.NewReader(content), nil); err != nil {
			d.t.Fatal(err)
		}
	}
	return up.Upload()
}

// compare lists what differs, as "code key".
func (d *damaged) compare(o records.DriftCheck) (found []string, report records.DriftReport) {
	d.t.Helper()
	report, err := d.Records.CompareBucket(d.t.Context(), o, func(f records.Drift) error {
		line := string(f.Code) + " " + f.Key
		if f.Row != "" && f.Code != records.DriftScratch {
			line += " " + f.Row + " " + f.ID
		}
		if f.Repaired {
			line += " repaired"
		}
		found = append(found, line+f.Problem)
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	slices.Sort(found)
	return found, report
}

func (d *damaged) fresh() string {
	return clinical.ObjectKey(demo.Harbor, clinical.NewID[clinical.FileID](time.Now()), time.Now())
}

// TestP3_EveryDifferenceIsNamedAndMended plants each kind of difference, and
// sees it named, mended where that can be done, and left alone where it cannot.
func TestP3_EveryDifferenceIsNamedAndMended(t *testing.T) {
	d := openDamaged(t, func(c *blob.Config, _ *records.Options) { c.Prefix = "files/" })
	ctx := t.Context()
	tenant := string(demo.Harbor)

	healthy := d.upload("clinician", intake(), pdf)
	d.upload("clinician", records.BeginUpload{Patient: demo.Patient, Kind: "raw", ContentType: "text/plain"}, nil)
	lost := d.upload("clinician", intake(), pdf)
	d.remove(lost.ObjectKey)
	short := d.upload("clinician", intake(), pdf)
	d.put(short.ObjectKey, "short")
	other := d.upload("clinician", intake(), pdf)
	d.put(other.ObjectKey, strings.Repeat("x", len(pdf)))

	orphan := d.put(d.fresh(), "nobody's")
	elsewhere := d.put(clinical.ObjectKey(demo.Lakeside, clinical.NewID[clinical.FileID](time.Now()), time.Now()), "nobody's")
	scratch := d.put(tenant+"/scratch/"+clinical.NewID[string](time.Now())+"/0-1f", "nobody's")
	multipartKey := d.fresh()
	if _, err := d.Bucket.CreateMultipart(ctx, multipartKey, "application/pdf"); err != nil {
		t.Fatal(err)
	}
	audio := recording()
	large := append(slices.Clone(webm), make([]byte, 6<<20)...)
	robbed := d.begun(audio, 20<<20, large)
	var robbedPart string
	if err := d.admin.QueryRow(`SELECT multipart FROM upload WHERE id = $1`, string(robbed.ID)).Scan(&robbedPart); err != nil || robbedPart == "" {
		t.Fatalf("the upload has no multipart (%v): the test tests nothing", err)
	}
	var robbedKey string
	if err := d.admin.QueryRow(`SELECT object_key FROM upload WHERE id = $1`, string(robbed.ID)).Scan(&robbedKey); err != nil {
		t.Fatal(err)
	}
	if err := d.Bucket.AbortMultipart(ctx, robbedKey, robbedPart); err != nil {
		t.Fatal(err)
	}
	tailed := d.begun(audio, 20<<20, append(slices.Clone(webm), make([]byte, 1<<20)...))
	var tail string
	if err := d.admin.QueryRow(`SELECT scratch_key FROM upload_tail WHERE upload_id = $1`, string(tailed.ID)).Scan(&tail); err != nil {
		t.Fatal(err)
	}
	d.remove(tail)
	stored := d.begun(intake(), int64(len(pdf)), pdf)
	expired := d.begun(intake(), 1000, pdf)
	d.exec(`UPDATE upload SET expires_at = now() - interval '1 second' WHERE id = $1`, string(expired.ID))
	var storedKey, expiredKey string
	if err := d.admin.QueryRow(`SELECT a.object_key, b.object_key FROM upload a, upload b WHERE a.id = $1 AND b.id = $2 AND a.state = 'stored'`,
		string(stored.ID), string(expired.ID)).Scan(&storedKey, &expiredKey); err != nil {
		t.Fatal(err)
	}

	foreign := []string{"readme.txt", "another-product/2026/11/report.csv", tenant + "/strange.bin", "unknown-clinic/2026/11/" + string(healthy.ID)}
	for _, key := range foreign {
		d.put(key, "not ours")
	}
	anchor := d.put(".audit/"+tenant+"/2026/11/23/000000000001.json", "{}")

	if found, _ := d.compare(records.DriftCheck{}); len(found) > 5 { // foreign, and the tail and rows that are wrong at any age
		for _, line := range found {
			if code, _, _ := strings.Cut(line, " "); code == "object-without-row" || code == "stranded-scratch" || strings.HasPrefix(code, "multipart") {
				t.Errorf("it is new, and perhaps under way: %s", line)
			}
		}
	}

	d.ahead = 2 * time.Hour
	lasting := []string{
		fmt.Sprintf("digest-differs %s File %s", other.ObjectKey, other.ID),
		fmt.Sprintf("row-without-object %s File %s", lost.ObjectKey, lost.ID),
		fmt.Sprintf("row-without-object %s Tail %s", tail, tailed.ID),
		fmt.Sprintf("size-differs %s File %s", short.ObjectKey, short.ID),
		fmt.Sprintf("upload-without-multipart %s Upload %s", robbedKey, robbed.ID),
		"foreign-object readme.txt", "foreign-object another-product/", "foreign-object " + foreign[2], "foreign-object unknown-clinic/",
	}
	passing := []string{
		"multipart-without-upload " + multipartKey,
		"object-without-row " + orphan,
		"object-without-row " + elsewhere,
		"stranded-scratch " + scratch,
		fmt.Sprintf("stored-without-record %s Upload %s", storedKey, stored.ID),
		fmt.Sprintf("upload-not-finished %s Upload %s", expiredKey, expired.ID),
	}
	want := func(what string, got, want []string) {
		t.Helper()
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	one, _ := d.compare(records.DriftCheck{Tenant: demo.Lakeside})
	want("a look at one tenant", one, []string{"object-without-row " + elsewhere})
	deep := records.DriftCheck{Deep: true}
	found, report := d.compare(deep)
	want("a look", found, slices.Concat(lasting, passing))
	if report.Foreign != len(foreign) || report.Left() != len(lasting)+len(passing)-len(foreign) {
		t.Errorf("the report counts otherwise: %+v", report)
	}
	found, _ = d.compare(deep)
	want("a second look, which must find everything as it was", found, slices.Concat(lasting, passing))

	deep.Repair = true
	var mended []string
	for _, line := range passing {
		mended = append(mended, line+" repaired")
	}
	found, _ = d.compare(deep)
	want("a repair", found, slices.Concat(lasting, mended))
	found, _ = d.compare(deep)
	want("after the repair", found, slices.Clone(lasting))

	for _, key := range []string{orphan, scratch, elsewhere} {
		if d.exists(key) {
			t.Errorf("%s is still there", key)
		}
	}
	for _, key := range append(foreign, anchor, healthy.ObjectKey, other.ObjectKey, short.ObjectKey) {
		if !d.exists(key) {
			t.Errorf("%s is gone, which was not to be touched", key)
		}
	}
	if n := len(d.events("removeOrphan")); n != 3 {
		t.Errorf("%d removals are on the trail, want 3", n)
	}
	if u, err := d.Records.Upload(ctx, d.As("clinician"), stored.ID); err != nil || u.State != clinical.UploadCompleted {
		t.Errorf("the stored upload is %s (%v), want its record", u.State, err)
	}
}

// inPieces sends a file in three requests.
func (d *damaged) inPieces(actor clinical.Actor, in records.BeginUpload, content []byte) error {
	ctx, length := d.t.Context(), int64(len(content))
	in.Length = &length
	b, err := d.Records.BeginUpload(ctx, actor, in)
	for piece := range slices.Chunk(content, len(content)/2) {
		if err != nil {
			return err
		}
		var up *records.Incoming
		if up, err = d.Records.OpenUpload(ctx, actor, b.Upload.ID, nil); err != nil {
			return err
		}
		_, err = up.Receive(ctx, bytes.NewReader(piece), nil)
		if u := up.Upload(); err == nil && u.Offset == length {
			_, err = up.Finish(ctx, false)
		}
		up.Release()
	}
	return err
}

// TestP3_UploadsUnderWayAreNoDrift: while files come in all the time, and go, a
// look that gives no grace at all finds nothing.
func TestP3_UploadsUnderWayAreNoDrift(t *testing.T) {
	d := openDamaged(t, func(_ *blob.Config, o *records.Options) {
		o.Kinds = clinical.DefaultKinds()
		for i := range o.Kinds {
			if o.Kinds[i].Code == "intake-form" {
				o.Kinds[i].Retention = time.Millisecond
			}
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	var group errgroup.Group
	actor := d.As("clinician")
	for i := range 4 {
		group.Go(func() error {
			for n := 0; ctx.Err() == nil; n++ {
				in, content := intake(), pdf
				if (i+n)%2 == 0 {
					in, content = recording(), append(slices.Clone(webm), make([]byte, 6<<20+i)...)
				}
				if err := d.inPieces(actor, in, content); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		for ctx.Err() == nil {
			if err := errors.Join(d.Records.Purge(t.Context()), d.Records.Sweep(t.Context())); err != nil {
				return err
			}
		}
		return nil
	})
	for range 30 {
		found, report := d.compare(records.DriftCheck{Grace: time.Nanosecond})
		if len(found) > 0 {
			t.Errorf("found among %d objects and %d uploads: %s", report.Objects, report.Uploads, strings.Join(found, "\n"))
			break
		}
	}
	stop()
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	found, report := d.compare(records.DriftCheck{Grace: time.Nanosecond, Deep: true})
	if purged := len(d.events("purgeFile")); purged == 0 || len(found) > 0 || report.Objects < 3 {
		t.Errorf("%d objects, found: %s", report.Objects, strings.Join(found, "\n"))
	}
}

// TestP3_RepairRefusesAnotherDatabase: where most of the bucket has no row,
// nothing is removed, unless that is what one wants.
func TestP3_RepairRefusesAnotherDatabase(t *testing.T) {
	d := openDamaged(t)
	d.ahead = 2 * time.Hour
	for range 101 {
		d.put(d.fresh(), "of another database")
	}
	_, err := d.Records.CompareBucket(t.Context(), records.DriftCheck{Repair: true}, func(records.Drift) error { return nil })
	d.wantKind(err, clinical.Conflict)
	if _, report := d.compare(records.DriftCheck{}); report.Found[records.DriftNoRow] != 101 {
		t.Errorf("%+v: something was removed", report)
	}
	if _, report := d.compare(records.DriftCheck{Repair: true, Force: true}); report.Repaired != 101 {
		t.Errorf("%+v: want all of it removed", report)
	}
}
