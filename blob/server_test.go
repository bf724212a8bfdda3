package blob_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/internal/devstack"
)

// server is the real S3 server of this test binary.
var server *devstack.S3

func TestMain(m *testing.M) {
	if devstack.ChildMain() {
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "bonfire-blob-*")
	if err != nil {
		return 1, err
	}
	if server, err = devstack.StartS3(context.Background(), devstack.S3Options{Dir: dir}); err == nil {
		code = m.Run()
		err = server.Stop(context.Background())
	}
	return code, errors.Join(err, devstack.Remove(dir))
}

// settings is a configuration that works.
func settings() blob.Config {
	access, secret := server.Credentials()
	return blob.Config{
		Bucket: devstack.Bucket, Endpoint: server.URL(), Region: devstack.Region, PathStyle: true, FullObjectCRC: true,
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, ""),
	}
}
