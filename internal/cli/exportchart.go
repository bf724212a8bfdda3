package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/seal"
	"github.com/bonfiredb/bonfire/store"
)

// fetchers bounds the files that are fetched from the bucket at a time.
const fetchers = 4

// charts is an export under way.
type charts struct {
	trail *server.Trail
	actor clinical.Actor
	dir   *exportDir
	steps *steps

	charts, files int
	bytes         int64
	fetched       atomic.Int64
	mu            sync.Mutex
	lost          []string // files whose bytes are not there
}

// export writes the chart of a patient, or of all when none is named.
func (x *charts) export(ctx context.Context, patient clinical.PatientID) error {
	if patient != "" {
		if err := x.chart(ctx, patient); err != nil {
			return err
		}
	}
	for last := patient; patient == ""; {
		page, err := x.trail.Records.ChartsToExport(ctx, x.actor, last)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, last = range page {
			if err := x.chart(ctx, last); err != nil {
				return err
			}
		}
	}
	if err := x.evidence(ctx, patient); err != nil || len(x.lost) > 0 {
		return err
	}
	return x.dir.finish()
}

// chart writes one chart, and then the bytes of its files.
func (x *charts) chart(ctx context.Context, patient clinical.PatientID) error {
	w := &chartWriter{x: x, patient: patient}
	defer w.drop()
	err := x.trail.Records.ExportChart(ctx, x.actor, patient, records.ChartSink{Begin: w.begin, Row: w.row, Part: w.part, End: w.end})
	if err != nil {
		return err
	}
	if err := w.keep(); err != nil {
		return err
	}
	x.charts++
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetchers)
	for _, f := range w.files {
		x.files++
		x.bytes += f.Size
		x.steps.step(int64(x.files), 0)
		group.Go(func() error { return x.fetch(ctx, f) })
	}
	return group.Wait()
}

// nameOfBytes is where the bytes of a file lie in an export.
func nameOfBytes(f clinical.File) string { return path.Join(bytesDir, string(f.ID)+f.Extension()) }

// fetch writes the bytes of one file, unless they are there.
func (x *charts) fetch(ctx context.Context, f clinical.File) error {
	name, want := nameOfBytes(f), hex.EncodeToString(f.Digests.SHA256)
	if x.dir.has(name, want, f.Size) {
		return nil
	}
	from, err := x.trail.Records.ExportedBytes(ctx, f)
	if clinical.Is(err, clinical.NotFound) {
		x.lose(f)
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	out, err := x.dir.create(name)
	if err != nil {
		return err
	}
	defer out.drop()
	if _, err := io.Copy(out, from); err != nil {
		return err
	}
	is, err := out.digest()
	if err != nil {
		return err
	}
	if is != want {
		x.lose(f)
		return nil
	}
	x.fetched.Add(1)
	return out.keep()
}

func (x *charts) lose(f clinical.File) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lost = append(x.lost, string(f.ID))
}

// chartWriter takes a chart as it is read: its rows, and the Bundle of it.
type chartWriter struct {
	x                   *charts
	patient             clinical.PatientID
	rows, out, arrivals *exportFile
	bundle              *fhir.BundleWriter
	files               []clinical.File
}

func (w *chartWriter) drop() {
	w.rows.drop()
	w.out.drop()
	w.arrivals.drop()
}

func (w *chartWriter) begin(p clinical.Patient) (err error) {
	w.drop()
	w.files, w.arrivals = nil, nil
	if w.rows, err = w.x.dir.create(path.Join(rowsDir, string(w.patient)+".ndjson")); err != nil {
		return err
	}
	if w.out, err = w.x.dir.create(path.Join(bundlesDir, string(w.patient)+".json")); err != nil {
		return err
	}
	w.bundle = fhir.NewBundleWriter(w.out, fhir.Collection, fhir.BundleOptions{})
	return w.enter(w.x.trail.FHIR.Patient(p))
}

func (w *chartWriter) enter(res fhir.Resource) error {
	return w.bundle.Entry(w.x.trail.FHIR.FullURL(res), res, "")
}

// rowLine is a line of the rows of a chart.
type rowLine struct {
	Table string          `json:"table"`
	Row   json.RawMessage `json:"row"`
}

func (w *chartWriter) row(table string, row json.RawMessage) (err error) {
	to := w.rows
	if table == store.Arrivals {
		if w.arrivals == nil {
			if w.arrivals, err = w.x.dir.create(path.Join(arrivalsDir, string(w.patient)+".ndjson")); err != nil {
				return err
			}
		}
		to = w.arrivals
	}
	line := json.NewEncoder(to)
	line.SetEscapeHTML(false)
	return line.Encode(rowLine{table, row})
}

func (w *chartWriter) part(c clinical.Chart) error {
	for _, d := range c.Documents {
		if d.File != nil && d.File.PurgedAt == nil {
			w.files = append(w.files, *d.File)
		}
	}
	return w.all(w.x.trail.FHIR.Matches(c))
}

func (w *chartWriter) end(c clinical.Chart) error { return w.all(w.x.trail.FHIR.Surroundings(c)) }

func (w *chartWriter) all(resources iter.Seq[fhir.Resource]) error {
	for res := range resources {
		if err := w.enter(res); err != nil {
			return err
		}
	}
	return nil
}

func (w *chartWriter) keep() error {
	if err := w.bundle.Close(); err != nil {
		return err
	}
	for _, f := range []*exportFile{w.out, w.rows, w.arrivals} {
		if f == nil {
			continue
		}
		if err := f.keep(); err != nil {
			return err
		}
	}
	return nil
}

// evidence writes the audit trail: of all patients with its seals, of one only
// that patient's events, for the seals stand for everybody's.
func (x *charts) evidence(ctx context.Context, patient clinical.PatientID) error {
	names := []string{path.Join(evidenceDir, "audit.ndjson"), path.Join(evidenceDir, "audit.ndjson"+sealsSuffix)}
	if patient != "" {
		names = names[:1]
	}
	full := []string{"", ""}
	for i, name := range names {
		full[i] = filepath.Join(x.dir.root, filepath.FromSlash(name))
		if err := os.Remove(full[i]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	e := &exporting{fhir: x.trail.FHIR, only: patient, header: seal.Header{
		Tenant: string(x.actor.Tenant), Base: x.trail.FHIR.Base, Systems: x.trail.FHIR.Systems, Server: x.trail.FHIR.Server,
	}}
	if err := e.open(io.Discard, full[0], full[1]); err != nil {
		return err
	}
	if err := e.close(x.trail.Records.ExportAudit(ctx, x.actor, nil, nil, e.write)); err != nil {
		return err
	}
	for i, name := range names {
		sum, err := sumOf(full[i])
		if err != nil {
			return err
		}
		x.dir.record(name, sum)
	}
	return nil
}
