package records

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// fileEvents is how the types of events about files begin.
const fileEvents = "file."

// watchBatch is how many events are looked through at a time for one that the
// watcher may hear of.
const watchBatch = 50

// FileChange is one event about a file, for one who may see the file.
type FileChange struct {
	Cursor string // where to go on after this one
	Type   string // such as "file.created"
	File   clinical.FileID
	At     time.Time
}

// WatchFiles follows what happens to a patient's files, as far as the actor may
// see them. With a cursor it goes on behind the event that came with it, "" goes
// through all that are kept, and nil begins with the newest there is, if any,
// so that a list read after it misses nothing. No event is left out or told
// twice, whichever commits first and however often the caller comes back.
//
// Nothing is queued: the next event is read, and decided on, when the last one
// was taken. The first error ends it: Invalid for a cursor that is none (field
// afterCursor), Gone for one that events are missing behind because of their age
// (ForgetEvents); else as with WatchUpload. NotFound when the patient is hidden or
// missing, or becomes so.
func (r *Records) WatchFiles(ctx context.Context, actor clinical.Actor, patient clinical.PatientID, after *string) iter.Seq2[FileChange, error] {
	return func(yield func(FileChange, error) bool) {
		place, newest, err := placeOf(after)
		if err != nil {
			yield(FileChange{}, err)
			return
		}
		look := func(ctx context.Context, begin bool) (bool, error) {
			for {
				step, err := r.nextFileChange(ctx, actor, patient, place, begin, begin && newest)
				if err != nil {
					return false, err
				}
				place, begin = step.place, false
				if step.change != nil && !yield(*step.change, nil) {
					return false, nil
				}
				if !step.more {
					return true, nil
				}
			}
		}
		if err := r.watch(ctx, actor, topicOfFiles(actor.Tenant, patient), nil, look); err != nil {
			yield(FileChange{}, err)
		}
	}
}

func topicOfFiles(t clinical.TenantID, p clinical.PatientID) string {
	return "files " + string(t) + " " + string(p)
}

// placeOf reads a cursor, which is the place of an event.
func placeOf(cursor *string) (place int64, newest bool, err error) {
	if cursor == nil {
		return 0, true, nil
	}
	if *cursor == "" {
		return 0, false, nil
	}
	place, err = strconv.ParseInt(*cursor, 10, 64)
	if err != nil || place < 1 {
		return 0, false, clinical.Bad("afterCursor", "this cursor does not belong to this list")
	}
	return place, false, nil
}

// step is how far one look came: the place looked up to, what was found, and
// whether there may be more behind it already.
type step struct {
	place  int64
	change *FileChange
	more   bool
}

// nextFileChange finds the first event behind a place that the actor may hear
// of, or the newest. The beginning of a watch is audited.
func (r *Records) nextFileChange(ctx context.Context, actor clinical.Actor, patient clinical.PatientID, place int64, begin, newest bool) (s step, err error) {
	err = r.act(ctx, actor, "fileEvents", func(ctx context.Context, c *call) error {
		f, err := c.mayWatchFiles(ctx, patient)
		if err != nil {
			return err
		}
		if err := c.PlaceEvents(ctx, patient); err != nil {
			return err
		}
		if s, err = c.seek(ctx, patient, place, newest); err != nil {
			return err
		}
		if !begin {
			return nil
		}
		return c.auditList(ctx, f, patient, "FileEvent")
	})
	return s, err
}

// mayWatchFiles judges who watches as they are now.
func (c *call) mayWatchFiles(ctx context.Context, patient clinical.PatientID) (f policy.Filter, err error) {
	if err := c.stillMember(ctx, policy.Resource{Type: policy.Patient, ID: wellFormed(patient)}); err != nil {
		return f, err
	}
	f, err = c.hearsOfFiles(ctx, patient)
	return f, onField("patientId", err)
}

// hearsOfFiles judges as a list of the patient's files would: who may not know
// of the patient must see a file there at least.
func (c *call) hearsOfFiles(ctx context.Context, patient clinical.PatientID) (f policy.Filter, err error) {
	res, err := subject(ctx, c, policy.Patient, patient, c.PatientSubject)
	if err != nil {
		return f, err
	}
	if f, err = c.r.Gate.Filter(ctx, c.actor, policy.ListFiles, policy.File, c.now); err != nil {
		return f, err
	}
	if d, err := c.judge(ctx, policy.ReadPatient, res); err != nil || d.Allowed() {
		return f, err
	}
	some, err := c.Tx.Files(ctx, f, store.FileQuery{Patient: patient}, clinical.Page{First: 1})
	if err == nil && len(some.Items) == 0 {
		_, err = c.permit(ctx, policy.ReadPatient, res)
	}
	return f, err
}

// seek looks through one batch of events for one that the actor may hear of.
func (c *call) seek(ctx context.Context, patient clinical.PatientID, place int64, newest bool) (s step, err error) {
	var batch []store.PlacedEvent
	if newest {
		batch, err = c.NewestEvents(ctx, patient, fileEvents, watchBatch)
		if len(batch) > 0 {
			place = batch[0].Place // nothing older is told, seen or not
		}
	} else {
		batch, err = c.PatientEvents(ctx, patient, fileEvents, place, watchBatch)
	}
	s = step{place: place, more: !newest && len(batch) == watchBatch}
	if err == nil && !newest {
		err = c.unbroken(ctx, patient, place) // after the batch: what was forgotten before it is missing in it
	}
	if err != nil || len(batch) == 0 {
		return s, err
	}
	// What was read may be younger than the first look at who reads it.
	if _, err := c.mayWatchFiles(ctx, patient); err != nil {
		return s, err
	}
	for _, e := range batch {
		if !newest {
			s.place = e.Place
		}
		seen, err := c.seesFile(ctx, clinical.FileID(e.Subject))
		if err != nil {
			return s, err
		}
		if seen {
			s.change = &FileChange{Cursor: strconv.FormatInt(e.Place, 10), Type: e.Type, File: clinical.FileID(e.Subject), At: e.At}
			s.more = true
			return s, nil
		}
	}
	return s, nil
}

// unbroken is Gone when events behind a place have been forgotten. "" as a cursor
// asks for all there are.
func (c *call) unbroken(ctx context.Context, patient clinical.PatientID, place int64) error {
	if place == 0 {
		return nil
	}
	first, err := c.FirstPlace(ctx, patient)
	if err == nil && first > place+1 {
		err = clinical.Fail(clinical.Gone, "the events behind this cursor are not kept any more: list the files, and subscribe without it", nil).
			WithField("afterCursor")
	}
	return err
}

// seesFile reports whether the actor may know of a file. One that is gone for
// good is nobody's.
func (c *call) seesFile(ctx context.Context, id clinical.FileID) (bool, error) {
	return looks(ctx, c, policy.ReadFile, id, c.FileSubject)
}
