//go:build unix && !nodevstack

package devstack

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// childVariable is set in the environment of a process that is to be the S3 server.
const childVariable = "BONFIRE_DEVSTACK_CHILD"

// s3Orders is what the parent writes, as one line of JSON, to the child's standard input; secrets in arguments or environment could be
// read by others. The input then stays open, and its end means that the parent is gone.
type s3Orders struct {
	Root       string // objects
	Attributes string // sidecar metadata, where Root's file system has no extended attributes
	Lock       string // locked while the server lives
	Addr       string
	AccessKey  string
	SecretKey  string
}

// ChildMain is the first thing that main and TestMain call. In a process that was started as the S3 server it serves until it is told to
// stop and then returns true: the caller returns at once. A server that fails ends the process with exit code 1. In every other process
// ChildMain returns false.
func ChildMain() bool {
	if os.Getenv(childVariable) != "s3" {
		return false
	}
	if err := serveS3(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "devstack: S3 server:", err)
		os.Exit(1)
	}
	return true
}

func serveS3(stdin io.Reader) error {
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read orders: %w", err)
	}
	var o s3Orders
	if err := json.Unmarshal(line, &o); err != nil {
		return fmt.Errorf("read orders: %w", err)
	}
	lock, err := lockPath(o.Lock)
	if err != nil {
		return fmt.Errorf("another S3 server is on %s: %w", o.Root, err)
	}
	defer unlock(lock)
	if err := writePID(lock); err != nil {
		return fmt.Errorf("write pid: %w", err)
	}
	go watchParent(in)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	syscall.Umask(0o077)
	return runGateway(ctx, o)
}

// watchParent ends the process when the parent is gone: whatever it was doing, nobody will read the answer.
func watchParent(in io.Reader) {
	_, _ = io.Copy(io.Discard, in)
	os.Exit(0)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
	return err
}

// runGateway serves o.Root until the context ends. It keeps S3's own limits (5 GiB a copy, 10,000 parts) so that what works here works there.
func runGateway(ctx context.Context, o s3Orders) error {
	storer, sidecar, err := attributes(o)
	if err != nil {
		return err
	}
	opts := posix.PosixOpts{SideCarDir: sidecar, CopyObjectThreshold: 5 << 30}
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	backend, err := posix.New(o.Root, storer, opts)
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess:    o.AccessKey,
		RootUserSecret:    o.SecretKey,
		Region:            Region,
		Ports:             []string{o.Addr},
		MaxConnections:    4096,
		MaxRequests:       1024,
		MultipartMaxParts: 10000,
		KeepAlive:         true,
		Quiet:             true,
	})
}

// attributes chooses where metadata lives: extended attributes where the file system takes them (the gateway's own Test only reads one),
// else the sidecar directory. A sidecar that exists stays in use.
func attributes(o s3Orders) (meta.MetadataStorer, string, error) {
	if _, err := os.Stat(o.Attributes); err != nil && xattrWorks(o.Root) {
		return meta.XattrMeta{}, "", nil
	}
	if err := os.MkdirAll(o.Attributes, 0o700); err != nil {
		return nil, "", err
	}
	sidecar, err := meta.NewSideCar(o.Attributes)
	return sidecar, o.Attributes, err
}

func xattrWorks(dir string) bool {
	x := meta.XattrMeta{}
	if x.Test(dir) != nil {
		return false
	}
	parent, name := filepath.Split(dir)
	const probe = "bonfire-probe"
	return x.StoreAttribute(nil, parent, name, probe, []byte("1")) == nil && x.DeleteAttribute(parent, name, probe) == nil
}
