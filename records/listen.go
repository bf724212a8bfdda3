package records

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/bonfiredb/bonfire/store"
)

// topicOfOutbox is woken by every event.
const topicOfOutbox = "outbox"

// Listen wakes this replica's watchers when an event commits on any, until ctx
// ends. While the connection for it is broken watchers look by themselves.
func (r *Records) Listen(ctx context.Context) error {
	const least, most = 250 * time.Millisecond, 15 * time.Second
	for wait := least; ; wait = min(2*wait, most) {
		err := r.Store.ListenEvents(ctx, func() {
			wait = least
			r.hub.Feed(true)
		}, r.heard)
		r.hub.Feed(false)
		if ctx.Err() != nil {
			return nil
		}
		r.Log.WarnContext(ctx, "events are not heard", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
	}
}

func (r *Records) heard(e store.Event) {
	r.hub.Wake(topicOfFiles(e.Tenant, e.Patient))
	r.hub.Wake(topicOfOutbox)
}
