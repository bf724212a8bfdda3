package ledger

import (
	"context"
	"sync"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// litterTime is how long scratch objects that nobody needs any more wait for
// others: one request deletes a thousand of them.
const litterTime = 250 * time.Millisecond

// litter are scratch objects that are to be deleted. The database lists them
// too: what is forgotten here the sweeper does.
type litter struct {
	mu   sync.Mutex
	keys map[clinical.TenantID][]string // nil when nobody is about to collect
}

// collect removes, in a moment, scratch objects that a commit has listed as
// garbage.
func (e *Engine) collect(tenant clinical.TenantID, keys []string) {
	if len(keys) == 0 {
		return
	}
	e.o.Budget.recent.drop(keys...)
	e.litter.mu.Lock()
	defer e.litter.mu.Unlock()
	if e.litter.keys == nil {
		e.litter.keys = map[clinical.TenantID][]string{}
		time.AfterFunc(litterTime, e.tidy)
	}
	e.litter.keys[tenant] = append(e.litter.keys[tenant], keys...)
}

func (e *Engine) tidy() {
	e.litter.mu.Lock()
	all := e.litter.keys
	e.litter.keys = nil
	e.litter.mu.Unlock()
	for tenant, keys := range all {
		go e.remove(tenant, keys)
	}
}

func (e *Engine) remove(tenant clinical.TenantID, keys []string) {
	ctx, stop := context.WithTimeout(context.Background(), sendTime)
	defer stop()
	err := e.o.Bucket.Delete(ctx, keys...)
	if err == nil {
		err = e.o.Store.Collected(ctx, tenant, keys)
	}
	if err != nil {
		e.o.Log.WarnContext(ctx, "scratch objects left to the sweeper", "count", len(keys), "error", err)
	}
}
