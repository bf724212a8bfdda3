package records_test

import (
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

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
