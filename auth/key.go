package auth

import (
	"context"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// KeysOf verifies the API keys of a database: those of agents and devices. A
// key names its tenant, so its row is read behind row-level security.
func KeysOf(db *store.DB) Verifier { return keys{db} }

type keys struct{ db *store.DB }

// Recognizes reports whether the token looks like an API key.
func (keys) Recognizes(token string) bool { return strings.HasPrefix(token, clinical.KeyPrefix) }

// Verify finds the key's row, and its member. A key never stands for a second
// factor: what asks for one is for people.
func (k keys) Verify(ctx context.Context, token string) (Login, error) {
	tenant, hash, ok := clinical.ParseKeySecret(token)
	if !ok {
		return Login{}, refused(reasonKey, nil)
	}
	var actor clinical.Actor
	err := k.db.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) (err error) {
		actor, err = tx.ActorOfKey(ctx, hash)
		return err
	})
	if clinical.Is(err, clinical.Unauthenticated) {
		return Login{}, refused(reasonKey, err)
	}
	if err != nil {
		return Login{}, clinical.Fail(clinical.Unavailable, "the key can't be looked up now; try again", err)
	}
	return Login{Member: &actor, Scopes: actor.Session.Scopes}, nil
}
