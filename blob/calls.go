package blob

import (
	"context"
	"sync"
	"sync/atomic"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// attempts is appended to an operation's name for its tries, retries included.
const attempts = ".attempts"

// Calls counts the S3 operations since Open by name ("PutObject"), and under
// the name with ".attempts" appended how often each was sent, retries
// included. The map is the caller's.
func (b *Bucket) Calls() map[string]int64 {
	out := map[string]int64{}
	b.calls.counters.Range(func(name, n any) bool {
		out[name.(string)] = n.(*atomic.Int64).Load()
		return true
	})
	return out
}

// tally holds one counter a name; operations are few, so it soon stops growing.
type tally struct{ counters sync.Map }

func (t *tally) add(name string) {
	n, ok := t.counters.Load(name)
	if !ok {
		n, _ = t.counters.LoadOrStore(name, new(atomic.Int64))
	}
	n.(*atomic.Int64).Add(1)
}

// count puts one counter before the retry loop and one inside it.
func (t *tally) count(stack *middleware.Stack) error {
	call := middleware.InitializeMiddlewareFunc("CountCalls", func(ctx context.Context, in middleware.InitializeInput,
		next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		t.add(awsmiddleware.GetOperationName(ctx))
		return next.HandleInitialize(ctx, in)
	})
	attempt := middleware.FinalizeMiddlewareFunc("CountAttempts", func(ctx context.Context, in middleware.FinalizeInput,
		next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		t.add(awsmiddleware.GetOperationName(ctx) + attempts)
		return next.HandleFinalize(ctx, in)
	})
	if err := stack.Initialize.Add(call, middleware.After); err != nil {
		return err
	}
	return stack.Finalize.Insert(attempt, "Retry", middleware.After)
}
