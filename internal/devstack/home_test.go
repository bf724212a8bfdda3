//go:build linux && !nodevstack

package devstack

import (
	"os/exec"
	"sync"
	"testing"
)

// A directory that was given back is free at once, even while other goroutines start programs: a fork copies open files, locks and all.
func TestLockIsFreeOnceGivenBack(t *testing.T) {
	t.Parallel()
	h, err := openHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var forks sync.WaitGroup
	for range 4 {
		forks.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.Command("true").Run()
				}
			}
		})
	}
	defer forks.Wait()
	defer close(done)
	for range 3000 {
		if err := h.hold(); err != nil {
			t.Fatal(err)
		}
		h.letGo()
	}
}
