//go:build unix && !nodevstack

package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	s3Dir  = "s3"
	s3Lock = "s3.lock" // held by the server process itself, with its pid inside
)

// S3 is one S3 server and its objects. Start, Stop and Kill take turns; all of it is safe for use by several goroutines.
type S3 struct {
	opts S3Options
	home *home

	mu    sync.Mutex
	held  bool // this server holds the home's lock
	port  int  // settled by the first start
	proc  *process
	leash *os.File // the server's standard input; its end is the server's end
	*bucketClient
}

// StartS3 starts an S3 server on o.Dir, with the bucket Bucket in it, and waits until it answers. It holds the lock of o.Dir until Stop; for
// both servers on one directory use Start. The context bounds the start, not the life. The program must call ChildMain first thing in main.
func StartS3(ctx context.Context, o S3Options) (*S3, error) {
	h, err := openHome(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &S3{opts: o, home: h}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Start starts the server again after Stop or Kill, on the same data and address. On a running server it does nothing.
func (s *S3) Start(ctx context.Context) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc.running() {
		return nil
	}
	if os.Getenv(childVariable) != "" {
		return errors.New("devstack: this process was started as an S3 server: main or TestMain must call devstack.ChildMain first")
	}
	if !s.held {
		if err := s.home.hold(); err != nil {
			return err
		}
		s.held = true
		defer func() {
			if err != nil {
				s.release()
			}
		}()
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := s.home.awaitS3Orphan(ctx); err != nil {
		return err
	}
	if err := s.launch(ctx); err != nil {
		return err
	}
	if err := s.CreateBucket(ctx, Bucket); err != nil {
		s.proc.kill()
		return err
	}
	return nil
}

// launch starts the server and waits until it answers. Between the choice of a free port and its use somebody may take it; the first start
// then chooses another one, a later start insists: URLs that were given out name the port.
func (s *S3) launch(ctx context.Context) error {
	settled := s.port != 0
	for try := 0; ; try++ {
		if !settled {
			port, err := pickPort(s.opts.Port, s.home.known().S3Port)
			if err != nil {
				return err
			}
			s.port = port
			s.bucketClient = newBucketClient(loopback(port), s.home.known(), s.opts.CORSOrigins)
		}
		said, err := s.attempt(ctx)
		if err == nil {
			return s.home.note(func(f *facts) { f.S3Port = s.port })
		}
		if !settled {
			s.port = 0
		}
		if !strings.Contains(said, syscall.EADDRINUSE.Error()) || s.opts.Port > 0 || try == 20 {
			return fmt.Errorf("devstack: S3 server: %w; it said:\n%s", err, said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// attempt is one try of launch; on failure it also returns what the server wrote.
func (s *S3) attempt(ctx context.Context) (said string, err error) {
	log, err := openJournal(s.home.dir, "s3.log", s.opts.Log)
	if err != nil {
		return "", err
	}
	defer log.close()
	self, err := selfExecutable()
	if err != nil {
		return "", err
	}
	orders, err := s.orders()
	if err != nil {
		return "", err
	}
	in, leash, err := os.Pipe()
	if err != nil {
		return "", err
	}
	proc, err := spawn(s.command(self, in, log), syscall.SIGKILL)
	in.Close()
	if err != nil {
		leash.Close()
		return "", err
	}
	if _, err = leash.Write(orders); err == nil {
		err = waitUntil(ctx, startPatience, func() bool { return !proc.running() || s.answers(ctx) })
	}
	if err == nil && !proc.running() {
		err = fmt.Errorf("ended at once: %v", proc.err)
	}
	if err != nil {
		proc.kill()
		leash.Close()
		return log.excerpt(), err
	}
	s.proc, s.leash = proc, leash
	return "", nil
}

// command is this program once more, as an S3 server.
func (s *S3) command(self string, in *os.File, log *journal) *exec.Cmd {
	cmd := exec.Command(self)
	cmd.Args = []string{"bonfire-s3"} // what ps shows
	cmd.Env = append(childEnv(), childVariable+"=s3")
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		cmd.Env = append(cmd.Env, "GOCOVERDIR="+dir)
	}
	cmd.Dir = s.home.dir
	cmd.Stdin = in
	cmd.Stdout, cmd.Stderr = log.writer(), log.writer()
	return cmd
}

// orders makes the directories and the child's instructions.
func (s *S3) orders() ([]byte, error) {
	base := filepath.Join(s.home.dir, s3Dir)
	known := s.home.known()
	o := s3Orders{
		Root:       filepath.Join(base, "objects"),
		Attributes: filepath.Join(base, "attributes"),
		Lock:       filepath.Join(s.home.dir, s3Lock),
		Addr:       loopback(s.port),
		AccessKey:  known.AccessKey,
		SecretKey:  known.SecretKey,
	}
	if err := os.MkdirAll(o.Root, 0o700); err != nil {
		return nil, err
	}
	line, err := json.Marshal(o)
	return append(line, '\n'), err
}

// Stop lets running requests finish for two seconds, then ends the server.
func (s *S3) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.release()
	s.closeIdle()
	err := s.proc.stop(ctx, step{syscall.SIGTERM, 2 * time.Second})
	s.drop()
	if err != nil && !errors.Is(err, errStubborn) { // a client that holds its connection open is no failure of ours
		return fmt.Errorf("devstack: stop the S3 server: %w", err)
	}
	return nil
}

// Kill is kill -9, as a crash would be. Start recovers.
func (s *S3) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc.kill()
	s.drop()
}

// drop closes our end of a dead server's input.
func (s *S3) drop() {
	if s.leash != nil {
		s.leash.Close()
		s.leash = nil
	}
}

// Restart is Stop and Start.
func (s *S3) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.Start(ctx)
}

// release gives the home's lock back; the caller has s.mu.
func (s *S3) release() {
	if s.held {
		s.held = false
		s.home.letGo()
	}
}

// PID is the server's process id, 0 when it does not run.
func (s *S3) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.pid()
}

// Env returns the settings of a server that uses this bucket.
func (s *S3) Env() []string {
	known := s.home.known()
	return []string{
		"BONFIRE_S3_BUCKET=" + Bucket,
		"BONFIRE_S3_ENDPOINT=" + s.URL(),
		"BONFIRE_S3_REGION=" + Region,
		"BONFIRE_S3_PATH_STYLE=true",
		"AWS_ACCESS_KEY_ID=" + known.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + known.SecretKey,
	}
}

// URL is the endpoint, such as http://127.0.0.1:23456.
func (s *S3) URL() string { return "http://" + loopback(s.port) }

// Credentials are the root account's keys, generated once per data directory.
func (s *S3) Credentials() (accessKey, secretKey string) {
	known := s.home.known()
	return known.AccessKey, known.SecretKey
}
