//go:build unix && !nodevstack

package devstack

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a running child. Exactly one goroutine waits for it, so its pid cannot be reused while done is open.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child is gone and reaped
	err  error         // how it ended; valid once done is closed
}

// starter is the one OS thread from which children start. The kernel ties the parent-death signal to the thread that forked, not to the
// process, and the Go runtime ends threads as it likes; a goroutine locked to its thread keeps that thread for the life of the program.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// spawn starts cmd in a process group of its own (a Ctrl-C at the terminal is for this program, which then stops its children in order)
// and asks the kernel to send onOrphan when this program dies. Systems other than Linux have no such signal; see stopOrphan and watchParent.
func spawn(cmd *exec.Cmd, onOrphan syscall.Signal) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	setDeathSignal(cmd.SysProcAttr, onOrphan)
	cmd.WaitDelay = time.Second // a grandchild may hold the log pipe open

	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// run starts cmd as spawn does and waits for its end; a cancelled context kills it.
func run(ctx context.Context, cmd *exec.Cmd) error {
	p, err := spawn(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		p.kill()
		return ctx.Err()
	}
}

func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) pid() int {
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// kill is kill -9; it returns when the process is gone.
func (p *process) kill() {
	if p.running() {
		_ = p.cmd.Process.Kill() // an error means that it is gone already
		<-p.done
	}
}

// step is one rung of a ladder of ever less polite ways to end a process.
type step struct {
	signal   syscall.Signal
	patience time.Duration
}

var errStubborn = errors.New("had to be killed")

// stop climbs the ladder until the process is gone, and kills it at the top or when the context ends. Only a killed process is an error.
func (p *process) stop(ctx context.Context, ladder ...step) error {
	for _, s := range ladder {
		if !p.running() {
			return nil
		}
		_ = p.cmd.Process.Signal(s.signal)
		patience := time.NewTimer(s.patience)
		select {
		case <-p.done:
			patience.Stop()
			return nil
		case <-patience.C:
		case <-ctx.Done():
			patience.Stop()
			p.kill()
			return errors.Join(errStubborn, ctx.Err())
		}
	}
	if !p.running() {
		return nil
	}
	p.kill()
	return errStubborn
}
