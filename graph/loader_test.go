package graph

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
)

func TestLoaderAsksForEachKeyOnceAndTogether(t *testing.T) {
	var mu sync.Mutex
	var calls [][]int
	l := newLoader(together(func(_ context.Context, keys []int) (map[int]int, error) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, slices.Clone(keys))
		out := map[int]int{}
		for _, k := range keys {
			if k != 7 {
				out[k] = k * k
			}
		}
		return out, nil
	}))
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			key := i % 250
			v, err := l.load(t.Context(), key)
			switch {
			case key == 7 && !clinical.Is(err, clinical.NotFound):
				t.Errorf("a key that is left out: %v, %v", v, err)
			case key != 7 && (err != nil || v != key*key):
				t.Errorf("key %d: %v, %v", key, v, err)
			}
		})
	}
	wg.Wait()
	asked := map[int]int{}
	for _, keys := range calls {
		if len(keys) > maxBatch {
			t.Errorf("a batch of %d", len(keys))
		}
		for _, k := range keys {
			asked[k]++
		}
	}
	for k, n := range asked {
		if n != 1 {
			t.Errorf("key %d was asked for %d times", k, n)
		}
	}
	if len(asked) != 250 || len(calls) > 100 {
		t.Errorf("%d keys in %d calls", len(asked), len(calls))
	}
}

func TestLoaderKeepsFailuresApart(t *testing.T) {
	no := clinical.Fail(clinical.Forbidden, "no", nil)
	l := newLoader(each(func(_ context.Context, key int) (int, error) {
		if key == 1 {
			return 0, no
		}
		return key, nil
	}))
	var wg sync.WaitGroup
	for key := range 3 {
		wg.Go(func() {
			v, err := l.load(t.Context(), key)
			if key == 1 && !errors.Is(err, no) || key != 1 && (err != nil || v != key) {
				t.Errorf("key %d: %v, %v", key, v, err)
			}
		})
	}
	wg.Wait()

	down := errors.New("database is down")
	l = newLoader(together(func(context.Context, []int) (map[int]int, error) { return nil, down }))
	if _, err := l.load(t.Context(), 1); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}

// A panic is that of the caller who ran the batch; the others get an error
// and do not wait for ever.
func TestLoaderSurvivesAPanic(t *testing.T) {
	l := newLoader(func(context.Context, []int) map[int]outcome[int] { panic("fault") })
	var wg sync.WaitGroup
	var panics, failures int
	var mu sync.Mutex
	for key := range 20 {
		wg.Go(func() {
			defer func() {
				if recover() != nil {
					mu.Lock()
					panics++
					mu.Unlock()
				}
			}()
			_, err := l.load(t.Context(), key)
			mu.Lock()
			defer mu.Unlock()
			if clinical.Is(err, clinical.Internal) && err != nil {
				failures++
			}
		})
	}
	wg.Wait()
	if panics == 0 || panics+failures != 20 {
		t.Errorf("%d panics, %d failures", panics, failures)
	}
}

func TestLoaderStopsWaitingWithItsRequest(t *testing.T) {
	release, began := make(chan struct{}), make(chan struct{})
	l := newLoader(each(func(context.Context, int) (int, error) { close(began); <-release; return 1, nil }))
	done := make(chan struct{})
	go func() { defer close(done); _, _ = l.load(context.Background(), 1) }()
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.load(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
	<-done
}
