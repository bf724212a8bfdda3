//go:build unix && !nodevstack

package versioned

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"

	"github.com/bonfiredb/bonfire/internal/devstack"
)

// The server's one account.
const (
	AccessKey = "test"
	SecretKey = "test-secret"
)

// Bucket is the bucket that Start makes: with versions and Object Lock.
const Bucket = "kept"

// child is set in a process that is to be the server: its address and directory.
const child = "BONFIRE_VERSIONED_S3"

func init() {
	var addr, dir string
	if n, _ := fmt.Sscan(os.Getenv(child), &addr, &dir); n != 2 {
		return
	}
	go func() { // the end of the input is the end of the parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := serve(addr, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}

// serve runs in a process of its own: the server changes the working directory.
func serve(addr, dir string) error {
	backend, err := posix.New(filepath.Join(dir, "objects"), meta.XattrMeta{}, posix.PosixOpts{
		VersioningDir: filepath.Join(dir, "versions"), CopyObjectThreshold: 5 << 30,
	})
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(context.Background(), backend, &embedgw.Config{
		RootUserAccess: AccessKey, RootUserSecret: SecretKey, Region: devstack.Region, Ports: []string{addr},
		MaxConnections: 64, MaxRequests: 64, MultipartMaxParts: 10000, KeepAlive: true, Quiet: true,
	})
}

// Start starts a server for one test, with Bucket in it, and gives its endpoint
// and a client. It skips the test where the file system of the temporary
// directory keeps no extended attributes.
func Start(t testing.TB) (endpoint string, client *s3.Client) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"objects", "versions"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if (meta.XattrMeta{}).Test(dir) != nil {
		t.Skip("the file system of the temporary directory keeps no extended attributes")
	}
	addr := freeAddress(t)
	spawn(t, addr, dir)
	endpoint = "http://" + addr
	client = s3.New(s3.Options{
		BaseEndpoint: &endpoint, UsePathStyle: true, Region: devstack.Region,
		Credentials: credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""), HTTPClient: &http.Client{Timeout: 10 * time.Second},
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String(Bucket), ObjectLockEnabledForBucket: aws.Bool(true),
	}); err != nil {
		t.Fatal(err)
	}
	return endpoint, client
}

func freeAddress(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// spawn starts this binary once more, as the server; it ends with the test.
func spawn(t testing.TB, addr, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), child+"="+addr+" "+dir)
	leash, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = leash.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}
