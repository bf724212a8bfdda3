package records_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// carriedRow is a row of a chart in memory.
type carriedRow struct {
	table string
	row   json.RawMessage
}

// into takes a chart into memory.
func into(rows *[]carriedRow) records.ChartSink {
	return records.ChartSink{
		Begin: func(clinical.Patient) error { *rows = nil; return nil },
		Row: func(table string, row json.RawMessage) error {
			*rows = append(*rows, carriedRow{table, bytes.Clone(row)})
			return nil
		},
		Part: func(clinical.Chart) error { return nil },
		End:  func(clinical.Chart) error { return nil },
	}
}

// carriedIn is what an import of these rows would be.
func carriedIn(p clinical.PatientID, rows []carriedRow, content []byte) records.ImportChart {
	return records.ImportChart{
		Patient: p, Origin: "a test",
		Rows: func(take func(string, json.RawMessage) error) error {
			for _, r := range rows {
				if err := take(r.table, r.row); err != nil {
					return err
				}
			}
			return nil
		},
		Open: func(clinical.FileID) (records.Bytes, error) { return onDisk{bytes.NewReader(content)}, nil },
	}
}

type onDisk struct{ *bytes.Reader }

func (onDisk) Close() error { return nil }

// TestP4_ChartsLeaveByTheCommandLineOnly: no role of a clinic carries charts; the
// operator does, and each chart has its event (P5).
func TestP4_ChartsLeaveByTheCommandLineOnly(t *testing.T) {
	c := open(t)
	ctx, operator := t.Context(), records.Operator(demo.Harbor)
	c.upload("clinician", intake(), pdf)
	var rows []carriedRow
	c.must(c.Records.ExportChart(ctx, operator, demo.Patient, into(&rows)))
	for _, who := range []string{"clinician", "clerk", "auditor", "admin", "pipeline", "scribe", "recorder"} {
		c.wantKind(c.Records.ExportChart(ctx, c.As(who), demo.Patient, into(new([]carriedRow))), clinical.Forbidden)
		_, err := c.Records.ChartsToExport(ctx, c.As(who), "")
		c.wantKind(err, clinical.Forbidden)
		_, err = c.Records.ImportChart(ctx, c.As(who), carriedIn(demo.Patient, rows, pdf))
		c.wantKind(err, clinical.Forbidden)
	}
	c.wantKind(c.Records.ExportChart(ctx, operator, demo.LakesidePatient, into(new([]carriedRow))), clinical.NotFound)
	ids, err := c.Records.ChartsToExport(ctx, operator, "")
	c.must(err)
	if len(ids) != 3 {
		t.Errorf("charts %v", ids)
	}
	out, err := c.Records.ImportChart(ctx, operator, carriedIn(demo.Patient, rows, pdf))
	c.must(err)
	if out != (records.ImportedChart{}) {
		t.Errorf("what is there was restored: %+v", out)
	}
	for verb, want := range map[string][2]int{"exportChart": {1, 8}, "exportCharts": {1, 7}, "importChart": {1, 7}} {
		var yes, no int
		for _, e := range c.events(verb) {
			if e.Outcome == clinical.Success {
				yes++
				if verb != "exportCharts" && e.Patient != demo.Patient {
					t.Errorf("%s of %q", verb, e.Patient)
				}
			} else {
				no++
			}
		}
		if got := [2]int{yes, no}; got != want {
			t.Errorf("%s: %v events permitted and denied, want %v", verb, got, want)
		}
	}
}

// TestExportsOfEarlierVersionsAreRead: what a table no longer has is left out of
// rows that still have it.
func TestExportsOfEarlierVersionsAreRead(t *testing.T) {
	c := open(t)
	operator := records.Operator(demo.Harbor)
	c.upload("clinician", intake(), pdf)
	var rows []carriedRow
	c.must(c.Records.ExportChart(t.Context(), operator, demo.Patient, into(&rows)))
	older := 0
	for i, r := range rows {
		if r.table != "file" && r.table != "upload" {
			continue
		}
		columns := map[string]any{}
		c.must(json.Unmarshal(r.row, &columns))
		columns["crc64"] = 7
		var err error
		rows[i].row, err = json.Marshal(columns)
		c.must(err)
		older++
	}
	out, err := c.Records.ImportChart(t.Context(), operator, carriedIn(demo.Patient, rows, pdf))
	if err != nil || out != (records.ImportedChart{}) || older != 2 {
		t.Errorf("%d rows: %+v, %v", older, out, err)
	}
}

// TestP3_BrokenOffImportLeavesNothing: bytes that were put for rows that never
// came are listed to be removed, are found by the import that is run again, and
// are claimed by it.
func TestP3_BrokenOffImportLeavesNothing(t *testing.T) {
	c := open(t)
	ctx, operator := t.Context(), records.Operator(demo.Harbor)
	f := c.upload("clinician", intake(), pdf)
	var rows []carriedRow
	c.must(c.Records.ExportChart(ctx, operator, demo.Patient, into(&rows)))
	to := open(t)
	admin := to.admin()
	adopt := func(to clinic) { // the demo's patient, as registered there
		var at time.Time
		c.must(c.admin().QueryRow(`SELECT created_at FROM patient WHERE id = $1`, string(demo.Patient)).Scan(&at))
		to.exec(to.admin(), `DELETE FROM encounter`)
		to.exec(to.admin(), `UPDATE patient SET created_at = $1`, at)
	}
	adopt(to)
	listed := func() (n int) {
		t.Helper()
		to.must(admin.QueryRow(`SELECT count(*) FROM blob_garbage WHERE object_key = $1`, f.ObjectKey).Scan(&n))
		return n
	}
	// The rows end in the middle, after the bytes were put.
	broken, cut := carriedIn(demo.Patient, rows, pdf), errors.New("the disk is gone")
	whole, reads := broken.Rows, 0
	broken.Rows = func(take func(string, json.RawMessage) error) error {
		if reads++; reads == 1 {
			return whole(take)
		}
		return cut
	}
	if _, err := to.Records.ImportChart(t.Context(), operator, broken); !errors.Is(err, cut) {
		t.Fatalf("a broken import: %v", err)
	}
	if _, err := to.Bucket.Head(t.Context(), f.ObjectKey); err != nil || listed() != 1 {
		t.Fatalf("the bytes: %v, listed %d times", err, listed())
	}
	wrong := bytes.Clone(pdf)
	wrong[0]++
	_, err := to.Records.ImportChart(t.Context(), operator, carriedIn(demo.Patient, rows, wrong))
	to.wantKind(err, clinical.ChecksumMismatch)
	out, err := to.Records.ImportChart(t.Context(), operator, carriedIn(demo.Patient, rows, pdf))
	to.must(err)
	if out.Files != 1 || listed() != 0 {
		t.Errorf("restored %+v, listed %d times", out, listed())
	}
	if n := to.Bucket.Calls()["PutObject.attempts"]; n != 2 { // the second found it there
		t.Errorf("%d puts", n)
	}
	// Given up, the sweeper takes it: nothing else points at it.
	third := open(t)
	adopt(third)
	broken.Rows, reads = func(take func(string, json.RawMessage) error) error {
		if reads++; reads == 1 {
			return whole(take)
		}
		return cut
	}, 0
	_, _ = third.Records.ImportChart(t.Context(), operator, broken)
	third.exec(third.admin(), `UPDATE blob_garbage SET not_before = now() - interval '1 hour', settles = now() - interval '1 hour'`)
	third.must(third.Records.Sweep(t.Context()))
	if _, err := third.Bucket.Head(t.Context(), f.ObjectKey); !clinical.Is(err, clinical.NotFound) {
		t.Errorf("the bytes of an import that was given up: %v", err)
	}
}
