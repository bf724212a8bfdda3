package records

import (
	"context"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// holdFile locks a file, decides on it as it then stands, and reads it: nobody
// else changes it until the transaction ends.
func (c *call) holdFile(ctx context.Context, action policy.Action, id clinical.FileID) (d policy.Decision, f clinical.File, err error) {
	res, err := subject(ctx, c, policy.File, id, c.LockFile)
	if err != nil {
		return d, f, err
	}
	if d, err = c.permit(ctx, action, res); err != nil {
		return d, f, err
	}
	f, err = c.Tx.File(ctx, d)
	return d, f, err
}

// holdVersion is holdFile of the version that the caller has read, which must
// not have been entered in error. Conflict, with *VersionConflict as its cause
// when it has another version by now.
func (c *call) holdVersion(ctx context.Context, action policy.Action, id clinical.FileID, version int) (d policy.Decision, f clinical.File, err error) {
	d, f, err = c.holdFile(ctx, action, id)
	switch {
	case err != nil:
		return d, f, onField("fileId", err)
	case f.Version != version:
		return d, f, c.lost(d, ruleVersion, "this file has changed, read it again", &VersionConflict{f.Version})
	case f.Status == clinical.FileEnteredInError:
		return d, f, c.lost(d, ruleState, "this file was entered in error", nil)
	}
	return d, f, nil
}

// changeFile writes the next version of a file with its evidence.
func (c *call) changeFile(ctx context.Context, d policy.Decision, was, f clinical.File, how clinical.Provenance, event string) (clinical.File, error) {
	f.UpdatedAt = c.now
	f, err := c.Tx.UpdateFile(ctx, d, f)
	if err != nil {
		return f, err
	}
	how.Patient = f.Patient
	how.Targets = append([]clinical.Ref{refOfFile(f)}, how.Targets...)
	how.Sources = append([]clinical.Ref{refOfFile(was)}, how.Sources...)
	if err := c.prove(ctx, how); err != nil {
		return f, err
	}
	return f, c.announce(ctx, event, refOfFile(f), f.Patient)
}

// UpdateFile changes what is known of a file; nil leaves a field, "" empties
// title and encounter.
type UpdateFile struct {
	File      clinical.FileID
	Version   int // the one that was read
	Title     *string
	Kind      *string
	Category  *string
	Encounter *clinical.EncounterID
}

// UpdateFile corrects title, kind, category or encounter. Another kind is asked
// of the gate for the file as it is and as it will be; it must take the bytes
// that are there, and become the same FHIR resource. Conflict with
// *VersionConflict as its cause.
func (r *Records) UpdateFile(ctx context.Context, actor clinical.Actor, in UpdateFile) (f clinical.File, err error) {
	kinds, err := r.registry(ctx, actor)
	if err != nil {
		return f, err
	}
	err = r.act(ctx, actor, "updateFile", func(ctx context.Context, c *call) error {
		d, was, err := c.holdVersion(ctx, policy.UpdateFile, in.File, in.Version)
		if err != nil {
			return err
		}
		if f, err = in.applied(was, kinds); err != nil {
			return err
		}
		if err := c.checkEncounter(ctx, f.Patient, f.Encounter); err != nil {
			return err
		}
		if f.Title == was.Title && f.Kind == was.Kind && f.Category == was.Category && f.Encounter == was.Encounter {
			_, err = c.audit(ctx, d, touched(refOfFile(f)))
			return err
		}
		if err := c.rekind(ctx, d, was, &f, kinds); err != nil {
			return err
		}
		f, err = c.changeFile(ctx, d, was, f, clinical.Provenance{
			Activity: clinical.ActivityEdit, Agents: []clinical.ProvenanceAgent{c.wrote()},
		}, "file.updated")
		if err != nil {
			return err
		}
		_, err = c.audit(ctx, d, touched(refOfFile(f)))
		return err
	})
	return f, err
}

// applied is the file with the changes, as far as the registry allows them.
func (in UpdateFile) applied(f clinical.File, kinds registry) (clinical.File, error) {
	if in.Title != nil {
		f.Title = strings.TrimSpace(*in.Title)
		if err := checkTitle(f.Title); err != nil {
			return f, err
		}
	}
	if in.Encounter != nil {
		f.Encounter = *in.Encounter
	}
	if in.Kind != nil && *in.Kind != f.Kind {
		kind, err := kinds.taking(*in.Kind, f)
		if err != nil {
			return f, err
		}
		f.Kind, f.Category = kind.Code, kind.Category
	}
	if in.Category != nil {
		f.Category = *in.Category
		if !kinds.knowsCategory(f.Category) {
			return f, clinical.Bad("category", "unknown category").WithAllowed(kinds.categories()...)
		}
	}
	kind, known := kinds.find(f.Kind)
	switch {
	case known && kind.ResourceFor(f.Category) != f.ResourceType:
		field := "category"
		if in.Kind != nil {
			field = "kind"
		}
		return f, clinical.Bad(field, "would make another FHIR resource of it: upload it anew")
	case known && kind.RequiresEncounter && f.Encounter == "":
		return f, clinical.Bad("encounterId", "this kind of file belongs to an encounter")
	}
	return f, nil
}

// taking gives a kind that a stored file can be of.
func (g registry) taking(code string, f clinical.File) (clinical.FileKind, error) {
	kind, ok := g.find(code)
	switch {
	case !ok:
		return kind, clinical.Bad("kind", "not in the kind registry")
	case !kind.Takes(f.ContentType):
		return kind, clinical.Bad("kind", "this kind does not take the file's content type").WithAllowed(kind.ContentTypes...)
	case f.Size > kind.MaxSize, f.Size == 0 && !kind.AllowEmpty:
		return kind, clinical.Bad("kind", "this kind does not take a file of that size")
	}
	return kind, nil
}

// rekind decides on a file of another kind as it will be. A scan that either
// kind requires stays required: changing the kind opens no quarantine.
func (c *call) rekind(ctx context.Context, d policy.Decision, was clinical.File, f *clinical.File, kinds registry) error {
	if f.Kind == was.Kind {
		return nil
	}
	kind, _ := kinds.find(f.Kind)
	scan := kind.Scan
	if d.Resource().ScanRequired {
		scan = clinical.ScanRequired
	}
	if _, err := c.permit(ctx, policy.UpdateFile, policy.OfFile(*f, scan, d.Resource().CareGroups)); err != nil {
		return onField("kind", err)
	}
	if scan != clinical.ScanRequired || d.Resource().ScanRequired {
		return nil
	}
	if f.ScanStatus == clinical.ScanSkipped {
		f.ScanStatus = clinical.ScanPending
	}
	return c.RequireScan(ctx, d)
}

// SetLegalHold puts a file under a legal hold, or lifts it.
type SetLegalHold struct {
	File   clinical.FileID
	Hold   bool
	Reason string // PHI
}

// SetLegalHold keeps a file from being retracted and its bytes from being given
// up, until it is lifted. Repeating it changes nothing.
func (r *Records) SetLegalHold(ctx context.Context, actor clinical.Actor, in SetLegalHold) (f clinical.File, err error) {
	if err := checkReason(in.Reason); err != nil {
		return f, err
	}
	err = r.act(ctx, actor, "setLegalHold", func(ctx context.Context, c *call) error {
		d, was, err := c.holdFile(ctx, policy.HoldFile, in.File)
		if err != nil {
			return onField("fileId", err)
		}
		if f = was; was.LegalHold != in.Hold {
			f.LegalHold = in.Hold
			activity := clinical.ActivityHold
			if !in.Hold {
				activity = clinical.ActivityRelease
			}
			f, err = c.changeFile(ctx, d, was, f, clinical.Provenance{
				Activity: activity, Reason: in.Reason, Agents: []clinical.ProvenanceAgent{c.took("enterer")},
			}, "file.updated")
			if err != nil {
				return err
			}
		}
		_, err = c.audit(ctx, d, touched(refOfFile(f)), detail("hold", map[bool]string{true: "on", false: "off"}[in.Hold]))
		return err
	})
	return f, err
}

// detail adds a code to an event.
func detail(key, value string) func(*clinical.AuditEvent) {
	return func(e *clinical.AuditEvent) {
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail[key] = value
	}
}
