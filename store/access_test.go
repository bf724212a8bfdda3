package store

import (
	"context"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// furnishAccess puts a row into every table of access: a bound key, and broken glass.
func (h *house) furnishAccess(p clinical.Patient) {
	h.Helper()
	scribe := h.member(clinical.Actor{Kind: clinical.Agent, Tenant: p.Tenant})
	h.key(scribe, func(k *clinical.Key) { k.Grants = []clinical.KeyGrant{{Patient: p.ID, Until: later()}} })
	h.breakGlass(h.clinician(p.Tenant), p.ID, later())
}

// later is an instant that has not come: the database judges by its own clock.
func later() time.Time { return time.Now().UTC().Add(30 * time.Minute).Truncate(time.Second) }

// key makes a key of a principal and gives it with its hash.
func (h *house) key(member clinical.Actor, change ...func(*clinical.Key)) (clinical.Key, []byte) {
	h.Helper()
	k := clinical.Key{
		ID: clinical.NewID[clinical.KeyID](noon), Tenant: member.Tenant, Member: member.ID, Label: "Room 2",
		CreatedAt: noon, CreatedBy: clinical.NewID[clinical.ActorID](noon),
	}
	for _, c := range change {
		c(&k)
	}
	_, hash := clinical.NewKeySecret(member.Tenant)
	h.in(member.Tenant, func(ctx context.Context, tx *Tx) error { return tx.InsertKey(ctx, k, member.Kind, hash) })
	return k, hash
}

func (h *house) breakGlass(who clinical.Actor, patient clinical.PatientID, until time.Time) clinical.BreakGlass {
	h.Helper()
	who.Session = clinical.Session{Purpose: clinical.Treatment, MFA: true}
	b := clinical.BreakGlass{
		ID: clinical.NewID[clinical.GrantID](noon), Tenant: who.Tenant, Member: who.ID, Patient: patient,
		Reason: "collapsed in the waiting room", GrantedAt: until.Add(-15 * time.Minute), ExpiresAt: until,
		Audit: clinical.NewID[clinical.AuditEventID](noon),
	}
	h.in(who.Tenant, func(ctx context.Context, tx *Tx) error {
		subject, err := tx.PatientSubject(ctx, patient)
		check(h, err)
		return tx.InsertBreakGlass(ctx, h.decide(who, policy.BreakGlass, subject), b)
	})
	return b
}

// administering is a decision with which an administrator runs the tenant's account.
func (h *house) administering(tenant clinical.TenantID) policy.Decision {
	h.Helper()
	return h.decide(h.user(tenant, clinical.Admin), policy.Administer, policy.OfTenant(tenant))
}

// actorOfKey is whom the key opens the door to.
func (h *house) actorOfKey(tenant clinical.TenantID, hash []byte) (a clinical.Actor, err error) {
	err = h.db.InTx(h.Context(), tenant, func(ctx context.Context, tx *Tx) error {
		a, err = tx.ActorOfKey(ctx, hash)
		return err
	})
	return a, err
}

func TestKeyStandsForItsMember(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other, visited := h.patient(north), h.patient(north), h.patient(north)
	scribe := h.member(clinical.Actor{Kind: clinical.Agent, Tenant: north, CareGroups: []string{"ward-7"}}, p.ID)
	doctor := h.clinician(north, p.ID)
	visit := clinical.Encounter{ID: clinical.NewID[clinical.EncounterID](noon), Tenant: north, Patient: visited.ID, CreatedAt: noon, CreatedBy: doctor.ID}
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.InsertEncounter(ctx, visit) })
	until := later()

	plain, plainHash := h.key(scribe)
	want := scribe
	want.Session.Key = plain.ID
	got, err := h.actorOfKey(north, plainHash)
	same(t, got, want, err)

	bound, boundHash := h.key(scribe, func(k *clinical.Key) {
		k.ID = clinical.NewID[clinical.KeyID](noon.Add(time.Second))
		k.OnBehalfOf, k.Scopes, k.ExpiresAt = doctor.ID, []string{"patient/Media.rs"}, &until
		k.Grants = []clinical.KeyGrant{{Patient: visited.ID, Encounter: visit.ID, Until: until}, {Patient: other.ID, Until: time.Now().Add(-time.Second).UTC().Truncate(time.Second)}}
	})
	want = scribe
	want.OnBehalfOf, want.Panel, want.CareGroups = &doctor, []clinical.PatientID{visited.ID}, nil
	want.Session = clinical.Session{Key: bound.ID, Scopes: []string{"patient/Media.rs"}}
	got, err = h.actorOfKey(north, boundHash)
	same(t, got, want, err)

	h.in(north, func(ctx context.Context, tx *Tx) error {
		keys, err := tx.Keys(ctx, h.administering(north), scribe.ID)
		check(t, err)
		for i := range keys {
			if keys[i].LastUsedAt == nil || time.Since(*keys[i].LastUsedAt) > time.Minute {
				t.Errorf("last used %v", keys[i].LastUsedAt)
			}
			keys[i].LastUsedAt = nil
		}
		same(t, keys, []clinical.Key{plain, bound}, nil)
		return nil
	})

	// A key whose scopes grant nothing is not one that is not narrowed.
	_, hash := h.key(scribe, func(k *clinical.Key) { k.Scopes = []string{} })
	got, err = h.actorOfKey(north, hash)
	same(t, got.Session.Scopes, []string{}, err)

	// A visit that is over opens nothing, nor does a patient who was taken off.
	h.exec(h.as(h.env.AdminURL), `UPDATE encounter SET ended_at = now() WHERE id = $1`, string(visit.ID))
	got, err = h.actorOfKey(north, boundHash)
	same(t, got.Panel, []clinical.PatientID{}, err)
	_, otherHash := h.key(scribe, func(k *clinical.Key) { k.Grants = []clinical.KeyGrant{{Patient: p.ID, Until: until}} })
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.EndKeyGrants(ctx, scribe.ID, p.ID, time.Now()) })
	got, err = h.actorOfKey(north, otherHash)
	same(t, got.Panel, []clinical.PatientID{}, err)
}

func TestKeyThatOpensNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	past := time.Now().Add(-time.Second).UTC()
	scribe, doctor := h.member(clinical.Actor{Kind: clinical.Agent, Tenant: north}), h.clinician(north)
	end := func(id clinical.ActorID) func() {
		return func() { h.in(north, func(ctx context.Context, tx *Tx) error { return tx.EndMember(ctx, id) }) }
	}
	for name, c := range map[string]struct {
		change func(*clinical.Key)
		harm   func(clinical.Key)
	}{
		"expired": {change: func(k *clinical.Key) { k.ExpiresAt = &past }},
		"revoked": {harm: func(k clinical.Key) {
			h.in(north, func(ctx context.Context, tx *Tx) error { return tx.RevokeKey(ctx, k.ID, time.Now()) })
			wantKind(t, h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
				return tx.RevokeKey(ctx, k.ID, time.Now())
			}), clinical.NotFound)
		}},
		"revoked with its user": {
			change: func(k *clinical.Key) { k.OnBehalfOf = doctor.ID },
			harm: func(clinical.Key) {
				h.in(north, func(ctx context.Context, tx *Tx) error { return tx.RevokeKeysOf(ctx, doctor.ID, time.Now()) })
			},
		},
		"whose user left": {change: func(k *clinical.Key) { k.OnBehalfOf = doctor.ID }, harm: func(clinical.Key) { end(doctor.ID)() }},
	} {
		if c.change == nil {
			c.change = func(*clinical.Key) {}
		}
		k, hash := h.key(scribe, c.change)
		if c.harm != nil {
			if _, err := h.actorOfKey(north, hash); err != nil {
				t.Fatalf("%s: a good key, before: %v", name, err)
			}
			c.harm(k)
		}
		_, err := h.actorOfKey(north, hash)
		if !clinical.Is(err, clinical.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "whose user left" {
			h.exec(h.as(h.env.AdminURL), `UPDATE member SET ended_at = NULL WHERE id = $1`, string(doctor.ID))
		}
	}
	_, hash := h.key(scribe)
	if _, err := h.actorOfKey(south, hash); !clinical.Is(err, clinical.Unauthenticated) {
		t.Errorf("a key of another clinic: %v", err)
	}
	end(scribe.ID)()
	if _, err := h.actorOfKey(north, hash); !clinical.Is(err, clinical.Unauthenticated) {
		t.Errorf("a key whose member left: %v", err)
	}
	// Users sign in; they have no keys. Nor does an agent act for another machine.
	for _, k := range []clinical.Key{{Member: doctor.ID}, {Member: scribe.ID, OnBehalfOf: scribe.ID}, {Member: "00000000-0000-7000-8000-00000000dead"}} {
		k.ID, k.Label, k.CreatedAt, k.CreatedBy = clinical.NewID[clinical.KeyID](noon), "x", noon, doctor.ID
		wantKind(t, h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			return tx.InsertKey(ctx, k, clinical.Agent, make([]byte, 32))
		}), clinical.NotFound)
	}
}

// What was begun with a key goes on when the key expires, and ends when it is revoked.
func TestUploadRemembersItsKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	scribe := h.member(clinical.Actor{Kind: clinical.Agent, Tenant: north}, p.ID)
	past := time.Now().Add(-time.Second).UTC()
	k, _ := h.key(scribe, func(k *clinical.Key) { k.ExpiresAt, k.Scopes = &past, []string{"user/Media.c"} })
	u := h.upload(p, func(u *clinical.Upload) { u.Owner, u.Key = scribe.ID, k.ID })
	via := func(id clinical.ActorID, key clinical.KeyID) (a clinical.Actor, err error) {
		err = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			a, err = tx.ActorVia(ctx, id, key)
			return err
		})
		return a, err
	}
	got, err := via(scribe.ID, "")
	same(t, got, scribe, err)
	want := scribe
	want.Session = clinical.Session{Key: k.ID, Scopes: k.Scopes}
	got, err = via(u.Owner, u.Key)
	same(t, got, want, err)
	_, err = via(h.clinician(north).ID, k.ID) // another's key
	wantKind(t, err, clinical.Unauthenticated)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		subject, err := tx.UploadSubject(ctx, u.ID)
		check(t, err)
		stored, err := tx.Upload(ctx, h.decide(scribe, policy.ReadUpload, subject))
		same(t, stored.Key, k.ID, err)
		return tx.RevokeKey(ctx, k.ID, time.Now())
	})
	_, err = via(u.Owner, u.Key)
	wantKind(t, err, clinical.Unauthenticated)
}

func TestBreakGlassFromGrantToReview(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, other := h.patient(north), h.patient(north)
	doctor, admin := h.clinician(north, other.ID), h.user(north, clinical.Admin)
	live := h.breakGlass(doctor, p.ID, later())
	over := h.breakGlass(doctor, p.ID, time.Now().Add(-time.Hour).UTC().Truncate(time.Second))
	d := h.decide(admin, policy.Administer, policy.OfTenant(north))
	auditing := h.decide(h.user(north, clinical.Auditor), policy.ReadAudit, policy.OfAuditLog(north, ""))

	h.in(north, func(ctx context.Context, tx *Tx) error {
		a, err := tx.Actor(ctx, doctor.ID)
		same(t, a.Session.BreakGlass, []clinical.BreakGlassGrant{live.Grant()}, err)
		queue, err := tx.BreakGlasses(ctx, d, BreakGlassQuery{Waiting: true}, first(5))
		same(t, queue.Items, []clinical.BreakGlass{over, live}, err)

		r := clinical.BreakGlassReview{By: admin.ID, At: noon, Verdict: clinical.Justified, Remark: "seen on the ward"}
		check(t, tx.ReviewBreakGlass(ctx, d, over.ID, r))
		wantKind(t, tx.ReviewBreakGlass(ctx, d, over.ID, r), clinical.NotFound)
		over.Review = &r
		got, err := tx.BreakGlassForReview(ctx, d, over.ID)
		same(t, got, over, err)
		queue, err = tx.BreakGlasses(ctx, auditing, BreakGlassQuery{Waiting: true}, first(5))
		same(t, queue.Items, []clinical.BreakGlass{live}, err)
		all, err := tx.BreakGlasses(ctx, auditing, BreakGlassQuery{}, first(1))
		same(t, all.Items, []clinical.BreakGlass{over}, err)
		rest, err := tx.BreakGlasses(ctx, auditing, BreakGlassQuery{}, clinical.Page{First: 5, After: all.Cursors[0]})
		same(t, rest.Items, []clinical.BreakGlass{live}, err)
		_, err = tx.BreakGlassForReview(ctx, auditing, live.ID) // who reads the trail does not review
		wantKind(t, err, clinical.Internal)
		return nil
	})
	// Nobody reviews their own, and a grant does not change.
	for name, statement := range map[string]string{
		"own review": `UPDATE break_glass SET reviewed_at = now(), reviewed_by = member_id, verdict = 'justified' WHERE reviewed_at IS NULL`,
		"extension":  `UPDATE break_glass SET expires_at = now() + interval '1 hour'`,
		"other key":  `UPDATE api_key SET member_id = id`,
		"deletion":   `DELETE FROM break_glass`,
	} {
		err := h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			_, err := tx.exec(ctx, statement)
			return err
		})
		if state := sqlState(err); state != insufficientPrivilege && state != "23514" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMembershipsAsAdministratorsSeeThem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	doctor, gone := h.clinician(north, p.ID), h.clinician(north)
	d := h.administering(north)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.EndMember(ctx, gone.ID))
		m, err := tx.Member(ctx, d, doctor.ID)
		check(t, err)
		if m.Login.Subject != string(doctor.ID) || m.EndedAt != nil || m.CreatedAt.IsZero() || m.Clearance != 2 {
			t.Errorf("got %+v", m)
		}
		m.Display, m.Roles, m.Clearance, m.Login = "Dr. New", []clinical.Role{clinical.Clerk}, 1, clinical.Login{}
		m.Departments, m.CareGroups = []string{"derm"}, []string{"ward-7"}
		check(t, tx.UpdateMember(ctx, d, m))
		got, err := tx.Member(ctx, d, doctor.ID)
		same(t, got, m, err)
		m.ID = gone.ID
		wantKind(t, tx.UpdateMember(ctx, d, m), clinical.NotFound)

		in, err := tx.Members(ctx, d, MemberQuery{}, first(50))
		check(t, err)
		all, err := tx.Members(ctx, d, MemberQuery{Ended: true}, first(50))
		check(t, err)
		if len(in.Items) != 2 || len(all.Items) != 3 { // the doctor and the administrator; the one who left
			t.Errorf("%d members, %d with those who left", len(in.Items), len(all.Items))
		}
		panel, err := tx.Panel(ctx, d, doctor.ID)
		if err != nil || len(panel) != 1 || panel[0].Patient != p.ID || panel[0].Until != nil {
			t.Errorf("panel %+v (%v)", panel, err)
		}
		check(t, tx.SetCareGroups(ctx, d, p.ID, []string{"ward-9"}))
		groups, err := tx.CareGroups(ctx, p.ID)
		same(t, groups, []string{"ward-9"}, err)
		wantKind(t, tx.SetCareGroups(ctx, d, "00000000-0000-7000-8000-00000000dead", nil), clinical.NotFound)
		return nil
	})
	// Nothing of it without a decision about this clinic.
	abroad := h.administering(south)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		for _, d := range []policy.Decision{{}, abroad} {
			for name, read := range map[string]func() error{
				"members":     func() error { _, err := tx.Members(ctx, d, MemberQuery{}, first(1)); return err },
				"member":      func() error { _, err := tx.Member(ctx, d, doctor.ID); return err },
				"update":      func() error { return tx.UpdateMember(ctx, d, clinical.Member{ID: doctor.ID}) },
				"panel":       func() error { _, err := tx.Panel(ctx, d, doctor.ID); return err },
				"care groups": func() error { return tx.SetCareGroups(ctx, d, p.ID, nil) },
				"keys":        func() error { _, err := tx.Keys(ctx, d, ""); return err },
				"key":         func() error { _, err := tx.Key(ctx, d, clinical.KeyID(doctor.ID)); return err },
				"grants":      func() error { _, err := tx.BreakGlasses(ctx, d, BreakGlassQuery{}, first(1)); return err },
				"review":      func() error { return tx.ReviewBreakGlass(ctx, d, "x", clinical.BreakGlassReview{}) },
				"glass":       func() error { return tx.InsertBreakGlass(ctx, d, clinical.BreakGlass{Patient: p.ID}) },
			} {
				if err := read(); !clinical.Is(err, clinical.Internal) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		return nil
	})
}
