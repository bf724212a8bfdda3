package store

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// What is written comes back as it was, under a decision and not without one.
func TestNounsSurviveTheDatabase(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	e := clinical.Encounter{
		ID: clinical.NewID[clinical.EncounterID](noon), Tenant: north, Patient: p.ID, Status: "in-progress",
		StartedAt: &noon, CreatedAt: noon, CreatedBy: p.CreatedBy,
	}
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.InsertEncounter(ctx, e) })
	duration := noon.Add(time.Second)
	f := h.file(p, func(f *clinical.File) {
		f.Encounter, f.CapturedAt, f.Duration, f.Width, f.Height = e.ID, &duration, 12.5, 640, 480
		f.BodySite = &clinical.Coding{System: "urn:s", Code: "c", Display: "it's \\ \"odd\" ?"}
		f.Labels, f.Department, f.Title = []string{"it's", `a "b" \c {,}`, ""}, "derm", `O'Brien \' ? $1 %_ ünï`
		f.Digests.SHA1 = make([]byte, 20)
	})
	u := h.upload(p, func(u *clinical.Upload) { u.Encounter, u.Length, u.AnnouncedSHA256 = e.ID, nil, make([]byte, 32) })
	doctor := h.clinician(north, p.ID)
	owner := h.clinician(north)
	u.Owner = owner.ID
	h.exec(h.as(h.env.AdminURL), `UPDATE upload SET owner_id = $1 WHERE id = $2`, string(owner.ID), string(u.ID))

	h.in(north, func(ctx context.Context, tx *Tx) error {
		subject, err := tx.PatientSubject(ctx, p.ID)
		check(t, err)
		gotP, err := tx.Patient(ctx, h.decide(doctor, policy.ReadPatient, subject))
		same(t, gotP, p, err)

		subject, err = tx.EncounterSubject(ctx, e.ID)
		check(t, err)
		gotE, err := tx.Encounter(ctx, h.decide(doctor, policy.ReadEncounter, subject))
		same(t, gotE, e, err)

		subject, err = tx.FileSubject(ctx, f.ID)
		check(t, err)
		if !reflect.DeepEqual(subject, policy.OfFile(f, clinical.ScanNone, []string{"ward-7"})) {
			t.Errorf("the gate would look at %+v", subject)
		}
		gotF, err := tx.File(ctx, h.decide(doctor, policy.ReadFile, subject))
		same(t, gotF, f, err)

		subject, err = tx.UploadSubject(ctx, u.ID)
		check(t, err)
		gotU, err := tx.Upload(ctx, h.decide(owner, policy.ReadUpload, subject))
		same(t, gotU, u, err)
		hash, whose, err := tx.UploadToken(ctx, u.ID)
		same(t, string(hash), "hash of "+string(u.ID), err)
		same(t, whose, owner.ID, nil)
		return nil
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t testing.TB, got, want T, err error) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v (%v)\nwant %+v", got, err, want)
	}
}

// A receipt opens the row it is about and no other (P4).
func TestP4_ReadsDemandTheirReceipt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other := h.patient(north), h.patient(north)
	f := h.file(p)
	doctor, stranger := h.clinician(north, p.ID), h.clinician(north)
	abroad := h.clinician(south)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		subject, err := tx.FileSubject(ctx, f.ID)
		check(t, err)
		patientSubject, err := tx.PatientSubject(ctx, p.ID)
		check(t, err)
		denied := h.decide(stranger, policy.ReadFile, subject)
		if denied.Allowed() {
			t.Fatal("a stranger may read the file: the test tests nothing")
		}
		ofPatient := h.decide(doctor, policy.ReadPatient, patientSubject)
		for name, read := range map[string]func() error{
			"file, no decision":         func() error { _, err := tx.File(ctx, policy.Decision{}); return err },
			"file, a denial":            func() error { _, err := tx.File(ctx, denied); return err },
			"file, of the patient":      func() error { _, err := tx.File(ctx, ofPatient); return err },
			"require scan, a denial":    func() error { return tx.RequireScan(ctx, denied) },
			"detach, a denial":          func() error { _, err := tx.DetachFile(ctx, denied, noon); return err },
			"scans, a denial":           func() error { _, err := tx.Scans(ctx, denied); return err },
			"certificate, a denial":     func() error { _, err := tx.Deletion(ctx, denied); return err },
			"update, a denial":          func() error { _, err := tx.UpdateFile(ctx, denied, f); return err },
			"patient, no decision":      func() error { _, err := tx.Patient(ctx, policy.Decision{}); return err },
			"encounter, of a patient":   func() error { _, err := tx.Encounter(ctx, ofPatient); return err },
			"upload, of a patient":      func() error { _, err := tx.Upload(ctx, ofPatient); return err },
			"provenance, of a patient":  func() error { _, err := tx.ProvenanceOf(ctx, ofPatient); return err },
			"links of a file, a denial": func() error { _, err := tx.RevokeFileLinks(ctx, denied, noon); return err },
			"list links, a denial":      func() error { _, err := tx.FileLinks(ctx, denied); return err },
			"files, no filter":          func() error { _, err := tx.Files(ctx, policy.Filter{}, FileQuery{}, first(1)); return err },
			"files, of patients": func() error {
				_, err := tx.Files(ctx, h.filter(doctor, policy.ListPatients, policy.Patient), FileQuery{}, first(1))
				return err
			},
			"files, of another clinic": func() error {
				_, err := tx.Files(ctx, h.filter(abroad, policy.ListFiles, policy.File), FileQuery{}, first(1))
				return err
			},
			"files by id, of another clinic": func() error {
				_, err := tx.FilesByIDs(ctx, h.filter(abroad, policy.ListFiles, policy.File), []clinical.FileID{f.ID})
				return err
			},
			"patients, of files": func() error {
				_, err := tx.Patients(ctx, h.filter(doctor, policy.ListFiles, policy.File), "", first(1))
				return err
			},
			"links, no filter": func() error { _, err := tx.Links(ctx, policy.Filter{}, LinkQuery{File: f.ID}); return err },
			"audit, no filter": func() error { _, err := tx.AuditEvents(ctx, policy.Filter{}, AuditQuery{}, first(1)); return err },
			"uploads, no filter": func() error {
				_, err := tx.Uploads(ctx, policy.Filter{}, UploadQuery{}, first(1))
				return err
			},
		} {
			t.Run(name, func(t *testing.T) { wantKind(t, read(), clinical.Internal) })
		}

		// A decision about the file in one chart does not follow it into another.
		d := h.decide(doctor, policy.ReadFile, subject)
		moved := f
		moved.Patient = other.ID
		_, err = tx.UpdateFile(ctx, d, moved)
		check(t, err)
		_, err = tx.File(ctx, d)
		wantKind(t, err, clinical.Conflict)
		return nil
	})
}

func first(n int) clinical.Page { return clinical.Page{First: n} }

// What does not exist, what is malformed and what is another clinic's are one answer.
func TestMissing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	theirs := h.file(h.patient(south))
	doctor := h.clinician(north)
	ids := []string{string(theirs.ID), string(clinical.NewID[clinical.FileID](noon)), "", "x", "'; DROP TABLE file --"}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		for _, id := range ids {
			_, err := tx.FileSubject(ctx, clinical.FileID(id))
			wantKind(t, err, clinical.NotFound)
			_, err = tx.PatientSubject(ctx, clinical.PatientID(id))
			wantKind(t, err, clinical.NotFound)
			_, err = tx.EncounterSubject(ctx, clinical.EncounterID(id))
			wantKind(t, err, clinical.NotFound)
			wantKind(t, tx.EncounterOf(ctx, theirs.Patient, clinical.EncounterID(id)), clinical.NotFound)
			_, err = tx.UploadSubject(ctx, clinical.UploadID(id))
			wantKind(t, err, clinical.NotFound)
			_, _, err = tx.UploadToken(ctx, clinical.UploadID(id))
			wantKind(t, err, clinical.NotFound)
			_, err = tx.Actor(ctx, clinical.ActorID(id))
			wantKind(t, err, clinical.Unauthenticated)
		}
		return nil
	})
	for _, id := range ids {
		wantKind(t, h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			return tx.AddToPanel(ctx, doctor.ID, clinical.PatientID(id), nil)
		}), clinical.NotFound)
	}
}

// Only what the row had at the version that was read is overwritten.
func TestUpdateFileIsVersioned(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	f := h.file(p)
	doctor := h.clinician(north, p.ID)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		subject, err := tx.FileSubject(ctx, f.ID)
		check(t, err)
		d := h.decide(doctor, policy.UpdateFile, subject)
		read, err := tx.File(ctx, d)
		check(t, err)
		changed := read
		changed.Title, changed.Kind, changed.UpdatedAt = "right heel", "clinical-photo", noon.Add(time.Minute)
		changed.Size, changed.ObjectKey = 1, "elsewhere" // neither may change
		updated, err := tx.UpdateFile(ctx, d, changed)
		check(t, err)
		if updated.Version != 2 {
			t.Errorf("version %d, want 2", updated.Version)
		}
		_, err = tx.UpdateFile(ctx, d, changed)
		wantKind(t, err, clinical.Conflict)
		got, err := tx.File(ctx, d)
		want := f
		want.Title, want.Kind, want.UpdatedAt, want.Version = "right heel", "clinical-photo", noon.Add(time.Minute), 2
		same(t, got, want, err)
		return nil
	})
}

// A file comes of an upload once.
func TestInsertFileOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	again := f
	again.ID, again.ObjectKey = clinical.NewID[clinical.FileID](noon), "elsewhere"
	wantKind(t, h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		return tx.InsertFile(ctx, again, clinical.ScanNone)
	}), clinical.Conflict)
}

func TestMembers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, expired := h.patient(north), h.patient(north)
	doctor := h.member(clinical.Actor{
		Kind: clinical.User, Tenant: north, Roles: []clinical.Role{clinical.Clinician, clinical.Admin}, Clearance: 1,
		Departments: []string{"derm"}, CareGroups: []string{"ward-7"},
	}, p.ID)
	past := time.Now().Add(-time.Minute)
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.AddToPanel(ctx, doctor.ID, expired.ID, &past) })

	tenant, id, err := h.db.MemberOfLogin(h.Context(), "https://id.example", string(doctor.ID))
	if err != nil || tenant != north || id != doctor.ID {
		t.Fatalf("the login is %s of %s (%v)", id, tenant, err)
	}
	_, _, err = h.db.MemberOfLogin(h.Context(), "https://id.example", "nobody")
	wantKind(t, err, clinical.Unauthenticated)

	h.in(north, func(ctx context.Context, tx *Tx) error {
		got, err := tx.Actor(ctx, doctor.ID)
		same(t, got, clinical.Actor{
			ID: doctor.ID, Kind: clinical.User, Tenant: north, Display: doctor.Display,
			Roles: []clinical.Role{clinical.Clinician, clinical.Admin}, Clearance: 1, Departments: []string{"derm"},
			CareGroups: []string{"ward-7"}, Panel: []clinical.PatientID{p.ID},
		}, err)
		return tx.EndMember(ctx, doctor.ID)
	})
	_, _, err = h.db.MemberOfLogin(h.Context(), "https://id.example", string(doctor.ID))
	wantKind(t, err, clinical.Unauthenticated)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		_, err := tx.Actor(ctx, doctor.ID)
		wantKind(t, err, clinical.Unauthenticated)
		shown, err := tx.ActorDisplays(ctx, []clinical.ActorID{doctor.ID, "nobody"})
		if err != nil || len(shown) != 1 || shown[doctor.ID].Display != doctor.Display {
			t.Errorf("shown: %+v (%v)", shown, err)
		}
		return nil
	})
	// A login belongs to one member of one clinic.
	other := h.clinician(south)
	taken := h.clinician(north)
	wantKind(t, h.db.InTx(h.Context(), south, func(ctx context.Context, tx *Tx) error {
		return tx.UpsertMember(ctx, other, Login{Issuer: "https://id.example", Subject: string(taken.ID)})
	}), clinical.Conflict)
}

func TestClinic(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	want := Clinic{Tenant: north, Display: "Northern Clinic", LinkTTLMax: 90 * time.Second}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.UpsertClinic(ctx, want))
		got, err := tx.Clinic(ctx)
		same(t, got, want, err)
		return nil
	})
	h.in(south, func(ctx context.Context, tx *Tx) error {
		got, err := tx.Clinic(ctx)
		same(t, got, Clinic{Tenant: south, Display: "Clinic south"}, err)
		return nil
	})
	got, err := h.db.Tenants(h.Context())
	same(t, got, []clinical.TenantID{north, south}, err)
}
