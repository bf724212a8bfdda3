package records

import (
	"context"
	"strconv"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// RefileFile moves a file to the chart that it belongs to.
type RefileFile struct {
	File        clinical.FileID
	Version     int // the one that was read
	ToPatient   clinical.PatientID
	ToEncounter clinical.EncounterID // of that patient; "" when none
	Reason      string               // PHI
}

// Refiled is a file in its new chart.
type Refiled struct {
	File clinical.File
	// Exposures are all links that were issued while it stood in the wrong
	// chart: who may have seen it. They are over.
	Exposures []clinical.Link
}

// RefileFile moves a file from the wrong patient's chart to the right one's, all
// at once: both charts are decided on, every link ends, the file leaves the
// encounter and the chain of replacements that it stood in, and both charts'
// trails tell of it. Failures name the field: fileId, toPatientId (NotFound,
// Forbidden, Invalid), toEncounterId (Invalid); Conflict with *VersionConflict
// as its cause.
func (r *Records) RefileFile(ctx context.Context, actor clinical.Actor, in RefileFile) (out Refiled, err error) {
	if err := checkReason(in.Reason); err != nil {
		return out, err
	}
	kinds, err := r.registry(ctx, actor)
	if err != nil {
		return out, err
	}
	err = r.act(ctx, actor, "refileFile", func(ctx context.Context, c *call) error {
		d, was, err := c.holdVersion(ctx, policy.RefileFile, in.File, in.Version)
		if err != nil {
			return err
		}
		f := in.moved(was)
		there, err := c.mayStandIn(ctx, d, was, f, kinds)
		if err != nil {
			return err
		}
		if out.Exposures, err = c.endLinks(ctx, d, was.Patient); err != nil {
			return err
		}
		neighbours, err := c.DetachFile(ctx, d, c.now)
		if err != nil {
			return err
		}
		out.File, err = c.changeFile(ctx, d, was, f, clinical.Provenance{
			Activity: clinical.ActivityRefile, Reason: in.Reason, Targets: refsOf(neighbours), Agents: []clinical.ProvenanceAgent{c.wrote()},
		}, "file.created")
		if err != nil {
			return err
		}
		return c.tellBoth(ctx, d, there, out, neighbours)
	})
	return out, err
}

// moved is the file as it will stand in the other chart.
func (in RefileFile) moved(f clinical.File) clinical.File {
	f.Patient, f.Encounter, f.Supersedes, f.SupersededBy = in.ToPatient, in.ToEncounter, "", ""
	if f.Status == clinical.FileSuperseded {
		f.Status = clinical.FileCurrent
	}
	return f
}

// mayStandIn decides on the file in its new chart.
func (c *call) mayStandIn(ctx context.Context, d policy.Decision, was, f clinical.File, kinds registry) (there policy.Decision, err error) {
	patient, err := subject(ctx, c, policy.Patient, f.Patient, c.PatientSubject)
	if err != nil {
		return there, onField("toPatientId", err)
	}
	if f.Patient == was.Patient {
		return there, clinical.Bad("toPatientId", "the file is in this patient's chart")
	}
	scan := clinical.ScanNone
	if d.Resource().ScanRequired {
		scan = clinical.ScanRequired
	}
	if there, err = c.permit(ctx, policy.RefileFile, policy.OfFile(f, scan, patient.CareGroups)); err != nil {
		return there, onField("toPatientId", err)
	}
	if err := c.checkEncounter(ctx, f.Patient, f.Encounter); err != nil {
		if bad := clinical.AsFailure(err); bad != nil && bad.Field == "encounterId" {
			err = bad.WithField("toEncounterId")
		}
		return there, err
	}
	if kind, ok := kinds.find(f.Kind); ok && kind.RequiresEncounter && f.Encounter == "" {
		return there, clinical.Bad("toEncounterId", "this kind of file belongs to an encounter")
	}
	return there, nil
}

// endLinks ends every link to a file, and lists those that were issued while it
// stood in this patient's chart.
func (c *call) endLinks(ctx context.Context, d policy.Decision, patient clinical.PatientID) (issued []clinical.Link, err error) {
	if _, err := c.RevokeFileLinks(ctx, d, c.now); err != nil {
		return nil, err
	}
	all, err := c.FileLinks(ctx, d)
	for _, l := range all {
		if l.Patient == patient {
			issued = append(issued, l)
		}
	}
	return issued, err
}

// tellBoth writes the event of a move into both charts' trails.
func (c *call) tellBoth(ctx context.Context, here, there policy.Decision, out Refiled, neighbours []clinical.File) error {
	from, to := here.Resource().Patient, there.Resource().Patient
	if err := c.announce(ctx, "file.retracted", refOfFile(out.File), from); err != nil {
		return err
	}
	which := touched(append([]clinical.Ref{refOfFile(out.File)}, refsOf(neighbours)...)...)
	exposures := detail("exposures", strconv.Itoa(len(out.Exposures)))
	if _, err := c.audit(ctx, here, which, exposures, detail("movedTo", string(to))); err != nil {
		return err
	}
	_, err := c.audit(ctx, there, touched(refOfFile(out.File)), exposures, detail("movedFrom", string(from)))
	return err
}
