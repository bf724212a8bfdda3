package store

import (
	"context"
	"testing"
)

// One holder of a turn at a time, and the next one as soon as it is given back.
func TestHoldTurn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	nothing := func(context.Context) error { return nil }
	held, err := h.db.HoldTurn(h.Context(), "a turn", func(ctx context.Context) error {
		again, err := h.db.HoldTurn(ctx, "a turn", nothing)
		if again {
			t.Error("two hold the same turn")
		}
		other, otherErr := h.db.HoldTurn(ctx, "another turn", nothing)
		if !other || otherErr != nil {
			t.Errorf("another turn is in the way: %v", otherErr)
		}
		return err
	})
	if !held || err != nil {
		t.Fatalf("held %t, %v", held, err)
	}
	if held, err := h.db.HoldTurn(h.Context(), "a turn", nothing); !held || err != nil {
		t.Errorf("it was not given back: %v", err)
	}
}
