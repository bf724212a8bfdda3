package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/cli"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

func migrate(ctx context.Context, url string) error {
	_, err := store.Migrate(ctx, url)
	return err
}

// output is what a command printed, readable while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// ran is a command that has ended.
type ran struct {
	code     int
	out, err string
}

// bonfire runs a command to its end.
func bonfire(ctx context.Context, environ []string, stdin io.Reader, args ...string) ran {
	var out, errs output
	code := cli.Run(ctx, append([]string{"bonfire"}, args...), environ, stdin, &out, &errs)
	return ran{code, out.String(), errs.String()}
}

// daemon is a command that runs until it is stopped.
type daemon struct {
	out, err *output
	stop     func() int // tells it to stop, waits, gives the exit code
	ended    <-chan struct{}
}

func background(t *testing.T, environ []string, args ...string) *daemon {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	d := &daemon{out: &output{}, err: &output{}, ended: ended}
	var code int
	go func() {
		defer close(ended)
		code = cli.Run(ctx, append([]string{"bonfire"}, args...), environ, nil, d.out, d.err)
	}()
	d.stop = sync.OnceValue(func() int { cancel(); <-ended; return code })
	t.Cleanup(func() {
		if code := d.stop(); code != 0 {
			t.Errorf("bonfire %s ended with %d:\n%s", strings.Join(args, " "), code, d.err)
		}
	})
	return d
}

// says waits for a line that begins with the prefix and gives its rest.
func (d *daemon) says(t *testing.T, prefix string) string {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		for line := range strings.Lines(d.out.String()) {
			if rest, ok := strings.CutPrefix(line, prefix); ok && strings.HasSuffix(rest, "\n") {
				return strings.TrimSpace(rest)
			}
		}
		select {
		case <-d.ended:
			t.Fatalf("it ended before it said %q:\n%s%s", prefix, d.out, d.err)
		case <-deadline:
			t.Fatalf("it never said %q:\n%s%s", prefix, d.out, d.err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// serveDev starts `serve --dev` on env and gives its address and its environment.
func serveDev(t *testing.T, env *devtest.Env, vars ...string) (url string, environ []string, d *daemon) {
	t.Helper()
	environ = append(append(env.Environ(), "BONFIRE_DEV_KEY="+strings.Repeat("k", 32), "BONFIRE_ADDR=127.0.0.1:0",
		"BONFIRE_SPOOL_DIR="+t.TempDir(), "XDG_STATE_HOME="+t.TempDir()), vars...)
	d = background(t, environ, "serve", "--dev", "--data", t.TempDir())
	return d.says(t, "Bonfire files: "), environ, d
}

func token(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	r := bonfire(t.Context(), environ, nil, append([]string{"dev", "token"}, args...)...)
	if r.code != 0 {
		t.Fatalf("dev token: %+v", r)
	}
	return strings.TrimSpace(r.out)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	key := "BONFIRE_DEV_KEY=" + strings.Repeat("k", 32)
	for _, tc := range []struct {
		environ []string
		args    string
		code    int
		out     string // in either stream
	}{
		{nil, "", 0, "Usage:"},
		{nil, "help", 0, "serve"},
		{nil, "--help", 0, "devstack"},
		{nil, "serve --help", 0, "BONFIRE_AUDIT_SEAL_INTERVAL"},
		{nil, "version", 0, "bonfire "},
		{nil, "nonsense", 2, `unknown command "nonsense"`},
		{nil, "version now", 2, "unknown command"},
		{nil, "serve --nonsense", 2, "see: bonfire serve --help"},
		{nil, "migrate", 2, "There is: up, status"},
		{nil, "migrate sideways", 2, `no command "sideways"`},
		{nil, "migrate up", 2, "BONFIRE_MIGRATE_DATABASE_URL: not set"},
		{nil, "migrate status", 2, "BONFIRE_DATABASE_URL: not set"},
		{nil, "dev", 2, "There is: token"},
		{nil, "dev token", 2, "accepts 1 arg"},
		{nil, "dev token nobody", 2, "clinician, colleague"},
		{[]string{key}, "dev token clinician --ttl 0s", 2, "--ttl"},
		{[]string{key}, "dev token clinician --ttl soon", 2, "--ttl"},
		{[]string{key}, "dev token clinician --purpose FUN", 2, "BTG"},
		{[]string{key}, "dev token clinician", 0, "."},
		{[]string{"BONFIRE_DEV_KEY=short"}, "dev token clinician", 2, "BONFIRE_DEV_KEY: too short"},
		{nil, "upload", 2, "see: bonfire upload --help"},
		{nil, "upload x --kind raw", 2, "patient"},
		{nil, "upload x --kind raw --patient y", 2, "BONFIRE_TOKEN"},
		{nil, "upload /no/such/file --kind raw --patient y --token z", 1, "no such file"},
		{nil, "upload / --kind raw --patient y --token z", 1, "not a regular file"},
		{nil, "serve", 2, "BONFIRE_S3_BUCKET: not set"},
		{[]string{"BONFIRE_PART_SIZE=1"}, "serve", 2, "BONFIRE_PART_SIZE: choose between"},
		{nil, "serve --dev --addr 0.0.0.0:0", 2, "this machine only"},
		{nil, "serve --dev --addr :0", 2, "this machine only"},
		{[]string{"BONFIRE_ADDR=[::]:0"}, "serve --dev", 2, "this machine only"},
		{nil, "doctor", 1, "BONFIRE_DATABASE_URL: not set"},
		{nil, "fsck", 2, "set BONFIRE_DATABASE_URL and BONFIRE_S3_BUCKET"},
		{nil, "fsck --older-than 1s", 2, "--older-than: choose 1m0s or longer"},
		{nil, "fsck --older-than soon", 2, "--older-than"},
		{nil, "fsck --force", 2, "--force goes with --repair"},
		{nil, "fsck everything", 2, "see: bonfire fsck --help"},
	} {
		r := bonfire(t.Context(), tc.environ, nil, strings.Fields(tc.args)...)
		if r.code != tc.code || !strings.Contains(r.out+r.err, tc.out) {
			t.Errorf("bonfire %s: %d, want %d with %q\n%s%s", tc.args, r.code, tc.code, tc.out, r.out, r.err)
		}
		if r.code == 2 && r.out != "" {
			t.Errorf("bonfire %s: an error went to standard output: %s", tc.args, r.out)
		}
	}
}

// TestHelpNamesOnlyWhatThereIs: every line of the list is a command that answers --help.
func TestHelpNamesOnlyWhatThereIs(t *testing.T) {
	t.Parallel()
	_, list, _ := strings.Cut(bonfire(t.Context(), nil, nil, "help").out, "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var names []string
	for line := range strings.Lines(list) {
		name := strings.Fields(line)[0]
		names = append(names, name)
		if r := bonfire(t.Context(), nil, nil, name, "--help"); r.code != 0 || !strings.Contains(r.out, "Usage:") {
			t.Errorf("%s --help: %+v", name, r)
		}
	}
	if got := fmt.Sprint(names); got != "[audit clinic dev devstack doctor export fsck help import key member migrate policy serve upload verify version]" {
		t.Errorf("the commands are %s", got)
	}
}
