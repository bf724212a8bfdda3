package demo_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

func database(t *testing.T) *store.DB {
	t.Helper()
	env := devtest.NewFrom(t, "schema", func(ctx context.Context, url string) error {
		_, err := store.Migrate(ctx, url)
		return err
	})
	db, err := store.Open(t.Context(), env.AppURL, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestSeedByManyServersAtOnce: replicas start together on one database.
func TestSeedByManyServersAtOnce(t *testing.T) {
	db := database(t)
	var group errgroup.Group
	for range 4 {
		group.Go(func() error { return demo.Seed(t.Context(), db, time.Now()) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	members := auth.MembersOf(db)
	for _, p := range demo.Principals() {
		actor, err := members.MemberOfLogin(t.Context(), auth.DevIssuer, p.Name)
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		if actor.ID != p.Actor.ID || actor.Tenant != p.Actor.Tenant || actor.Kind != p.Actor.Kind ||
			!slices.Equal(actor.Roles, p.Actor.Roles) || !slices.Equal(actor.Panel, p.Roster) {
			t.Errorf("%s is %+v, want %+v with %v", p.Name, actor, p.Actor, p.Roster)
		}
	}
	err := db.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		_, other := tx.PatientSubject(ctx, demo.LakesidePatient)
		if !clinical.Is(other, clinical.NotFound) {
			t.Errorf("the other clinic's patient: %v", other)
		}
		return tx.EncounterOf(ctx, demo.Patient, demo.Encounter)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSeedLeavesWhatIsThere: a developer took a patient off a panel; the next
// start does not put it back.
func TestSeedLeavesWhatIsThere(t *testing.T) {
	db := database(t)
	seed := func() {
		t.Helper()
		if err := demo.Seed(t.Context(), db, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	seed()
	clinician := demo.Principals()[0]
	err := db.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		renamed := clinician.Actor
		renamed.Display = "Somebody Else"
		return errors.Join(tx.RemoveFromPanel(ctx, clinician.Actor.ID, demo.SecondPatient),
			tx.UpsertMember(ctx, renamed, store.Login{Issuer: auth.DevIssuer, Subject: clinician.Name}))
	})
	if err != nil {
		t.Fatal(err)
	}
	seed()
	actor, err := auth.MembersOf(db).MemberOfLogin(t.Context(), auth.DevIssuer, clinician.Name)
	if err != nil {
		t.Fatal(err)
	}
	if actor.Display != "Somebody Else" || !slices.Equal(actor.Panel, []clinical.PatientID{demo.Patient}) {
		t.Errorf("seeding changed what was there: %+v", actor)
	}
}
