//go:build unix && !nodevstack

package devstack_test

import (
	"context"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

func TestKeepStartsWhatWasKilled(t *testing.T) {
	stack, err := devstack.Start(t.Context(), devstack.Options{Dir: devtest.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stack.Stop(context.Background()) }()
	ctx, end := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() { stack.Keep(ctx, slog.New(slog.DiscardHandler)); close(kept) }()
	for name, pid := range map[string]func() int{"postgres": stack.Postgres().PID, "s3": stack.S3().PID} {
		old := pid()
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(20 * time.Second)
		for now := pid(); now == 0 || now == old; now = pid() {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not come back", name)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	end()
	<-kept
}
