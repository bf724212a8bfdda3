//go:build linux && !nodevstack

package devstack_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// put stores an object and returns a signed URL for it.
func put(t *testing.T, env *devtest.Env, key, body string, ttl time.Duration) string {
	t.Helper()
	client := env.Stack.S3().Client()
	if _, err := client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &env.Bucket, Key: &key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	signed, err := awss3.NewPresignClient(client).PresignGetObject(t.Context(), &awss3.GetObjectInput{Bucket: &env.Bucket, Key: &key}, awss3.WithPresignExpires(ttl))
	if err != nil {
		t.Fatal(err)
	}
	return signed.URL
}

// fetch does a request and returns status, headers and body.
func fetch(t *testing.T, method, target string, headers ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

// P7's signed URLs mean something only on a server that refuses the others.
func TestP7_OnlySignedURLsOpenObjects(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	signed := put(t, env, "wound.jpg", "bytes", time.Minute)
	if status, _, body := fetch(t, "GET", signed); status != 200 || body != "bytes" {
		t.Fatalf("the signed URL: %d %q", status, body)
	}
	if status, header, body := fetch(t, "GET", signed, "Range", "bytes=1-3"); status != 206 || body != "yte" || header.Get("Content-Range") != "bytes 1-3/5" {
		t.Fatalf("a range: %d %q %q", status, body, header.Get("Content-Range"))
	}
	short := put(t, env, "short", "bytes", time.Second)
	put(t, env, "other.jpg", "of somebody else", time.Minute)
	plain, _, _ := strings.Cut(signed, "?")
	refused := map[string]string{
		"anonymous":         plain,
		"another object":    strings.Replace(signed, "wound.jpg", "other.jpg", 1),
		"a longer life":     strings.Replace(signed, "X-Amz-Expires=60", "X-Amz-Expires=6000", 1),
		"another signature": forge(signed),
	}
	for name, target := range refused {
		if target == signed {
			t.Fatalf("%s: the test changed nothing", name)
		}
		if status, _, body := fetch(t, "GET", target); status != 403 || strings.Contains(body, "somebody") {
			t.Errorf("%s: %d, want 403", name, status)
		}
	}
	if status, _, _ := fetch(t, "PUT", signed); status != 403 {
		t.Errorf("a GET's signature used for PUT: %d, want 403", status)
	}
	eventually(t, "the short URL expires with 403", func() bool {
		status, _, _ := fetch(t, "GET", short)
		return status == 403
	})
}

// forge changes one digit of a signature.
func forge(signed string) string {
	at := strings.Index(signed, "X-Amz-Signature=") + len("X-Amz-Signature=")
	digit := "0"
	if signed[at:at+1] == digit {
		digit = "1"
	}
	return signed[:at] + digit + signed[at+1:]
}

func TestWrongKeysAreRefused(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	wrong := awss3.New(awss3.Options{
		BaseEndpoint: &env.Endpoint, UsePathStyle: true, Region: env.Region,
		Credentials: credentials.NewStaticCredentialsProvider(env.AccessKey, "wrong", ""),
	})
	if _, err := wrong.ListBuckets(t.Context(), &awss3.ListBucketsInput{}); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Fatalf("want SignatureDoesNotMatch, got %v", err)
	}
}

func TestBrowsersOfTheOriginMayReadAndWrite(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	signed := put(t, env, "photo", "bytes", time.Minute)
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		status, header, _ := fetch(t, "OPTIONS", signed, "Origin", devtest.Origin, "Access-Control-Request-Method", method,
			"Access-Control-Request-Headers", "content-type,range,x-amz-checksum-crc64nvme")
		if status != 200 || header.Get("Access-Control-Allow-Origin") != devtest.Origin || !strings.Contains(header.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("preflight of %s: %d %v", method, status, header)
		}
		if !strings.Contains(header.Get("Access-Control-Allow-Headers"), "range") {
			t.Errorf("preflight of %s allows the headers %q", method, header.Get("Access-Control-Allow-Headers"))
		}
	}
	_, header, body := fetch(t, "GET", signed, "Origin", devtest.Origin, "Range", "bytes=0-1")
	if header.Get("Access-Control-Allow-Origin") != devtest.Origin || body != "by" {
		t.Errorf("a read: %q %v", body, header)
	}
	for _, name := range []string{"ETag", "Content-Range", "Accept-Ranges", "Content-Length"} {
		if !strings.Contains(header.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s is not exposed: %q", name, header.Get("Access-Control-Expose-Headers"))
		}
	}
	status, header, _ := fetch(t, "OPTIONS", signed, "Origin", "http://evil.example", "Access-Control-Request-Method", "GET")
	if status != 403 || header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of another origin: %d %v", status, header)
	}
}

// The rules of S3 that the upload engine lives by.
func TestMultipartRules(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	client, key := env.Stack.S3().Client(), "audio"
	created, err := client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: &env.Bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for n := int32(1); n <= 2; n++ {
		part, err := client.UploadPart(t.Context(), &awss3.UploadPartInput{Bucket: &env.Bucket, Key: &key, UploadId: created.UploadId,
			PartNumber: &n, Body: bytes.NewReader(make([]byte, 1000))})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: &n, ETag: part.ETag})
	}
	_, err = client.CompleteMultipartUpload(t.Context(), &awss3.CompleteMultipartUploadInput{Bucket: &env.Bucket, Key: &key, UploadId: created.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	if err == nil || !strings.Contains(err.Error(), "EntityTooSmall") {
		t.Fatalf("a small part that is not the last: want EntityTooSmall, got %v", err)
	}
	if _, err := client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: &env.Bucket, Key: &key}); err == nil {
		t.Fatal("an upload that was refused left an object")
	}
}

// Where the file system has no extended attributes, metadata lives in sidecar files; a directory that began so stays so.
func TestSidecarMetadata(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	sidecar := filepath.Join(dir, "s3", "attributes")
	if err := os.MkdirAll(sidecar, 0o700); err != nil {
		t.Fatal(err)
	}
	s3, err := devstack.StartS3(t.Context(), devstack.S3Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s3.Stop(context.Background()) })
	bucket, key := devstack.Bucket, "a/b"
	if _, err := s3.Client().PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x"),
		Metadata: map[string]string{"digest": "abc"}}); err != nil {
		t.Fatal(err)
	}
	if err := s3.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	head, err := s3.Client().HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil || head.Metadata["digest"] != "abc" {
		t.Fatalf("metadata %v, %v", head, err)
	}
	if kept, _ := os.ReadDir(filepath.Join(sidecar, bucket, "a", "b")); len(kept) == 0 {
		t.Fatal("the metadata is not in the sidecar directory")
	}
}

// The endpoint is loopback, and nothing else.
func TestEndpointIsLoopback(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(devtest.New(t).Endpoint)
	if err != nil || u.Hostname() != "127.0.0.1" {
		t.Fatalf("endpoint %v, %v", u, err)
	}
}
