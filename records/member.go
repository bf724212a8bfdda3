package records

import (
	"context"
	"sync"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

const (
	// memberTime is how long the bearer of an upload token is believed to be who
	// our rows said: a recorder sends several requests a second. The gate is
	// asked with fresh rows when the record is made.
	memberTime = 5 * time.Second
	// manyMembers is when the cache throws away what is old.
	manyMembers = 1000
)

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
	until time.Time
}

func newMemberCache(db *store.DB) *memberCache {
	return &memberCache{store: db, known: map[memberKey]knownMember{}}
}

// load is a principal, by the API key given, as our rows describe it, or did a
// moment ago. Unauthenticated when the membership has ended or the key was revoked.
func (m *memberCache) load(ctx context.Context, tenant clinical.TenantID, id clinical.ActorID, via clinical.KeyID) (clinical.Actor, error) {
	key := memberKey{tenant, id, via}
	m.mu.Lock()
	got, ok := m.known[key]
	m.mu.Unlock()
	if ok && time.Now().Before(got.until) {
		return got.actor, nil
	}
	err := m.store.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) (err error) {
		got.actor, err = tx.ActorVia(ctx, id, via)
		return err
	})
	if err != nil {
		return clinical.Actor{}, err
	}
	got.until = time.Now().Add(memberTime)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= manyMembers {
		m.prune()
	}
	m.known[key] = got
	return got.actor, nil
}

func (m *memberCache) prune() {
	now := time.Now()
	for k, v := range m.known {
		if now.After(v.until) {
			delete(m.known, k)
		}
	}
}
