package events

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Limits of what one server watches at a time. They bound memory and the load
// that watchers put on the database.
const (
	maxWatches    = 20_000
	maxWatchesOne = 200 // of one owner
)

// Hub wakes those who watch a topic. It carries no content: whoever is woken
// looks for themselves, so nothing is queued for the slow, and what was missed
// costs nothing. The zero Hub is ready; it is safe for concurrent use.
type Hub struct {
	mu     sync.Mutex
	topics map[string]*topic
	owners map[string]int
	total  int
	fed    atomic.Bool
}

type topic struct {
	watches map[*Watch]struct{}
	stop    context.CancelFunc // of its poller, if it has one
}

// Watch is one watcher of one topic.
type Watch struct {
	// C receives once, however often the topic was woken since it last did.
	C <-chan struct{}

	c     chan struct{}
	hub   *Hub
	topic string
	owner string
	once  sync.Once
}

// Pulse tells how something stands, in a word that changes when it does.
type Pulse func(ctx context.Context) (string, error)

// Watch begins to watch a topic until Close. Where a pulse is given and nobody
// else watches the topic yet, it is felt every so often for as long as anybody
// does, once for all of them, and the topic is woken when it has changed; an
// error counts as a change. owner is whom the watch counts for: Busy when they,
// or all together, watch too much.
func (h *Hub) Watch(owner, name string, every time.Duration, pulse Pulse) (*Watch, error) {
	c := make(chan struct{}, 1)
	w := &Watch{C: c, c: c, hub: h, topic: name, owner: owner}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.total >= maxWatches || h.owners[owner] >= maxWatchesOne {
		return nil, clinical.Fail(clinical.Busy, "too many streams are open: close some, or try again later", nil)
	}
	if h.topics == nil {
		h.topics, h.owners = map[string]*topic{}, map[string]int{}
	}
	t := h.topics[name]
	if t == nil {
		t = &topic{watches: map[*Watch]struct{}{}, stop: func() {}}
		h.topics[name] = t
		if pulse != nil {
			var ctx context.Context
			ctx, t.stop = context.WithCancel(context.Background())
			go h.feel(ctx, name, every, pulse)
		}
	}
	t.watches[w] = struct{}{}
	h.owners[owner]++
	h.total++
	return w, nil
}

// Close ends the watch. It may be called again.
func (w *Watch) Close() {
	w.once.Do(func() {
		h := w.hub
		h.mu.Lock()
		defer h.mu.Unlock()
		h.total--
		if h.owners[w.owner]--; h.owners[w.owner] == 0 {
			delete(h.owners, w.owner)
		}
		t := h.topics[w.topic]
		delete(t.watches, w)
		if len(t.watches) == 0 {
			t.stop()
			delete(h.topics, w.topic)
		}
	})
}

// feel polls for a topic until ctx ends.
func (h *Hub) feel(ctx context.Context, name string, every time.Duration, pulse Pulse) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for last := ""; ; { // the first look always wakes: something may have changed just before it
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		now, err := pulse(limited)
		cancel()
		if err != nil || now != last {
			h.Wake(name)
		}
		last = now
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Wake wakes the watchers of a topic.
func (h *Hub) Wake(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.topics[name].wake()
}

// Feed says whether somebody calls Wake for all that happens: while nobody does,
// watchers had better look by themselves now and then. All are woken, for what
// may have been missed.
func (h *Hub) Feed(fed bool) {
	h.fed.Store(fed)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.topics {
		t.wake()
	}
}

// Fed reports what Feed was last told.
func (h *Hub) Fed() bool { return h.fed.Load() }

func (t *topic) wake() {
	if t == nil {
		return
	}
	for w := range t.watches {
		select {
		case w.c <- struct{}{}:
		default: // it has not looked since the last time
		}
	}
}
