package auth

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// MembersOf are the membership rows of a database. They are read for each
// request: whoever leaves the clinic, or a patient's care, is out at once.
func MembersOf(db *store.DB) Members { return members{db} }

type members struct{ db *store.DB }

// MemberOfLogin asks which tenant the login belongs to, and then that tenant
// for the rest, behind row-level security.
func (m members) MemberOfLogin(ctx context.Context, issuer, subject string) (clinical.Actor, error) {
	tenant, id, err := m.db.MemberOfLogin(ctx, issuer, subject)
	if err != nil {
		return clinical.Actor{}, err
	}
	var actor clinical.Actor
	err = m.db.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) error {
		actor, err = tx.Actor(ctx, id)
		return err
	})
	return actor, err
}
