//go:build unix && !nodevstack

package devstack

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	defaultPGPort = 5432
	startPatience = time.Minute
)

// Postgres is one Postgres server and its cluster. Start, Stop and Kill take turns; all of it is safe for use by several goroutines.
type Postgres struct {
	opts    PostgresOptions
	home    *home
	follows *Postgres // a standby's, which its first start copies

	mu    sync.Mutex
	held  bool // this server holds the home's lock
	ready bool // bin and place are settled; they stay for the life of the value, like the port once it has worked
	bin   binaries
	place place
	port  int
	proc  *process
}

// StartPostgres starts a Postgres on o.Dir, on its first run with roles and database (see OwnerRole, AppRole, Database), and waits until it
// answers. It holds the lock of o.Dir until Stop; for both servers on one directory use Start. The context bounds the start, not the life.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	h, err := openHome(o.Dir)
	if err != nil {
		return nil, err
	}
	return begun(ctx, &Postgres{opts: o, home: h})
}

// begun is p after its first start.
func begun(ctx context.Context, p *Postgres) (*Postgres, error) {
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Start starts the server again after Stop or Kill, on the same data and address. On a running server it does nothing.
func (p *Postgres) Start(ctx context.Context) (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proc.running() {
		return nil
	}
	if !p.held {
		if err := p.home.hold(); err != nil {
			return err
		}
		p.held = true
		defer func() {
			if err != nil {
				p.release()
			}
		}()
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := p.settle(ctx); err != nil {
		return err
	}
	if err := p.launch(ctx); err != nil {
		return err
	}
	if err := p.prepare(ctx); err != nil {
		p.proc.kill()
		return err
	}
	return nil
}

// settle finds the programs and the place, and makes the cluster; once per value. An orphan must be gone before each start.
func (p *Postgres) settle(ctx context.Context) (err error) {
	if p.ready {
		return stopOrphan(ctx, p.place.data())
	}
	major := dataMajor(place{base: p.home.dir}.data())
	if outside, ok := p.home.location(); ok {
		major = dataMajor(place{base: outside}.data())
	}
	if p.bin, err = findBinaries(major); err != nil {
		return err
	}
	if p.place, err = p.home.settle(ctx, p.bin); err != nil {
		return err
	}
	if err = stopOrphan(ctx, p.place.data()); err != nil {
		return err
	}
	if err = p.initCluster(ctx); err != nil {
		return err
	}
	p.ready = true
	return nil
}

// launch starts the postmaster and waits until it takes connections. Sessions of a killed postmaster end within moments; until then a new
// one cannot start, and launch tries again. So it does when somebody was quicker to take the port: the first start chooses another one, a
// later start insists, since URLs that were given out name the port.
func (p *Postgres) launch(ctx context.Context) error {
	settled := p.port != 0
	for try := 0; ; try++ {
		if err := p.choosePort(); err != nil {
			return err
		}
		said, err := p.attempt(ctx)
		if err == nil {
			return p.home.note(func(f *facts) {
				if p.opts.Port != 0 {
					f.PGPort = p.port
				}
			})
		}
		if !settled {
			p.port = 0
		}
		sessions := strings.Contains(said, "pre-existing shared memory block")
		taken := strings.Contains(said, "Address already in use") && p.opts.Port == FreePort && try < 20
		if !sessions && !taken || ctx.Err() != nil {
			return fmt.Errorf("devstack: Postgres: %w; it said:\n%s", err, said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// choosePort settles the port for the time being; without TCP it is only part of the socket's name.
func (p *Postgres) choosePort() (err error) {
	if p.port != 0 {
		return nil
	}
	if p.opts.Port == 0 {
		p.port = defaultPGPort
		return nil
	}
	p.port, err = pickPort(p.opts.Port, p.home.known().PGPort)
	return err
}

// attempt is one try of launch; on failure it also returns what the server wrote.
func (p *Postgres) attempt(ctx context.Context) (said string, err error) {
	log, err := openJournal(p.home.dir, "postgres.log", p.opts.Log)
	if err != nil {
		return "", err
	}
	defer log.close()

	args := []string{"-D", p.place.data()}
	for _, s := range p.settings() {
		args = append(args, "-c", s)
	}
	cmd := exec.Command(p.bin.path("postgres"), args...)
	cmd.Env = childEnv()
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log.writer(), log.writer()
	if p.place.cred != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.place.cred}
	}
	proc, err := spawn(cmd, syscall.SIGINT) // a fast shutdown when this program dies
	if err != nil {
		return "", err
	}
	err = waitUntil(ctx, startPatience, func() bool {
		pid, status := postmaster(p.place.data())
		return !proc.running() || pid == cmd.Process.Pid && (status == "ready" || status == "standby")
	})
	switch {
	case err != nil:
		proc.kill()
		return log.excerpt(), fmt.Errorf("not ready in time: %w", err)
	case !proc.running():
		return log.excerpt(), fmt.Errorf("ended at once: %v", proc.err)
	}
	p.proc = proc
	return "", nil
}

// Stop is a fast shutdown: sessions are ended, everything is written down. It takes well under a second; when the context ends first, the
// server is killed, which is an error.
func (p *Postgres) Stop(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.release()
	err := p.proc.stop(ctx, step{syscall.SIGINT, 10 * time.Second}, step{syscall.SIGQUIT, 3 * time.Second})
	if err != nil {
		return fmt.Errorf("devstack: stop Postgres: %w", err)
	}
	return nil
}

// Kill is kill -9 of the postmaster, as a crash would be; its sessions end by themselves. Start recovers.
func (p *Postgres) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proc.kill()
}

// Restart is Stop and Start.
func (p *Postgres) Restart(ctx context.Context) error {
	if err := p.Stop(ctx); err != nil {
		return err
	}
	return p.Start(ctx)
}

// release gives the home's lock back; the caller has p.mu.
func (p *Postgres) release() {
	if p.held {
		p.held = false
		p.home.letGo()
	}
}

// PID is the postmaster's process id, 0 when it does not run.
func (p *Postgres) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proc.pid()
}
