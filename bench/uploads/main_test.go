package uploads

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"syscall"
	"testing"

	"github.com/bonfiredb/bonfire/internal/cli"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

const mib = 1 << 20

// roleVariable makes this binary one of the servers it measures.
const roleVariable = "BENCH_ROLE"

// roles are what this binary can be beside the benchmark. Each prints a line
// that begins with its first word when it is ready, and ends on SIGTERM.
var roles = map[string]func(ctx context.Context) error{
	"gateway": runGateway,
	"tusd":    runTusd,
	"bare":    runBare,
	"bonfire": func(ctx context.Context) error {
		if code := cli.Run(ctx, os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr); code != 0 {
			return fmt.Errorf("exit code %d", code)
		}
		return nil
	},
}

func TestMain(m *testing.M) {
	run, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		devtest.Main(m)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	end, err := profile()
	if err == nil {
		err = run(ctx)
		end()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// profile writes where the processor's time goes to a file of the process's own
// in the directory BENCH_PROFILE.
func profile() (end func(), err error) {
	dir := os.Getenv("BENCH_PROFILE")
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.pprof", os.Getenv(roleVariable), os.Getpid())))
	if err != nil {
		return nil, err
	}
	return pprof.StopCPUProfile, pprof.StartCPUProfile(f)
}

// setting is a figure of the run that the environment may change.
func setting(b *testing.B, name string, otherwise int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s: not a number above 0: %q", name, text)
	}
	return n
}
