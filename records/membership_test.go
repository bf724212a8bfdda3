package records_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// login is whom a subject of the tests' issuer is.
func (c clinic) login(subject string) (clinical.Actor, error) {
	return auth.MembersOf(c.Store).MemberOfLogin(c.t.Context(), "https://id.example", subject)
}

func newDoctor(subject string) records.AddMember {
	return records.AddMember{
		Kind: clinical.User, Display: " Dr. Kim Ode ", Roles: []clinical.Role{clinical.Clinician}, Clearance: 1,
		Departments: []string{"derm"}, CareGroups: []string{"ward-7"},
		Login: clinical.Login{Issuer: "https://id.example", Subject: subject},
	}
}

func TestMemberFromJoiningToLeaving(t *testing.T) {
	c := open(t)
	ctx, admin := t.Context(), c.As("admin")
	f := c.upload("clinician", intake(), pdf)
	m, err := c.Records.AddMember(ctx, admin, newDoctor("kim"))
	if err != nil {
		t.Fatal(err)
	}
	who, err := c.login("kim")
	if err != nil || who.ID != m.ID || who.Display != "Dr. Kim Ode" || who.Tenant != demo.Harbor || !who.HasRole(clinical.Clinician) {
		t.Fatalf("%+v: %v", who, err)
	}
	read := func() error {
		who, err := c.login("kim")
		if err != nil {
			return err
		}
		who, err = who.WithPurpose("")
		if err == nil {
			_, err = c.Records.File(ctx, who, f.ID)
		}
		return err
	}
	c.wantKind(read(), clinical.NotFound)

	// By the panel, until taken off; by the care group; by neither.
	soon := time.Now().Add(time.Hour)
	panel, err := c.Records.SetPanel(ctx, admin, records.SetPanel{Member: m.ID, Add: []records.PanelChange{{Patient: demo.Patient, Until: &soon}, {Patient: demo.SecondPatient}}})
	if err != nil || len(panel) != 2 || panel[0].Patient != demo.Patient || panel[0].Until == nil || panel[1].Until != nil {
		t.Fatalf("%+v: %v", panel, err)
	}
	if err := read(); err != nil {
		t.Error(err)
	}
	panel, err = c.Records.SetPanel(ctx, admin, records.SetPanel{Member: m.ID, Remove: []clinical.PatientID{demo.Patient}})
	if err != nil || len(panel) != 1 {
		t.Fatalf("%+v: %v", panel, err)
	}
	c.wantKind(read(), clinical.NotFound)
	if err := c.Records.SetCareGroups(ctx, admin, demo.Patient, []string{"ward-7"}); err != nil {
		t.Fatal(err)
	}
	if err := read(); err != nil {
		t.Error(err)
	}

	// A new login takes the place of the old one; a new role closes the charts.
	roles := []clinical.Role{clinical.Auditor}
	m, err = c.Records.UpdateMember(ctx, admin, records.UpdateMember{Member: m.ID, Roles: &roles, Login: &clinical.Login{Issuer: "https://id.example", Subject: "kim-2"}})
	if err != nil || m.Display != "Dr. Kim Ode" || m.Clearance != 1 || !slices.Equal(m.Roles, roles) {
		t.Fatalf("%+v: %v", m, err)
	}
	if _, err := c.login("kim"); !clinical.Is(err, clinical.Unauthenticated) {
		t.Errorf("the old login: %v", err)
	}
	if who, err := c.login("kim-2"); err != nil || who.HasRole(clinical.Clinician) {
		t.Errorf("%+v: %v", who, err)
	}

	if m, err = c.Records.EndMember(ctx, admin, m.ID); err != nil || m.EndedAt == nil {
		t.Fatalf("%+v: %v", m, err)
	}
	if _, err := c.login("kim-2"); !clinical.Is(err, clinical.Unauthenticated) {
		t.Errorf("after the end: %v", err)
	}
	_, err = c.Records.EndMember(ctx, admin, m.ID)
	c.wantKind(err, clinical.Conflict)
	read2, err := c.Records.Member(ctx, admin, m.ID)
	if err != nil || read2.EndedAt == nil {
		t.Errorf("%+v: %v", read2, err)
	}
}

func TestMembersAreMadeOfGoodInput(t *testing.T) {
	c := open(t)
	admin := c.As("admin")
	for field, change := range map[string]func(*records.AddMember){
		"kind":        func(in *records.AddMember) { in.Kind = clinical.System },
		"roles":       func(in *records.AddMember) { in.Roles = []clinical.Role{"king"} },
		"clearance":   func(in *records.AddMember) { in.Clearance = 3 },
		"display":     func(in *records.AddMember) { in.Display = "   " },
		"departments": func(in *records.AddMember) { in.Departments = []string{" derm"} },
		"careGroups":  func(in *records.AddMember) { in.CareGroups = []string{strings.Repeat("x", 101)} },
		"login":       func(in *records.AddMember) { in.Login.Issuer = "" },
	} {
		in := newDoctor("kim")
		change(&in)
		_, err := c.Records.AddMember(t.Context(), admin, in)
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	machine := newDoctor("")
	machine.Kind, machine.Login = clinical.Agent, clinical.Login{}
	_, err := c.Records.AddMember(t.Context(), admin, machine)
	c.wantKind(err, clinical.Invalid) // a machine with a person's role
	machine.Roles = nil
	if _, err := c.Records.AddMember(t.Context(), admin, machine); err != nil {
		t.Error(err)
	}
	if _, err := c.Records.AddMember(t.Context(), admin, newDoctor("kim")); err != nil {
		t.Error(err)
	}
	_, err = c.Records.AddMember(t.Context(), admin, newDoctor("kim"))
	c.wantKind(err, clinical.Conflict)
	once := newDoctor("lee")
	once.IdempotencyKey = "the-same-call"
	first, err := c.Records.AddMember(t.Context(), admin, once)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Records.AddMember(t.Context(), admin, once)
	if err != nil || again.ID != first.ID {
		t.Errorf("the same call made %s and %s (%v)", first.ID, again.ID, err)
	}
}

// Whoever administers the clinic does not raise themselves, and reaches nobody
// of another clinic.
func TestP4_AdministrationStaysWithinItsBounds(t *testing.T) {
	c := open(t)
	ctx, admin := t.Context(), c.As("admin")
	roles := []clinical.Role{clinical.Admin, clinical.Clinician}
	verbs := map[string]func(id clinical.ActorID) error{
		"updateMember": func(id clinical.ActorID) error {
			_, err := c.Records.UpdateMember(ctx, admin, records.UpdateMember{Member: id, Roles: &roles})
			return err
		},
		"endMember": func(id clinical.ActorID) error { _, err := c.Records.EndMember(ctx, admin, id); return err },
		"setPanel": func(id clinical.ActorID) error {
			_, err := c.Records.SetPanel(ctx, admin, records.SetPanel{Member: id, Add: []records.PanelChange{{Patient: demo.Patient}}})
			return err
		},
		"createKey": func(id clinical.ActorID) error {
			_, err := c.Records.CreateKey(ctx, admin, records.CreateKey{Member: id, Label: "x"})
			return err
		},
	}
	for name, verb := range verbs {
		if err := verb(admin.ID); !clinical.Is(err, clinical.Forbidden) {
			t.Errorf("%s on oneself: %v", name, err)
		}
		var missing *clinical.Failure
		for _, id := range []clinical.ActorID{c.As("outsider").ID, nobody, "", "no-such-id", "'; DROP TABLE member; --", clinical.ActorID(make([]byte, 10_000))} {
			f := clinical.AsFailure(verb(id))
			if missing == nil {
				missing = f
			}
			if f == nil || f.Kind != clinical.NotFound || f.Words != missing.Words || f.Field != missing.Field {
				t.Errorf("%s on %.40q: %v and %v", name, id, f, missing)
			}
		}
	}
	clinician := c.As("clinician").ID
	for _, p := range []clinical.PatientID{demo.LakesidePatient, nobody, "x"} {
		for _, in := range []records.SetPanel{{Member: clinician, Add: []records.PanelChange{{Patient: p}}}, {Member: clinician, Remove: []clinical.PatientID{p}}} {
			if _, err := c.Records.SetPanel(ctx, admin, in); !clinical.Is(err, clinical.NotFound) {
				t.Errorf("%+v: %v", in, err)
			}
		}
		if err := c.Records.SetCareGroups(ctx, admin, p, nil); !clinical.Is(err, clinical.NotFound) {
			t.Errorf("care groups of %s: %v", p, err)
		}
	}
	if a := c.As("admin"); len(a.Roles) != 1 || len(a.Panel) != 0 {
		t.Errorf("the administrator is %+v", a)
	}
}

// P5: what was done to whom, patient by patient.
func TestP5_MembershipsAreAudited(t *testing.T) {
	c := open(t)
	id := c.As("clinician").ID
	_, err := c.Records.SetPanel(t.Context(), c.As("admin"), records.SetPanel{
		Member: id, Add: []records.PanelChange{{Patient: demo.ColleaguePatient}}, Remove: []clinical.PatientID{demo.Patient},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Records.EndMember(t.Context(), c.As("admin"), id); err != nil {
		t.Fatal(err)
	}
	var patients []clinical.PatientID
	for _, e := range c.events("setPanel") {
		patients = append(patients, e.Patient)
		if e.Entities[0].ID != string(id) || e.Rule != "admin-administers" {
			t.Errorf("%+v", e)
		}
	}
	slices.Sort(patients)
	if !slices.Equal(patients, []clinical.PatientID{demo.Patient, demo.ColleaguePatient}) {
		t.Errorf("the charts of %v", patients)
	}
	if e := c.events("endMember"); len(e) != 1 || e[0].Action != clinical.AuditDelete || e[0].Entities[0].ID != string(id) {
		t.Errorf("%+v", e)
	}
}

// The command line lets a clinic's first administrator in; its tenant is its wall.
func TestOperatorBeginsAClinic(t *testing.T) {
	c := open(t)
	ctx, operator := t.Context(), records.Operator("hill-clinic")
	display, brief := "Hill Clinic", time.Minute
	if _, err := c.Records.UpdateClinic(ctx, operator, records.UpdateClinic{Display: &display, LinkTTLMax: &brief}); err != nil {
		t.Fatal(err)
	}
	in := newDoctor("first")
	in.Roles = []clinical.Role{clinical.Admin}
	m, err := c.Records.AddMember(ctx, operator, in)
	if err != nil {
		t.Fatal(err)
	}
	who, err := c.login("first")
	if err != nil || who.Tenant != "hill-clinic" || who.ID != m.ID {
		t.Fatalf("%+v: %v", who, err)
	}
	_, err = c.Records.EndMember(ctx, operator, c.As("clinician").ID)
	c.wantKind(err, clinical.NotFound)
	_, err = c.Records.Patient(ctx, operator, demo.Patient)
	c.wantKind(err, clinical.NotFound)
	_, err = c.Records.Patient(ctx, records.Operator(demo.Harbor), demo.Patient) // it administers; it does not read charts
	c.wantKind(err, clinical.NotFound)
}

func TestClinicLowersTheLifeOfLinks(t *testing.T) {
	c := open(t)
	ctx, admin := t.Context(), c.As("admin")
	f := c.upload("clinician", intake(), pdf)
	life := func() time.Duration {
		l, err := c.Records.SignedURL(ctx, c.As("clinician"), records.SignedURL{Document: string(f.ID), Delivery: clinical.Gated, TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return l.Link.ExpiresAt.Sub(l.Link.IssuedAt)
	}
	set := func(d time.Duration) error {
		_, err := c.Records.UpdateClinic(ctx, admin, records.UpdateClinic{LinkTTLMax: &d})
		return err
	}
	if got := life(); got != 15*time.Minute {
		t.Errorf("the server's own: %s", got)
	}
	if err := set(90 * time.Second); err != nil {
		t.Fatal(err)
	}
	if got := life(); got != 90*time.Second {
		t.Errorf("the clinic's: %s", got)
	}
	for _, d := range []time.Duration{time.Hour, -time.Second, time.Millisecond} {
		c.wantKind(set(d), clinical.Invalid)
	}
	if err := set(0); err != nil || life() != 15*time.Minute {
		t.Errorf("back to the server's: %v", err)
	}
	_, err := c.Records.UpdateClinic(ctx, c.As("clinician"), records.UpdateClinic{})
	c.wantKind(err, clinical.Forbidden)
	if cl, err := c.Records.Clinic(ctx, admin); err != nil || cl.Display != "Harbor Clinic" {
		t.Errorf("%+v: %v", cl, err)
	}
}

// What is under way when a membership ends, or a panel changes, ends there.
func TestP4_ChangesReachWhatIsUnderWay(t *testing.T) {
	for name, change := range map[string]func(c clinic) error{
		"membership ended": func(c clinic) error {
			_, err := c.Records.EndMember(t.Context(), c.As("admin"), c.As("clinician").ID)
			return err
		},
		"taken off the panel": func(c clinic) error {
			_, err := c.Records.SetPanel(t.Context(), c.As("admin"), records.SetPanel{Member: c.As("clinician").ID, Remove: []clinical.PatientID{demo.Patient}})
			return err
		},
		"role taken away": func(c clinic) error {
			_, err := c.Records.UpdateMember(t.Context(), c.As("admin"), records.UpdateMember{Member: c.As("clinician").ID, Roles: &[]clinical.Role{}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			ctx := t.Context()
			who := c.As("clinician")
			f := c.upload("clinician", intake(), pdf)
			link := func(d clinical.Delivery) records.SignedLink {
				l, err := c.Records.SignedURL(ctx, who, records.SignedURL{Document: string(f.ID), Delivery: d})
				if err != nil {
					t.Fatal(err)
				}
				return l
			}
			gated, direct := link(clinical.Gated), link(clinical.Direct)
			in := intake()
			size := int64(len(pdf))
			in.Length = &size
			begun, err := c.Records.BeginUpload(ctx, who, in)
			if err != nil {
				t.Fatal(err)
			}
			up, err := c.Records.OpenUploadByToken(ctx, begun.Upload.ID, begun.Token, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(c); err != nil {
				t.Fatal(err)
			}
			if _, err := up.Receive(ctx, strings.NewReader(string(pdf)), nil); err != nil {
				t.Fatalf("bytes on their way: %v", err)
			}
			if _, err = up.Finish(ctx, false); !clinical.Is(err, clinical.NotFound) && !clinical.Is(err, clinical.Forbidden) {
				t.Errorf("it became a record: %v", err)
			}
			if u := up.Upload(); u.State != clinical.UploadFailed || u.Failure.Code != clinical.FailedRefused {
				t.Errorf("the upload is %s, %+v", u.State, u.Failure)
			}
			up.Release()
			_, err = c.Records.FollowLink(ctx, gated.URL[strings.LastIndex(gated.URL, "/")+1:], "")
			c.wantKind(err, clinical.Gone)
			if name != "membership ended" {
				return
			}
			states := c.linkStates(c.As("admin"), store.LinkQuery{Actor: who.ID})
			if states[gated.Link.ID] != clinical.LinkRevoked || states[direct.Link.ID] != clinical.LinkRevoked {
				t.Errorf("the links' rows: %v", states)
			}
		})
	}
}

// linkStates are the states of links, as the actor sees their rows.
func (c clinic) linkStates(actor clinical.Actor, q store.LinkQuery) map[clinical.LinkID]clinical.LinkState {
	c.t.Helper()
	out := map[clinical.LinkID]clinical.LinkState{}
	f, err := c.Gate.Filter(c.t.Context(), actor, "readLink", "Link", time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	err = c.Store.InTx(c.t.Context(), actor.Tenant, func(ctx context.Context, tx *store.Tx) error {
		links, err := tx.Links(ctx, f, q)
		for _, l := range links {
			out[l.ID] = l.State(time.Now())
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}
