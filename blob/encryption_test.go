package blob_test

import (
	"encoding/base64"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

const keyUUID = "0a1b2c3d-0000-4000-8000-000000000001"

// empty fails when anything is left under the prefix.
func empty(t testing.TB, b *blob.Bucket) {
	t.Helper()
	for o, err := range b.List(t.Context(), "") {
		t.Errorf("left behind: %q, %v", o.Key, err)
	}
}

// versitygw, the server of these tests, accepts SSE-KMS and ignores it. That
// has to be noticed, and nothing may stay there in the clear.
func TestAStoreThatIgnoresEncryptionIsFoundOut(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *blob.Config) { c.KMSKeyID = keyUUID })
	check := func(err error) {
		t.Helper()
		want(t, err, blob.ErrNotEncrypted, clinical.Internal)
		const words = "storage accepted the bytes and did not encrypt them with the configured key"
		if got := clinical.AsFailure(err).Words; got != words || blob.Transient(err) {
			t.Errorf("%q, transient: %v", got, blob.Transient(err))
		}
		empty(t, b)
	}
	check(b.VerifyEncryption(t.Context()))
	_, err := b.Put(t.Context(), "k", "", body(noise(1, 100)))
	check(err)
	check(b.PutScratch(t.Context(), "k", body(noise(1, 100))))
	id, parts, crc := upload(t, b, "k", noise(1, 100), 1)
	_, err = b.CompleteMultipart(t.Context(), "k", id, parts, 100, crc)
	check(err)
}

func TestAStoreWithoutKMS(t *testing.T) {
	t.Parallel()
	b := through(t, refuse(1, http.StatusNotImplemented, "NotImplemented", puts), func(c *blob.Config) { c.KMSKeyID = keyUUID })
	err := b.VerifyEncryption(t.Context())
	if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Unavailable || f.Words != "storage cannot use the configured encryption key" {
		t.Fatal(err)
	}
}

func TestWithoutAKeyNothingIsVerified(t *testing.T) {
	t.Parallel()
	b := open(t)
	if err := b.VerifyEncryption(t.Context()); err != nil || len(b.Calls()) != 0 {
		t.Fatal(err, b.Calls())
	}
}

// An object that was there before is not ours to remove.
func TestAnEarlierUnencryptedObjectStays(t *testing.T) {
	t.Parallel()
	var prefix string
	before := open(t, func(c *blob.Config) { prefix = c.Prefix })
	if _, err := before.Put(t.Context(), "k", "", body(noise(1, 100))); err != nil {
		t.Fatal(err)
	}
	after := open(t, func(c *blob.Config) { c.Prefix, c.KMSKeyID = prefix, keyUUID })
	_, err := after.Put(t.Context(), "k", "", body(noise(1, 100)))
	want(t, err, blob.ErrNotEncrypted, clinical.Internal)
	if o, err := before.Head(t.Context(), "k"); err != nil || o.Size != 100 {
		t.Fatalf("%+v, %v", o, err)
	}
}

// echo is a store that claims on HEAD to have used this encryption, and
// records what it was asked for.
type echo struct {
	algorithm, key string

	mu    sync.Mutex
	asked []http.Header
}

func (e *echo) fault(w http.ResponseWriter, r *http.Request, next http.Handler) {
	e.mu.Lock()
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		e.asked = append(e.asked, r.Header.Clone())
	}
	e.mu.Unlock()
	if r.Method == http.MethodHead {
		w.Header().Set("X-Amz-Server-Side-Encryption", e.algorithm)
		w.Header().Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", e.key)
	}
	next.ServeHTTP(w, r)
}

func TestEncryptionIsAskedForAndBelieved(t *testing.T) {
	t.Parallel()
	e := &echo{algorithm: "aws:kms", key: "arn:aws:kms:eu-central-1:111122223333:key/" + keyUUID}
	b := through(t, e.fault, func(c *blob.Config) { c.KMSKeyID = keyUUID })
	if err := b.VerifyEncryption(t.Context()); err != nil {
		t.Fatal(err)
	}
	empty(t, b)
	o, err := b.Put(t.Context(), "put", "", body(noise(1, 100)))
	if err != nil || o.SSE != e.algorithm || o.KMSKey != e.key || !o.HasCRC {
		t.Fatalf("%+v, %v", o, err)
	}
	if err := b.PutScratch(t.Context(), "scratch", body(noise(1, 100))); err != nil {
		t.Fatal(err)
	}
	for _, h := range e.asked {
		if h.Get("X-Amz-Server-Side-Encryption") != "aws:kms" || h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") != keyUUID ||
			h.Get("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled") != "true" {
			t.Errorf("asked with %v", h)
		}
	}
	e.asked = nil
	id, parts, crc := upload(t, b, "multi", noise(1, 100), 1)
	if e.asked[0].Get("X-Amz-Server-Side-Encryption") != "aws:kms" {
		t.Errorf("asked with %v", e.asked[0])
	}
	if o, err := b.CompleteMultipart(t.Context(), "multi", id, parts, 100, crc); err != nil || o.SSE != e.algorithm || o.KMSKey != e.key {
		t.Fatalf("%+v, %v", o, err)
	}
}

func TestWhichKeyCountsAsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:kms:eu-central-1:111122223333:key/" + keyUUID
	for _, c := range []struct {
		configured, algorithm, told string
		right                       bool
	}{
		{keyUUID, "aws:kms", arn, true},
		{keyUUID, "aws:kms", keyUUID, true},
		{arn, "aws:kms", arn, true},
		{arn, "aws:kms", keyUUID, true},
		{"clinic-key", "aws:kms", "arn:aws:kms:clinic-key", true}, // MinIO
		{"alias/clinic", "aws:kms", arn, true},
		{"arn:aws:kms:eu-central-1:111122223333:alias/clinic", "aws:kms", arn, true},
		{arn, "aws:kms", "arn:aws:kms:eu-central-1:999999999999:key/" + keyUUID, false}, // another account's
		{keyUUID, "aws:kms", "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000002", false},
		{keyUUID, "AES256", arn, false},
		{keyUUID, "aws:kms:dsse", arn, false},
		{keyUUID, "aws:kms", "", false},
		{"alias/clinic", "aws:kms", "", false},
		{"alias/clinic", "AES256", arn, false},
	} {
		e := &echo{algorithm: c.algorithm, key: c.told}
		err := through(t, e.fault, func(f *blob.Config) { f.KMSKeyID = c.configured }).VerifyEncryption(t.Context())
		if c.right != (err == nil) {
			t.Errorf("configured %s, told %s %s: %v", c.configured, c.algorithm, c.told, err)
		}
		if !c.right {
			want(t, err, blob.ErrNotEncrypted, clinical.Internal)
		}
	}
}

// The one store at hand that really encrypts. It runs where BONFIRE_TEST_MINIO
// names a minio binary.
func TestEncryptionOnMinIO(t *testing.T) {
	t.Parallel()
	binary := os.Getenv("BONFIRE_TEST_MINIO")
	if binary == "" {
		t.Skip("BONFIRE_TEST_MINIO names no minio binary")
	}
	c := startMinIO(t, binary)
	const key = "clinic-key"
	right := func(d *blob.Config) { *d = c; d.KMSKeyID = key }
	b := open(t, right)
	if err := b.VerifyEncryption(t.Context()); err != nil {
		t.Fatal(err)
	}
	empty(t, b)
	p := noise(1, partSize+1)
	if o, err := b.Put(t.Context(), "put", "", body(p)); err != nil || o.SSE != "aws:kms" || o.Size != partSize+1 || !o.HasCRC {
		t.Fatalf("%+v, %v", o, err)
	}
	if err := b.PutScratch(t.Context(), "scratch", body(p)); err != nil || b.Calls()["HeadObject"] != 2 {
		t.Fatal(err, b.Calls())
	}
	id, parts, crc := upload(t, b, "multi", p, 2, 7)
	for range 2 {
		if o, err := b.CompleteMultipart(t.Context(), "multi", id, parts, partSize+1, crc); err != nil || o.SSE != "aws:kms" || o.CRC32C != crc {
			t.Fatalf("%+v, %v", o, err)
		}
	}
	if string(fetch(t, b, "multi")) != string(p) || string(fetch(t, b, "put")) != string(p) {
		t.Error("other bytes came back")
	}
	_, err := b.UploadPart(t.Context(), "multi", id, 8, body(p))
	want(t, err, blob.ErrMultipartGone, clinical.Gone)
	if _, err = b.UploadPart(t.Context(), "multi", id, 8, liar{body(p)}); err == nil {
		t.Error("a damaged part was taken")
	}
	unknown := open(t, right, func(d *blob.Config) { d.KMSKeyID = "no-such-key" })
	err = unknown.VerifyEncryption(t.Context())
	if f := clinical.AsFailure(err); f == nil || f.Words != "storage cannot use the configured encryption key" || !blob.Transient(err) {
		t.Errorf("an unknown key: %v", err)
	}
}

// startMinIO runs the binary with a key of its own and makes a bucket.
func startMinIO(t *testing.T, binary string) blob.Config {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := exec.Command(binary, "server", "--quiet", "--address", address, t.TempDir())
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER=clinic", "MINIO_ROOT_PASSWORD=clinic-secret", "MINIO_BROWSER=off",
		"MINIO_KMS_SECRET_KEY=clinic-key:"+base64.StdEncoding.EncodeToString(noise(9, 32)))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	c := blob.Config{
		Bucket: "clinic", Endpoint: "http://" + address, Region: "us-east-1", PathStyle: true, FullObjectCRC: true,
		Credentials: credentials.NewStaticCredentialsProvider("clinic", "clinic-secret", ""),
	}
	awsConfig, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(c.Region), config.WithCredentialsProvider(c.Credentials))
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(awsConfig, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &c.Endpoint, true })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if _, err = client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(c.Bucket)}); err == nil {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
