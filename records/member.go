package records

import (
	"context"
	"sync"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// manyMembers is when the cache throws away what is old.
const manyMembers = 1000

// memberCache remembers principals for a moment.
type memberCache struct {
	store *store.DB
	mu    sync.Mutex
	known map[memberKey]knownMember
}

type memberKey struct {
	tenant clinical.TenantID
	id     clinical.ActorID
	via    clinical.KeyID
}

type knownMember struct {
	actor clinical.Actor
	at    time.Time
}

func newMemberCache(db *store.DB) *memberCache {
	return &memberCache{store: db, known: map[memberKey]knownMember{}}
}

// load is a principal, by the API key given, as our rows describe it, or did so
// long ago at most. Unauthenticated when the membership has ended or the key was revoked.
func (m *memberCache) load(ctx context.Context, ago time.Duration, tenant clinical.TenantID, id clinical.ActorID, via clinical.KeyID) (clinical.Actor, error) {
	key := memberKey{tenant, id, via}
	m.mu.Lock()
	got, ok := m.known[key]
	m.mu.Unlock()
	if ok && time.Since(got.at) < ago {
		return got.actor, nil
	}
	got.at = time.Now()
	err := m.store.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) (err error) {
		got.actor, err = tx.ActorVia(ctx, id, via)
		return err
	})
	if err != nil {
		return clinical.Actor{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= manyMembers {
		m.prune(ago)
	}
	m.known[key] = got
	return got.actor, nil
}

func (m *memberCache) prune(ago time.Duration) {
	for k, v := range m.known {
		if time.Since(v.at) >= ago {
			delete(m.known, k)
		}
	}
}
