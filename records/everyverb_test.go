package records_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/seal"
)

// none says that a success of a verb leaves no event.
const none = -1

// verb is how one of the verbs is tried.
type verb struct {
	// by may do it; of may not, and is told so by kind.
	by, of string
	kind   clinical.Kind
	// events are left by one success: one for each patient concerned; 0 means 1.
	events int
	// silent says why nobody is refused, or why a success is no event.
	silent string
	// stepwise: it commits bytes, or holds the upload, before its effect and its
	// event; a failure leaves those.
	stepwise bool
	// ready makes what the verb needs, and gives the verb.
	ready func(c clinic) func(a clinical.Actor) error
}

// verbs are all of them, by method.
func verbs() map[string]verb {
	all := map[string]verb{}
	for _, part := range []map[string]verb{chartVerbs(), fileVerbs(), noteVerbs(), uploadVerbs(), linkVerbs(), auditVerbs(), adminVerbs()} {
		maps.Copy(all, part)
	}
	return all
}

// at is a verb that needs nothing made ready.
func at(f func(c clinic, a clinical.Actor) error) func(clinic) func(clinical.Actor) error {
	return func(c clinic) func(clinical.Actor) error { return func(a clinical.Actor) error { return f(c, a) } }
}

// on is a verb on a new file of the first demo patient.
func on(f func(c clinic, a clinical.Actor, f clinical.File) error) func(clinic) func(clinical.Actor) error {
	return func(c clinic) func(clinical.Actor) error {
		file := c.upload("clinician", intake(), pdf)
		return func(a clinical.Actor) error { return f(c, a, file) }
	}
}

// about is a verb on a new draft of the clinician's.
func about(signed bool, f func(c clinic, a clinical.Actor, n clinical.Note) error) func(clinic) func(clinical.Actor) error {
	return func(c clinic) func(clinical.Actor) error {
		n := c.draft("clinician")
		if signed {
			n = c.mustSign("clinician", n)
		}
		return func(a clinical.Actor) error { return f(c, a, n) }
	}
}

var five = clinical.Page{First: 5}

func chartVerbs() map[string]verb {
	return map[string]verb{
		"Records.Patient": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Patient(c.t.Context(), a, demo.Patient)
			return err
		})},
		"Records.Patients": {by: "clinician", silent: "those who see nobody get an empty list", events: 2, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Patients(c.t.Context(), a, "", five)
			return err
		})},
		"Records.RegisterPatient": {by: "clinician", of: "auditor", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.RegisterPatient(c.t.Context(), a, records.RegisterPatient{DisplayName: "New"})
			return err
		})},
		"Records.OpenEncounter": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.OpenEncounter(c.t.Context(), a, records.OpenEncounter{Patient: demo.Patient})
			return err
		})},
		"Records.Encounter": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Encounter(c.t.Context(), a, demo.Encounter)
			return err
		})},
		"Records.BreakGlass": {by: "clinician", of: "clerk", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.BreakGlass(c.t.Context(), a, records.BreakGlass{Patient: demo.ColleaguePatient, Reason: collapsed})
			return err
		})},
	}
}

func fileVerbs() map[string]verb {
	return map[string]verb{
		"Records.File": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.File(c.t.Context(), a, f.ID)
			return err
		})},
		"Records.Files": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Files(c.t.Context(), a, demo.Patient, records.FileQuery{Page: five})
			return err
		})},
		"Records.FilesByID": {by: "clinician", silent: "those who may see none of them get none", ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.FilesByID(c.t.Context(), a, []clinical.FileID{f.ID})
			return err
		})},
		"Records.FileProvenance": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.FileProvenance(c.t.Context(), a, f.ID)
			return err
		})},
		"Records.FileDeletion": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: func(c clinic) func(clinical.Actor) error {
			f := c.upload("clinician", intake(), pdf)
			c.exec(c.admin(), `INSERT INTO deletion SELECT tenant_id, id, patient_id, kind, object_key, size, sha256, 'P1Y', now(), now() FROM file WHERE id = $1`, string(f.ID))
			return func(a clinical.Actor) error { _, err := c.Records.FileDeletion(c.t.Context(), a, f.ID); return err }
		}},
		"Records.UpdateFile": {by: "clinician", of: "admin", kind: clinical.Forbidden, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.UpdateFile(c.t.Context(), a, records.UpdateFile{File: f.ID, Version: f.Version, Title: new("Another")})
			return err
		})},
		"Records.SupersedeFile": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: func(c clinic) func(clinical.Actor) error {
			f, by := c.upload("clinician", intake(), pdf), c.upload("clinician", intake(), pdf)
			return func(a clinical.Actor) error {
				_, err := c.Records.SupersedeFile(c.t.Context(), a, records.SupersedeFile{File: f.ID, By: by.ID, Version: f.Version})
				return err
			}
		}},
		"Records.RetractFile": {by: "clinician", of: "admin", kind: clinical.Forbidden, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.RetractFile(c.t.Context(), a, records.RetractFile{File: f.ID, Version: f.Version, Reason: "wrong scan"})
			return err
		})},
		"Records.RefileFile": {by: "clinician", of: "admin", kind: clinical.Forbidden, events: 2, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.RefileFile(c.t.Context(), a, records.RefileFile{File: f.ID, Version: f.Version, ToPatient: demo.SecondPatient, Reason: "mixed up"})
			return err
		})},
		"Records.SetLegalHold": {by: "admin", of: "clinician", kind: clinical.Forbidden, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.SetLegalHold(c.t.Context(), a, records.SetLegalHold{File: f.ID, Hold: true, Reason: "a claim"})
			return err
		})},
		"Records.ReportScan": {by: "pipeline", of: "clinician", kind: clinical.Forbidden, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.ReportScan(c.t.Context(), a, records.ReportScan{File: f.ID, Status: clinical.ScanClean, Engine: "test 1"})
			return err
		})},
	}
}

func noteVerbs() map[string]verb {
	return map[string]verb{
		"Records.CreateNote": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.CreateNote(c.t.Context(), a, records.CreateNote{Patient: demo.Patient, Title: "Follow-up", Draft: "S: better"})
			return err
		})},
		"Records.Note": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: about(false, func(c clinic, a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.Note(c.t.Context(), a, n.ID)
			return err
		})},
		"Records.Notes": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Notes(c.t.Context(), a, demo.Patient, records.NoteQuery{Page: five})
			return err
		})},
		"Records.NotesByID": {by: "clinician", silent: "those who may see none of them get none", ready: about(false, func(c clinic, a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.NotesByID(c.t.Context(), a, []clinical.NoteID{n.ID})
			return err
		})},
		"Records.NoteVersions": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: about(false, func(c clinic, a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.NoteVersions(c.t.Context(), a, n.ID)
			return err
		})},
		"Records.NoteProvenance": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: about(false, func(c clinic, a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.NoteProvenance(c.t.Context(), a, n.ID)
			return err
		})},
		"Records.UpdateNoteDraft": {by: "clinician", of: "scribe", kind: clinical.Forbidden, ready: about(false, func(c clinic, a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.UpdateNoteDraft(c.t.Context(), a, records.UpdateNoteDraft{Note: n.ID, Version: n.Version, Draft: "S: well"})
			return err
		})},
		"Records.SignNote": {by: "clinician", of: "scribe", kind: clinical.Forbidden, ready: about(false, func(c clinic, a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.SignNote(c.t.Context(), a, records.SignNote{Note: n.ID, Version: n.Version})
			return err
		})},
		"Records.AmendNote": {by: "clinician", of: "scribe", kind: clinical.Forbidden, ready: about(true, func(c clinic, a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.AmendNote(c.t.Context(), a, records.AmendNote{Note: n.ID, Draft: "S: worse", Reason: "misheard"})
			return err
		})},
		"Records.RetractNote": {by: "clinician", of: "scribe", kind: clinical.Forbidden, ready: about(false, func(c clinic, a clinical.Actor, n clinical.Note) error {
			_, err := c.Records.RetractNote(c.t.Context(), a, records.RetractNote{Note: n.ID, Version: n.Version, Reason: "other visit"})
			return err
		})},
	}
}

// begun is an upload of the clinician's with all of its bytes.
func begun(c clinic, content []byte) records.BegunUpload {
	c.t.Helper()
	in, size := intake(), int64(len(pdf))
	in.Length = &size
	out, err := c.Records.BeginUpload(c.t.Context(), c.As("clinician"), in)
	c.must(err)
	if len(content) == 0 {
		return out
	}
	up, err := c.Records.OpenUpload(c.t.Context(), c.As("clinician"), out.Upload.ID, nil)
	c.must(err)
	defer up.Release()
	_, err = up.Receive(c.t.Context(), bytes.NewReader(content), nil)
	c.must(err)
	return out
}

func uploadVerbs() map[string]verb {
	open := func(content []byte, f func(c clinic, a clinical.Actor, u records.BegunUpload) error) func(clinic) func(clinical.Actor) error {
		return func(c clinic) func(clinical.Actor) error {
			u := begun(c, content)
			return func(a clinical.Actor) error { return f(c, a, u) }
		}
	}
	hold := func(c clinic, a clinical.Actor, u records.BegunUpload) (*records.Incoming, error) {
		return c.Records.OpenUpload(c.t.Context(), a, u.Upload.ID, nil)
	}
	return map[string]verb{
		"Records.BeginUpload": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.BeginUpload(c.t.Context(), a, intake())
			return err
		})},
		"Records.Upload": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: open(nil, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			_, err := c.Records.Upload(c.t.Context(), a, u.Upload.ID)
			return err
		})},
		"Records.Uploads": {by: "clinician", silent: "those without uploads get an empty list", ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Uploads(c.t.Context(), a, records.UploadQuery{Page: five})
			return err
		})},
		"Records.OpenUpload": {by: "clinician", of: "colleague", kind: clinical.NotFound, events: none, silent: "the first of many requests; the record has its event",
			ready: open(nil, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
				in, err := hold(c, a, u)
				if err == nil {
					in.Release()
				}
				return err
			})},
		"Records.OpenUploadByToken": {by: "clinician", events: none, silent: "the token is the upload's own; the record has its event",
			ready: open(nil, func(c clinic, _ clinical.Actor, u records.BegunUpload) error {
				in, err := c.Records.OpenUploadByToken(c.t.Context(), u.Upload.ID, u.Token, "", nil)
				if err == nil {
					in.Release()
				}
				return err
			})},
		"Records.CancelUpload": {by: "clinician", of: "colleague", kind: clinical.NotFound, stepwise: true, ready: open(nil, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			_, err := c.Records.CancelUpload(c.t.Context(), a, u.Upload.ID)
			return err
		})},
		"Incoming.Cancel": {by: "clinician", of: "colleague", kind: clinical.NotFound, stepwise: true, ready: open(nil, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			in, err := hold(c, a, u)
			if err != nil {
				return err
			}
			defer in.Release()
			return in.Cancel(c.t.Context())
		})},
		"Records.FinishUpload": {by: "clinician", of: "colleague", kind: clinical.NotFound, stepwise: true, ready: open(pdf, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			_, err := c.Records.FinishUpload(c.t.Context(), a, u.Upload.ID, records.FinishUpload{})
			return err
		})},
		"Incoming.Finish": {by: "clinician", of: "colleague", kind: clinical.NotFound, stepwise: true, ready: open(pdf, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			in, err := hold(c, a, u)
			if err != nil {
				return err
			}
			defer in.Release()
			_, err = in.Finish(c.t.Context(), false)
			return err
		})},
	}
}

func linkVerbs() map[string]verb {
	return map[string]verb{
		"Records.SignedURL": {by: "clinician", of: "admin", kind: clinical.Forbidden, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.SignedURL(c.t.Context(), a, records.SignedURL{Document: string(f.ID)})
			return err
		})},
		"Records.RevokeLinks": {by: "clinician", silent: "those without links end none", ready: func(c clinic) func(clinical.Actor) error {
			f := c.upload("clinician", intake(), pdf)
			_, err := c.link("clinician", f, clinical.Direct)
			c.must(err)
			return func(a clinical.Actor) error {
				_, err := c.Records.RevokeLinks(c.t.Context(), a, records.RevokeLinks{File: f.ID, Reason: "not needed"})
				return err
			}
		}},
		"Records.FollowLink": {by: "clinician", silent: "whoever has the token follows it: TestGatedLinkIsCheckedAtEveryFetch", ready: func(c clinic) func(clinical.Actor) error {
			f := c.upload("clinician", intake(), pdf)
			l, err := c.link("clinician", f, clinical.Gated)
			c.must(err)
			return func(clinical.Actor) error {
				_, err := c.Records.FollowLink(c.t.Context(), l.URL[strings.LastIndex(l.URL, "/")+1:], "")
				return err
			}
		}},
	}
}

func auditVerbs() map[string]verb {
	return map[string]verb{
		"Records.AuditEvents": {by: "auditor", of: "clinician", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.AuditEvents(c.t.Context(), a, records.AuditQuery{Page: five})
			return err
		})},
		"Records.FileAccessReport": {by: "auditor", of: "clinician", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.FileAccessReport(c.t.Context(), a, demo.Patient, nil, nil, five)
			return err
		})},
		"Records.AuditEvent": {by: "auditor", of: "clinician", kind: clinical.NotFound, ready: func(c clinic) func(clinical.Actor) error {
			c.look("clinician")
			id := c.events("patient")[0].ID
			return func(a clinical.Actor) error { _, err := c.Records.AuditEvent(c.t.Context(), a, id); return err }
		}},
		"Records.ExportAudit": {by: "auditor", of: "admin", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			return c.Records.ExportAudit(c.t.Context(), a, nil, nil, func(seal.Item) error { return nil })
		})},
		"Records.IngestAccessLog": {by: "clinician", silent: "the operator's; nobody asks for anything", ready: func(c clinic) func(clinical.Actor) error {
			f := c.upload("clinician", intake(), pdf)
			l, err := c.link("clinician", f, clinical.Direct)
			c.must(err)
			line := c.logLine(l.URL, "REQ"+string(f.ID), 200)
			return func(clinical.Actor) error {
				_, err := c.Records.IngestAccessLog(c.t.Context(), strings.NewReader(line))
				return err
			}
		}},
	}
}

// newMember is a member that no other verb knows.
func newMember(c clinic) clinical.Member {
	c.t.Helper()
	m, err := c.Records.AddMember(c.t.Context(), c.As("admin"), records.AddMember{Kind: clinical.Device, Display: "Room 9"})
	c.must(err)
	return m
}

// someone is a verb on a new member, and admins' alone.
func someone(f func(c clinic, a clinical.Actor, m clinical.Member) error) verb {
	return verb{by: "admin", of: "clinician", kind: clinical.Forbidden, ready: func(c clinic) func(clinical.Actor) error {
		m := newMember(c)
		return func(a clinical.Actor) error { return f(c, a, m) }
	}}
}

// administration is a verb of admins alone.
func administration(f func(c clinic, a clinical.Actor) error) verb {
	return verb{by: "admin", of: "clinician", kind: clinical.Forbidden, ready: at(f)}
}

func adminVerbs() map[string]verb {
	house := clinical.DefaultKinds()[0]
	house.Code = "house-form"
	return map[string]verb{
		"Records.AddMember": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.AddMember(c.t.Context(), a, records.AddMember{Kind: clinical.Device, Display: "Room 8"})
			return err
		}),
		"Records.Members": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Members(c.t.Context(), a, records.MemberQuery{Page: five})
			return err
		}),
		"Records.Member": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.Member(c.t.Context(), a, m.ID)
			return err
		}),
		"Records.UpdateMember": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.UpdateMember(c.t.Context(), a, records.UpdateMember{Member: m.ID, Display: new("Room 10")})
			return err
		}),
		"Records.EndMember": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.EndMember(c.t.Context(), a, m.ID)
			return err
		}),
		"Records.Panel": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.Panel(c.t.Context(), a, m.ID)
			return err
		}),
		"Records.SetPanel": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.SetPanel(c.t.Context(), a, records.SetPanel{Member: m.ID, Add: []records.PanelChange{{Patient: demo.Patient}}})
			return err
		}),
		"Records.SetCareGroups": administration(func(c clinic, a clinical.Actor) error {
			return c.Records.SetCareGroups(c.t.Context(), a, demo.SecondPatient, []string{"ward-9"})
		}),
		"Records.CreateKey": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.CreateKey(c.t.Context(), a, records.CreateKey{Member: m.ID, Label: "test"})
			return err
		}),
		"Records.MemberKeys": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.MemberKeys(c.t.Context(), a, m.ID)
			return err
		}),
		"Records.RevokeKey": {by: "admin", of: "clinician", kind: clinical.Forbidden, ready: func(c clinic) func(clinical.Actor) error {
			k := c.createKey(records.CreateKey{Member: newMember(c).ID})
			return func(a clinical.Actor) error { _, err := c.Records.RevokeKey(c.t.Context(), a, k.Key.ID); return err }
		}},
		"Records.Clinic": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Clinic(c.t.Context(), a)
			return err
		}),
		"Records.UpdateClinic": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.UpdateClinic(c.t.Context(), a, records.UpdateClinic{Display: new("Harbor")})
			return err
		}),
		"Records.Explain": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Explain(c.t.Context(), a, records.Explain{Principal: c.As("clerk").ID, Action: policy.ReadPatient, ID: string(demo.Patient)})
			return err
		}),
		"Records.SetKind": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.SetKind(c.t.Context(), a, house)
			return err
		}),
		"Records.RetireKind": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.RetireKind(c.t.Context(), a, "tracing")
			return err
		}),
		"Records.BreakGlassReviews": {by: "admin", of: "clinician", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.BreakGlassReviews(c.t.Context(), a, records.BreakGlassQuery{Page: five})
			return err
		})},
		"Records.ReviewBreakGlass": {by: "admin", of: "clinician", kind: clinical.Forbidden, ready: func(c clinic) func(clinical.Actor) error {
			out := c.breakGlass("colleague", demo.Patient)
			return func(a clinical.Actor) error {
				_, err := c.Records.ReviewBreakGlass(c.t.Context(), a, records.ReviewBreakGlass{Grant: out.Grant.ID, Verdict: clinical.Justified})
				return err
			}
		}},
	}
}

// ledgerOf is everything in the database but the trail and its lists, and how
// many events the trail has.
func ledgerOf(c clinic, db *sql.DB) (state string, events int) {
	c.t.Helper()
	rows, err := db.Query(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'audit\_%' ORDER BY 1`)
	c.must(err)
	var tables []string
	for rows.Next() {
		var name string
		c.must(rows.Scan(&name))
		tables = append(tables, name)
	}
	c.must(rows.Err())
	for _, table := range tables {
		var digest string
		c.must(db.QueryRow(`SELECT coalesce(md5(string_agg(t::text, E'\n' ORDER BY t::text)), '') FROM ` + table + ` t`).Scan(&digest))
		state += table + " " + digest + "\n"
	}
	return state, c.count(db, `SELECT count(*) FROM audit_event`)
}

// Every verb, asked by one who may and by one who may not, leaves one event for
// each patient; and where the event cannot be written, nothing is done and
// nothing is told (P5).
func TestP5_EveryVerbLeavesItsEvent(t *testing.T) {
	c := open(t)
	db := c.admin()
	all := verbs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			c := clinic{c.Clinic, t}
			v := all[name]
			if v.of == "" && v.silent == "" {
				t.Error("nobody is refused, and nothing says why")
			}
			do := v.ready(c)
			v.withoutAudit(c, db, do)
			v.refused(c, db, do)
			v.done(c, db, do)
		})
	}
}

// withoutAudit tries the verb while the trail takes no event.
func (v verb) withoutAudit(c clinic, db *sql.DB, do func(clinical.Actor) error) {
	c.t.Helper()
	by, of := c.As(v.by), clinical.Actor{}
	if v.of != "" {
		of = c.As(v.of)
	}
	before, _ := ledgerOf(c, db)
	c.exec(db, `ALTER TABLE audit_event ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	defer c.exec(db, `ALTER TABLE audit_event DROP CONSTRAINT full_disk`)
	if err := do(by); v.events != none && !clinical.Is(err, clinical.Internal) {
		c.t.Errorf("done without its event: %v", err)
	}
	if v.of != "" {
		if err := do(of); !clinical.Is(err, clinical.Internal) {
			c.t.Errorf("a refusal without its event: %v", err)
		}
	}
	if after, _ := ledgerOf(c, db); after != before && !v.stepwise && v.events != none {
		c.t.Errorf("it left something behind:\n%s", changes(before, after))
	}
}

func (v verb) refused(c clinic, db *sql.DB, do func(clinical.Actor) error) {
	c.t.Helper()
	if v.of == "" {
		return
	}
	actor := c.As(v.of)
	actor.Session.RequestID = fmt.Sprint("refused ", time.Now().UnixNano())
	before, n := ledgerOf(c, db)
	if err := do(actor); !clinical.Is(err, v.kind) {
		c.t.Errorf("%s is told %v, want %s", v.of, err, v.kind)
	}
	after, m := ledgerOf(c, db)
	if after != before {
		c.t.Errorf("a refusal changed something:\n%s", changes(before, after))
	}
	if m-n != 1 {
		c.t.Errorf("a refusal left %d events", m-n)
	}
	if c.count(db, `SELECT count(*) FROM audit_event WHERE outcome = '4' AND rule <> '' AND actor_id = $1 AND request_id = $2`, string(actor.ID), actor.Session.RequestID) != 1 {
		c.t.Error("the refusal's event says too little")
	}
}

func (v verb) done(c clinic, db *sql.DB, do func(clinical.Actor) error) {
	c.t.Helper()
	actor := c.As(v.by)
	_, n := ledgerOf(c, db)
	if err := do(actor); err != nil {
		c.t.Fatalf("%s: %v", v.by, err)
	}
	_, m := ledgerOf(c, db)
	want := max(v.events, 1)
	if v.events == none {
		want = 0
	}
	if m-n != want {
		c.t.Errorf("a success left %d events, want %d", m-n, want)
	}
	bare := c.count(db, `SELECT count(*) FROM (SELECT * FROM audit_event ORDER BY seq DESC LIMIT $1) e
		WHERE verb = '' OR action = '' OR subtype = '' OR purpose = '' OR outcome <> '0'`, m-n)
	if bare > 0 {
		c.t.Error("the event says too little")
	}
}

// changes are the lines that two states do not share.
func changes(before, after string) string {
	var out []string
	was := strings.Split(before, "\n")
	for _, line := range strings.Split(after, "\n") {
		if !slices.Contains(was, line) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// A call that is made again tells its answer again: that is an event, too.
func TestP5_RepeatedCallsLeaveTheirEvents(t *testing.T) {
	c := open(t)
	db := c.admin()
	ctx, clinician := t.Context(), c.As("clinician")
	u := begun(c, pdf)
	in := intake()
	in.IdempotencyKey = "upload-again"
	m := records.AddMember{Kind: clinical.Device, Display: "Room 8", IdempotencyKey: "member-again"}
	signed := c.mustSign("clinician", c.draft("clinician"))
	for name, call := range map[string]func() error{
		"registerPatient": func() error {
			_, err := c.Records.RegisterPatient(ctx, c.As("clinician"), records.RegisterPatient{DisplayName: "New", IdempotencyKey: "patient-again"})
			return err
		},
		"openEncounter": func() error {
			_, err := c.Records.OpenEncounter(ctx, clinician, records.OpenEncounter{Patient: demo.Patient, IdempotencyKey: "visit-again"})
			return err
		},
		"createUpload": func() error { _, err := c.Records.BeginUpload(ctx, clinician, in); return err },
		"finishUpload": func() error {
			_, err := c.Records.FinishUpload(ctx, clinician, u.Upload.ID, records.FinishUpload{})
			return err
		},
		"createNote": func() error {
			_, err := c.tryDraft("clinician", func(n *records.CreateNote) { n.IdempotencyKey = "note-again" })
			return err
		},
		"amendNote": func() error { _, err := c.amend("clinician", signed, "amend-again"); return err },
		"addMember": func() error { _, err := c.Records.AddMember(ctx, c.As("admin"), m); return err },
	} {
		c.must(call())
		_, before := ledgerOf(c, db)
		c.must(call())
		if _, after := ledgerOf(c, db); after-before != 1 {
			t.Errorf("%s made again left %d events", name, after-before)
		}
	}
}
