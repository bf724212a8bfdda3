package graph

import (
	"context"
	"sync"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// A loader waits gather for more keys, or until it has maxBatch of them.
const (
	gather   = time.Millisecond
	maxBatch = 100
)

// loader answers the look-ups of one response in batches, each key once: the
// fields of a page's items resolve at the same time.
type loader[K comparable, V any] struct {
	fetch func(context.Context, []K) map[K]outcome[V]

	mu   sync.Mutex
	seen map[K]*batch[K, V]
	open *batch[K, V]
}

// outcome is what became of one key.
type outcome[V any] struct {
	value V
	err   error
}

// batch is a set of keys on the way; found is set when done closes.
type batch[K comparable, V any] struct {
	keys  []K
	full  chan struct{}
	done  chan struct{}
	found map[K]outcome[V]
}

func newLoader[K comparable, V any](fetch func(context.Context, []K) map[K]outcome[V]) *loader[K, V] {
	return &loader[K, V]{fetch: fetch, seen: map[K]*batch[K, V]{}}
}

// load gives the value of key.
func (l *loader[K, V]) load(ctx context.Context, key K) (V, error) {
	b, first := l.join(key)
	if first {
		l.run(ctx, b)
	}
	var none V
	select {
	case <-b.done:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	if found, ok := b.found[key]; ok {
		return found.value, found.err
	}
	return none, clinical.Fail(clinical.Internal, "internal error", nil) // the fetch did not return
}

// join finds the batch that key is in, or puts it into the open one; first
// says that the caller has to run it.
func (l *loader[K, V]) join(key K) (b *batch[K, V], first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.seen[key]; ok {
		return b, false
	}
	if l.open == nil {
		l.open = &batch[K, V]{full: make(chan struct{}), done: make(chan struct{})}
		first = true
	}
	b = l.open
	b.keys = append(b.keys, key)
	l.seen[key] = b
	if len(b.keys) == maxBatch {
		close(b.full)
		l.open = nil
	}
	return b, first
}

// run gathers and fetches, in the goroutine of the first caller: a panic is
// that field's, and leaves the others with an error.
func (l *loader[K, V]) run(ctx context.Context, b *batch[K, V]) {
	defer close(b.done)
	timer := time.NewTimer(gather)
	defer timer.Stop()
	select {
	case <-b.full:
	case <-timer.C:
	}
	l.mu.Lock()
	if l.open == b {
		l.open = nil
	}
	l.mu.Unlock()
	b.found = l.fetch(ctx, b.keys)
}

// together fetches all keys in one call. What it leaves out of its map does
// not exist for the caller.
func together[K comparable, V any](find func(context.Context, []K) (map[K]V, error)) func(context.Context, []K) map[K]outcome[V] {
	return func(ctx context.Context, keys []K) map[K]outcome[V] {
		values, err := find(ctx, keys)
		found := make(map[K]outcome[V], len(keys))
		for _, key := range keys {
			value, ok := values[key]
			if found[key] = (outcome[V]{value, err}); err == nil && !ok {
				found[key] = outcome[V]{err: clinical.Missing()}
			}
		}
		return found
	}
}

// each fetches keys one by one, where a page has few different ones (the
// patient of a patient's files).
func each[K comparable, V any](find func(context.Context, K) (V, error)) func(context.Context, []K) map[K]outcome[V] {
	return func(ctx context.Context, keys []K) map[K]outcome[V] {
		found := make(map[K]outcome[V], len(keys))
		for _, key := range keys {
			value, err := find(ctx, key)
			found[key] = outcome[V]{value, err}
		}
		return found
	}
}
