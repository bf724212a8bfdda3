package records

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// ImportChart is a chart as ExportChart gave it.
type ImportChart struct {
	Patient clinical.PatientID
	// Rows gives the rows in their order; it is called more than once.
	Rows func(take func(table string, row json.RawMessage) error) error
	// Open gives the bytes of a file.
	Open func(clinical.FileID) (Bytes, error)
	// Origin says in words what the chart came with, such as "the manifest" and its
	// hexadecimal SHA-256: it ties what is here to what was there.
	Origin string
}

// ImportedChart counts what an import restored; zeros when it all was there.
type ImportedChart struct{ Files, Notes, Rows int }

// ChartConflict is the cause of a Conflict: ids that exist here with another content.
type ChartConflict struct {
	Table string
	IDs   []string
}

// Error implements error.
func (c *ChartConflict) Error() string {
	return c.Table + " " + strings.Join(c.IDs, ", ") + ": exists here, and is not the same"
}

// importBatch bounds the rows that are held at a time.
const importBatch = 200

// ImportChart restores a chart, or what is missing of it, under its own ids:
// bytes first, then all rows in one transaction with their event and the evidence
// that they were imported. Doing it again does nothing. Notes keep their history
// and signatures, people are known by name and let in nowhere. Failures: Conflict
// (cause *ChartConflict) when an id is taken by something else, and nothing of
// the chart is restored then; ChecksumMismatch for bytes that are not those of
// their row; Invalid for rows that cannot be; Forbidden to all but the command line.
func (r *Records) ImportChart(ctx context.Context, actor clinical.Actor, in ImportChart) (out ImportedChart, err error) {
	files, err := in.files()
	if err != nil {
		return out, err
	}
	b := chartBytes{r: r, files: files, open: in.Open}
	err = r.act(ctx, actor, "importChart", func(ctx context.Context, c *call) error {
		d, err := c.permit(ctx, policy.CarryCharts, policy.OfTenant(actor.Tenant))
		if err != nil {
			return err
		}
		if _, err := c.Clinic(ctx); err != nil {
			return onField("tenant", err)
		}
		b.missing, err = c.AwaitObjects(ctx, d, b.keys(actor.Tenant))
		return err
	})
	if err != nil {
		return out, err
	}
	if err := b.put(ctx, actor.Tenant); err != nil {
		return out, err
	}
	err = r.act(ctx, actor, "importChart", func(ctx context.Context, c *call) error {
		d, err := c.permit(ctx, policy.CarryCharts, policy.OfTenant(actor.Tenant))
		if err != nil {
			return err
		}
		x := &chartImport{call: c, d: d, in: in}
		if err := x.run(ctx); err != nil {
			return err
		}
		if err := c.ClaimObjects(ctx, d, b.missing, b.keys(actor.Tenant)); err != nil {
			return err
		}
		out = x.out
		return c.auditAbout(ctx, d, []clinical.PatientID{in.Patient}, func(e *clinical.AuditEvent) {
			e.Detail = map[string]string{
				"files": strconv.Itoa(out.Files), "notes": strconv.Itoa(out.Notes), "rows": strconv.Itoa(out.Rows), "origin": in.Origin,
			}
		})
	})
	return out, err
}

// chartImport is an import under way, within its transaction.
type chartImport struct {
	*call
	d       policy.Decision
	in      ImportChart
	out     ImportedChart
	arrived []clinical.Ref
}

func (x *chartImport) run(ctx context.Context) error {
	if err := x.in.batches(func(table string, rows []json.RawMessage) error {
		restored, err := x.CarryIn(ctx, x.d, x.in.Patient, table, rows)
		x.count(table, rows, restored)
		return err
	}); err != nil {
		return err
	}
	if err := x.in.batches(func(table string, rows []json.RawMessage) error {
		ids, err := x.CarryCheck(ctx, x.d, x.in.Patient, table, rows)
		if err == nil && len(ids) > 0 {
			err = clinical.Fail(clinical.Conflict, "an id exists here with another content", &ChartConflict{Table: table, IDs: ids})
		}
		return err
	}); err != nil {
		return err
	}
	return x.proveArrival(ctx)
}

// count notes what was restored, and which documents these are.
func (x *chartImport) count(table string, rows []json.RawMessage, restored []string) {
	x.out.Rows += len(restored)
	if table != "file" && table != "note" {
		return
	}
	is := make(map[string]bool, len(restored))
	for _, id := range restored {
		is[id] = true
	}
	for _, row := range rows {
		var doc struct {
			ID         string                `json:"id"`
			Type       clinical.ResourceType `json:"resource_type"`
			Version    int                   `json:"version"`
			SHA256     string                `json:"sha256"`
			TextSHA256 string                `json:"text_sha256"`
		}
		if json.Unmarshal(row, &doc) != nil || !is[doc.ID] {
			continue
		}
		if table == "note" {
			x.out.Notes++
			doc.Type, doc.SHA256 = clinical.DocumentReference, doc.TextSHA256
		} else {
			x.out.Files++
		}
		x.arrived = append(x.arrived, clinical.Ref{
			Type: string(doc.Type), ID: doc.ID, Version: doc.Version, SHA256: strings.TrimPrefix(doc.SHA256, `\x`),
		})
	}
}

// arrivalsPerEntry keeps one piece of evidence of an import to a size that is shown.
const arrivalsPerEntry = 100

// proveArrival writes the evidence that these documents, as they are, came from
// an export: they are not vouched for by who is logged in here.
func (x *chartImport) proveArrival(ctx context.Context) error {
	for left := x.arrived; len(left) > 0; {
		n := min(len(left), arrivalsPerEntry)
		if err := x.prove(ctx, clinical.Provenance{
			Patient: x.in.Patient, Activity: clinical.ActivityImport, Targets: left[:n],
			Agents: []clinical.ProvenanceAgent{x.took("enterer")}, Reason: "came with " + x.in.Origin,
		}); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

// batches gives the rows by table, some at a time.
func (in ImportChart) batches(take func(table string, rows []json.RawMessage) error) error {
	var table string
	var rows []json.RawMessage
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := take(table, rows)
		rows = rows[:0]
		return err
	}
	err := in.Rows(func(t string, row json.RawMessage) error {
		if t != table || len(rows) == importBatch {
			if err := flush(); err != nil {
				return err
			}
		}
		table, rows = t, append(rows, row)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}
