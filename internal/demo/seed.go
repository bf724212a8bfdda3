package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// Seed writes what is missing of the demo clinic and leaves alone what is
// there, so that a developer's own changes stay. Several servers may seed one
// database at once.
func Seed(ctx context.Context, db *store.DB, now time.Time) error {
	for _, c := range clinics {
		seed := func() error {
			return db.InTx(ctx, c.tenant, func(ctx context.Context, tx *store.Tx) error { return c.seed(ctx, tx, now) })
		}
		err := seed()
		if clinical.Is(err, clinical.Conflict) { // another server was quicker; now it is all there
			err = seed()
		}
		if err != nil {
			return fmt.Errorf("seed the demo clinic %s: %w", c.tenant, err)
		}
	}
	return nil
}

func (c clinic) seed(ctx context.Context, tx *store.Tx, now time.Time) error {
	if _, err := tx.Clinic(ctx); clinical.Is(err, clinical.NotFound) {
		if err := tx.UpsertClinic(ctx, store.Clinic{Tenant: c.tenant, Display: c.display}); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	ids, fresh := map[string]clinical.ActorID{}, map[clinical.ActorID]bool{}
	for _, p := range Principals() {
		if p.Actor.Tenant != c.tenant {
			continue
		}
		ids[p.Name] = p.Actor.ID
		written, err := p.seed(ctx, tx)
		if err != nil {
			return err
		}
		fresh[p.Actor.ID] = written
	}
	arrived := map[clinical.PatientID]bool{}
	for _, p := range c.patients {
		written, err := p.seed(ctx, tx, ids[p.createdBy], now)
		if err != nil {
			return err
		}
		arrived[p.id] = written
	}
	for _, p := range Principals() {
		for _, patient := range p.Roster {
			if p.Actor.Tenant == c.tenant && (fresh[p.Actor.ID] || arrived[patient]) {
				if err := tx.AddToPanel(ctx, p.Actor.ID, patient, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// seed writes the principal unless there is one; true when it did.
func (p Principal) seed(ctx context.Context, tx *store.Tx) (bool, error) {
	_, err := tx.Actor(ctx, p.Actor.ID)
	if !clinical.Is(err, clinical.Unauthenticated) {
		return false, err
	}
	return true, tx.UpsertMember(ctx, p.Actor, store.Login{Issuer: auth.DevIssuer, Subject: p.Name})
}

// seed writes the patient, and the visit, unless they are there; true when it did.
func (p patient) seed(ctx context.Context, tx *store.Tx, by clinical.ActorID, now time.Time) (bool, error) {
	_, err := tx.PatientSubject(ctx, p.id)
	if !clinical.Is(err, clinical.NotFound) {
		return false, err
	}
	err = tx.InsertPatient(ctx, clinical.Patient{
		ID: p.id, Tenant: tx.Tenant(), DisplayName: p.display, CreatedAt: now, CreatedBy: by,
		Identifiers: []clinical.Identifier{{System: "https://demo.example/mrn", Value: p.number}},
	}, nil)
	if err != nil || p.encounter == "" {
		return true, err
	}
	return true, tx.InsertEncounter(ctx, clinical.Encounter{
		ID: p.encounter, Tenant: tx.Tenant(), Patient: p.id, Status: "in-progress", StartedAt: &now, CreatedAt: now, CreatedBy: by,
	})
}
