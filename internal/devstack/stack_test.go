//go:build linux && !nodevstack

package devstack_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// leaveMark puts a row into the database and an object into the bucket.
func leaveMark(t *testing.T, s *devstack.Stack) {
	t.Helper()
	db := open(t, s.Postgres().OwnerURL(devstack.Database))
	mustExec(t, db, `CREATE TABLE mark (n int); INSERT INTO mark VALUES (42)`)
	db.Close()
	bucket, key := devstack.Bucket, "mark"
	if _, err := s.S3().Client().PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader("forty-two"), Metadata: map[string]string{"answer": "42"},
	}); err != nil {
		t.Fatal(err)
	}
}

func requireMark(t *testing.T, s *devstack.Stack) {
	t.Helper()
	var n int
	db := open(t, s.Postgres().OwnerURL(devstack.Database))
	defer db.Close()
	if err := db.QueryRow(`SELECT n FROM mark`).Scan(&n); err != nil || n != 42 {
		t.Fatalf("the row is lost: %d, %v", n, err)
	}
	bucket, key := devstack.Bucket, "mark"
	out, err := s.S3().Client().GetObject(t.Context(), &awss3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatalf("the object is lost: %v", err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil || string(body) != "forty-two" || out.Metadata["answer"] != "42" {
		t.Fatalf("the object is not what was stored: %q, %v, %v", body, out.Metadata, err)
	}
}

func TestStopAndStartKeepDataAndAddress(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	first := start(t, devstack.Options{Dir: dir, PGPort: devstack.FreePort})
	leaveMark(t, first)
	env := first.Env()
	stop(t, first)

	again := start(t, devstack.Options{Dir: dir, PGPort: devstack.FreePort})
	requireMark(t, again)
	if !slices.Equal(env, again.Env()) {
		t.Fatalf("the settings changed:\n%s\nwere\n%s", strings.Join(again.Env(), "\n"), strings.Join(env, "\n"))
	}
	if pid := again.Postgres().PID(); pid == 0 || gone(pid) {
		t.Fatal("no postmaster")
	}
}

func TestStopLeavesNoProcess(t *testing.T) {
	t.Parallel()
	stack := start(t, devstack.Options{Dir: devtest.Dir(t)})
	db := open(t, stack.Postgres().URL()) // a session that stays open must not hold up the stop
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	pids := []int{stack.Postgres().PID(), stack.S3().PID()}
	stop(t, stack)
	for _, pid := range pids {
		if !gone(pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
	if stack.Postgres().PID() != 0 || stack.S3().PID() != 0 {
		t.Error("a stopped server has a pid")
	}
	stop(t, stack) // twice is fine
}

func TestKilledPostgresStartsAgain(t *testing.T) {
	t.Parallel()
	stack := start(t, devstack.Options{Dir: devtest.Dir(t), PGPort: devstack.FreePort})
	leaveMark(t, stack)
	busy := open(t, stack.Postgres().URL())
	go func() { _, _ = busy.Exec(`SELECT pg_sleep(60)`) }() // a session that outlives the postmaster for a moment
	eventually(t, "the session is busy", func() bool {
		var n int
		err := open(t, stack.Postgres().AdminURL("postgres")).QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`).Scan(&n)
		return err == nil && n == 1
	})
	pid, url := stack.Postgres().PID(), stack.Postgres().URL()

	stack.Postgres().Kill()
	if !gone(pid) || stack.Postgres().PID() != 0 {
		t.Fatal("the killed postmaster lives")
	}
	if err := open(t, url).Ping(); err == nil {
		t.Fatal("the killed database answers")
	}
	if err := stack.Postgres().Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stack.Postgres().URL() != url {
		t.Fatal("the address changed")
	}
	requireMark(t, stack)
}

func TestKilledS3StartsAgain(t *testing.T) {
	t.Parallel()
	stack := start(t, devstack.Options{Dir: devtest.Dir(t)})
	leaveMark(t, stack)
	pid, url := stack.S3().PID(), stack.S3().URL()

	stack.S3().Kill()
	if !gone(pid) || stack.S3().PID() != 0 {
		t.Fatal("the killed server lives")
	}
	if _, err := stack.S3().Client().ListBuckets(t.Context(), &awss3.ListBucketsInput{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("the killed server answers: %v", err)
	}
	if err := stack.S3().Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stack.S3().URL() != url {
		t.Fatal("the address changed")
	}
	requireMark(t, stack)
}

func TestRestartOfEachAlone(t *testing.T) {
	t.Parallel()
	stack := start(t, devstack.Options{Dir: devtest.Dir(t)})
	leaveMark(t, stack)
	for name, restart := range map[string]func(context.Context) error{"Postgres": stack.Postgres().Restart, "S3": stack.S3().Restart} {
		if err := restart(t.Context()); err != nil {
			t.Fatalf("restart %s: %v", name, err)
		}
		requireMark(t, stack)
	}
	pids := []int{stack.Postgres().PID(), stack.S3().PID()}
	if err := errors.Join(stack.Postgres().Start(t.Context()), stack.S3().Start(t.Context())); err != nil {
		t.Fatalf("start of a running server: %v", err)
	}
	if now := []int{stack.Postgres().PID(), stack.S3().PID()}; !slices.Equal(pids, now) {
		t.Fatalf("start of a running server made another: %v, was %v", now, pids)
	}
	if _, err := devstack.StartS3(t.Context(), devstack.S3Options{Dir: stackDir(t, stack)}); !errors.Is(err, devstack.ErrInUse) {
		t.Fatalf("a restart lost the lock: %v", err)
	}
}

// stackDir finds the data directory by way of the database's.
func stackDir(t *testing.T, s *devstack.Stack) string {
	t.Helper()
	dir, name := filepath.Split(s.Postgres().DataDir())
	if name != "postgres" {
		t.Fatalf("an unexpected data directory %s", s.Postgres().DataDir())
	}
	return filepath.Clean(dir)
}

func TestSecondStartIsRefused(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	stack := start(t, devstack.Options{Dir: dir})
	_, err := devstack.Start(t.Context(), devstack.Options{Dir: dir})
	if !errors.Is(err, devstack.ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("want ErrInUse that names the directory, got %v", err)
	}
	if err := devstack.Remove(dir); !errors.Is(err, devstack.ErrInUse) {
		t.Fatalf("Remove of a running stack: %v", err)
	}
	requireRunning(t, stack)
	stop(t, stack)
	start(t, devstack.Options{Dir: dir})
}

func requireRunning(t *testing.T, s *devstack.Stack) {
	t.Helper()
	if err := open(t, s.Postgres().URL()).Ping(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.S3().Client().ListBuckets(t.Context(), &awss3.ListBucketsInput{}); err != nil {
		t.Fatal(err)
	}
}

// One server may run alone, on the directory that a stack used before.
func TestServersStartAlone(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	pg, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop(context.Background()) })
	if err := open(t, setting(t, pg.Env(), "BONFIRE_DATABASE_URL")).Ping(); err != nil {
		t.Fatal(err)
	}
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s3, err := devstack.StartS3(t.Context(), devstack.S3Options{Dir: dir})
	if err != nil {
		t.Fatalf("the directory was not given back: %v", err)
	}
	if err := s3.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	requireRunning(t, start(t, devstack.Options{Dir: dir}))
}

// Both servers write to Log when there is one, and neither writes what was in a failed statement.
func TestLogHoldsNoValues(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	dir := devtest.Dir(t)
	stack := start(t, devstack.Options{Dir: dir, Log: &log})
	db := open(t, stack.Postgres().OwnerURL(devstack.Database))
	mustExec(t, db, `CREATE TABLE patients (name text UNIQUE); INSERT INTO patients VALUES ('Florence Nightingale')`)
	if _, err := db.Exec(`INSERT INTO patients VALUES ('Florence Nightingale')`); err == nil {
		t.Fatal("no violation")
	}
	stop(t, stack)
	if !strings.Contains(log.String(), "duplicate key value") {
		t.Fatalf("the log does not tell of the error:\n%s", log.String())
	}
	if strings.Contains(log.String(), "Nightingale") {
		t.Fatalf("the log names a patient:\n%s", log.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres.log")); err == nil {
		t.Fatal("there is a log file, too")
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := devstack.Start(ctx, devstack.Options{Dir: dir, NoSync: true}); !errors.Is(err, context.Canceled) {
		t.Fatalf("want context.Canceled, got %v", err)
	}
	requireRunning(t, start(t, devstack.Options{Dir: dir})) // nothing half-made is in the way
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
