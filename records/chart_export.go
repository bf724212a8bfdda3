package records

import (
	"context"
	"encoding/json"
	"io"
	"strconv"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// ChartSink takes a chart as it is read. An error of any of them ends the
// export. It writes to a disk, and does not wait for others: a transaction is open.
type ChartSink struct {
	// Begin is called with the patient, and again should the reading have to
	// begin again: what was taken so far is void then.
	Begin func(clinical.Patient) error
	// Row takes the rows that the chart is restored from, in their order.
	Row func(table string, row json.RawMessage) error
	// Part takes some documents, or some evidence, with what it takes to show them.
	Part func(clinical.Chart) error
	// End takes what all of these refer to.
	End func(clinical.Chart) error
}

// ExportChart reads the whole chart of a patient: what is current and what is
// not, drafts and all versions, at one instant. Memory is that of a page,
// whatever the chart. The event says that the chart left, before anybody has all
// of it. NotFound when there is no such patient, Forbidden to all but the command line.
func (r *Records) ExportChart(ctx context.Context, actor clinical.Actor, patient clinical.PatientID, to ChartSink) error {
	kinds, err := r.registry(ctx, actor)
	if err != nil {
		return err
	}
	return r.actIn(ctx, actor, "exportChart", r.Store.InSnapshot, func(ctx context.Context, c *call) error {
		d, err := c.permit(ctx, policy.CarryCharts, policy.OfTenant(actor.Tenant))
		if err != nil {
			return err
		}
		x := &chartExport{call: c, d: d, patient: patient, to: to, kinds: kinds}
		if err := x.run(ctx); err != nil {
			return err
		}
		return c.auditAbout(ctx, d, []clinical.PatientID{patient}, func(e *clinical.AuditEvent) {
			e.Detail = map[string]string{"files": strconv.Itoa(x.files), "notes": strconv.Itoa(x.notes)}
		})
	})
}

// ChartTenants names the clinics which have a chart of this id: one, or none.
func (r *Records) ChartTenants(ctx context.Context, patient clinical.PatientID) (found []clinical.TenantID, err error) {
	tenants, err := r.Store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range tenants {
		err := r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PatientSubject(ctx, patient)
			return err
		})
		switch {
		case err == nil:
			found = append(found, t)
		case !clinical.Is(err, clinical.NotFound):
			return nil, err
		}
	}
	return found, nil
}

// ChartsToExport lists the patients of the clinic, those after the one given; an
// empty list is the end.
func (r *Records) ChartsToExport(ctx context.Context, actor clinical.Actor, after clinical.PatientID) (out []clinical.PatientID, err error) {
	err = r.act(ctx, actor, "exportCharts", func(ctx context.Context, c *call) error {
		d, err := c.permit(ctx, policy.CarryCharts, policy.OfTenant(actor.Tenant))
		if err != nil {
			return err
		}
		if out, err = c.CarriedPatients(ctx, d, after); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, detail("count", strconv.Itoa(len(out))))
		return err
	})
	return out, err
}

// ExportedBytes reads the bytes of a file that ExportChart has handed out.
func (r *Records) ExportedBytes(ctx context.Context, f clinical.File) (io.ReadCloser, error) {
	return r.Bucket.Get(ctx, f.ObjectKey, 0, -1)
}

// chartExport is an export under way.
type chartExport struct {
	*call
	d            policy.Decision
	patient      clinical.PatientID
	to           ChartSink
	kinds        registry
	frame        clinical.Chart // what every part brings along
	files, notes int
	ours         bool // this program itself is named in the evidence
}

func (x *chartExport) run(ctx context.Context) error {
	p, err := x.CarriedPatient(ctx, x.d, x.patient)
	if err != nil {
		return x.missing(policy.Patient, wellFormed(x.patient), err)
	}
	clinic, err := x.Clinic(ctx)
	if err != nil {
		return err
	}
	x.frame = clinical.Chart{At: x.now, Tenant: x.actor.Tenant, Clinic: clinic.Display, Kinds: map[string]clinical.FileKind{}}
	for _, k := range x.kinds.all() {
		x.frame.Kinds[k.Code] = k
	}
	if x.frame.Principals, err = x.CarriedPrincipals(ctx, x.d, x.patient); err != nil {
		return err
	}
	if err := x.to.Begin(p); err != nil {
		return err
	}
	if err := x.CarryOut(ctx, x.d, x.patient, x.to.Row); err != nil {
		return err
	}
	if err := x.documents(ctx); err != nil {
		return err
	}
	if err := x.evidence(ctx); err != nil {
		return err
	}
	return x.end(ctx)
}

func (x *chartExport) documents(ctx context.Context) error {
	err := eachPage(ctx, func(after clinical.FileID) ([]clinical.File, error) {
		return x.CarriedFiles(ctx, x.d, x.patient, after)
	}, func(page []clinical.File) (clinical.FileID, error) {
		part := x.frame
		for i := range page {
			part.Documents = append(part.Documents, clinical.Document{File: &page[i]})
		}
		x.files += len(page)
		return page[len(page)-1].ID, x.to.Part(part)
	})
	if err != nil {
		return err
	}
	return eachPage(ctx, func(after clinical.NoteID) ([]clinical.Note, error) {
		return x.CarriedNotes(ctx, x.d, x.patient, after)
	}, func(page []clinical.Note) (clinical.NoteID, error) {
		part := x.frame
		for i := range page {
			part.Documents = append(part.Documents, clinical.Document{Note: &page[i]})
		}
		x.notes += len(page)
		return page[len(page)-1].ID, x.to.Part(part)
	})
}

func (x *chartExport) evidence(ctx context.Context) error {
	return eachPage(ctx, func(after clinical.ProvenanceID) ([]clinical.Provenance, error) {
		return x.CarriedProvenance(ctx, x.d, x.patient, after)
	}, func(page []clinical.Provenance) (clinical.ProvenanceID, error) {
		part := x.frame
		part.Provenance = page
		for _, p := range page {
			for _, a := range p.Agents {
				x.ours = x.ours || a.ActorKind == clinical.System
			}
		}
		return page[len(page)-1].ID, x.to.Part(part)
	})
}

// end hands out the visits and the principals. Of visits there are few, and they are small.
func (x *chartExport) end(ctx context.Context) error {
	last := x.frame
	if x.ours {
		last.Principals[SystemID] = systemActor(x.actor.Tenant)
	}
	err := eachPage(ctx, func(after clinical.EncounterID) ([]clinical.Encounter, error) {
		return x.CarriedEncounters(ctx, x.d, x.patient, after)
	}, func(page []clinical.Encounter) (clinical.EncounterID, error) {
		last.Encounters = append(last.Encounters, page...)
		return page[len(page)-1].ID, nil
	})
	if err != nil {
		return err
	}
	return x.to.End(last)
}

// eachPage reads pages, each after the last id of the one before, until one is empty.
func eachPage[ID ~string, T any](ctx context.Context, read func(after ID) ([]T, error), take func([]T) (ID, error)) error {
	for after := ID(""); ctx.Err() == nil; {
		page, err := read(after)
		if err != nil || len(page) == 0 {
			return err
		}
		if after, err = take(page); err != nil {
			return err
		}
	}
	return ctx.Err()
}
