package blob_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/versioned"
)

// versionedBucket keeps versions and locks objects; client speaks to its store.
func versionedBucket(t *testing.T) (*blob.Bucket, *s3.Client) {
	t.Helper()
	endpoint, client := versioned.Start(t)
	b, err := blob.Open(t.Context(), blob.Config{
		Bucket: versioned.Bucket, Endpoint: endpoint, Region: devstack.Region, PathStyle: true, FullObjectCRC: true, Prefix: "clinic",
		Credentials: credentials.NewStaticCredentialsProvider(versioned.AccessKey, versioned.SecretKey, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, client
}

func versionsOf(t *testing.T, b *blob.Bucket, prefix string) (out []blob.Version) {
	t.Helper()
	for v, err := range b.Versions(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// What is written over or deleted in a bucket with versions is still there, and
// shows; what is retained cannot be removed.
func TestVersionsAndRetention(t *testing.T) {
	b, client := versionedBucket(t)
	ctx := t.Context()
	if r, err := b.Retention(ctx); err != nil || r != (blob.Retention{Locks: true}) {
		t.Fatalf("retention %+v, %v", r, err)
	}
	first := noise(1, 100)
	for range 2 { // the answer to the first may have been lost
		if _, err := b.PutRetained(ctx, "a/1", "application/json", body(first), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.PutRetained(ctx, "a/1", "", body(noise(2, 100)), time.Now().Add(time.Hour)); !clinical.Is(err, clinical.Conflict) {
		t.Fatalf("other bytes under the same key: %v", err)
	}
	if got := versionsOf(t, b, "a/"); len(got) != 1 || got[0].Key != "a/1" || got[0].Deleted {
		t.Fatalf("versions: %+v", got)
	}
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(versioned.Bucket), Key: aws.String("clinic/a/1"), Body: bytes.NewReader([]byte("forged"))}); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(ctx, "a/1"); err != nil {
		t.Fatal(err)
	}
	got := versionsOf(t, b, "a/")
	if len(got) != 3 || !got[0].Deleted || got[1].Deleted || got[2].Deleted {
		t.Fatalf("versions: %+v", got)
	}
	r, err := b.GetVersion(ctx, got[2])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if p, err := io.ReadAll(r); err != nil || !bytes.Equal(p, first) {
		t.Errorf("the oldest version is %q, %v", p, err)
	}
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: aws.String(versioned.Bucket), Key: aws.String("clinic/a/1"), VersionId: &got[2].ID,
	}); err == nil {
		t.Error("a retained version was deleted")
	}
	names, err := b.Folders(ctx, "")
	if err != nil || !slices.Equal(names, []string{"a"}) {
		t.Errorf("folders %v, %v", names, err)
	}
}

// A default of the bucket's own shows: nothing is to be added to it.
func TestRetentionRuleOfTheBucket(t *testing.T) {
	b, client := versionedBucket(t)
	if _, err := client.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
		Bucket: aws.String(versioned.Bucket),
		ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule:              &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeCompliance, Days: aws.Int32(1)}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	if r, err := b.Retention(t.Context()); err != nil || r != (blob.Retention{Locks: true, Rule: true}) {
		t.Fatalf("retention %+v, %v", r, err)
	}
}

// A bucket without versions has one of each object, more than fit on one page too.
func TestVersionsOfABucketWithoutThem(t *testing.T) {
	t.Parallel()
	b := open(t)
	var want []string
	for i := range 5 {
		key := fmt.Sprintf("x/%d", i)
		want = append(want, key)
		if _, err := b.Put(t.Context(), key, "", body([]byte(key))); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, v := range versionsOf(t, b, "x/") {
		got = append(got, v.Key)
		r, err := b.GetVersion(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		p, err := io.ReadAll(r)
		if _ = r.Close(); err != nil || string(p) != v.Key {
			t.Errorf("%s holds %q, %v", v.Key, p, err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("versions of %v, want %v", got, want)
	}
	if r, err := b.Retention(t.Context()); err != nil || r != (blob.Retention{}) {
		t.Errorf("retention %+v, %v", r, err)
	}
	if _, err := b.GetVersion(t.Context(), blob.Version{Key: "x/none"}); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}

// A store that knows no versions at all is asked for its objects.
func TestVersionsOfAStoreThatKnowsNone(t *testing.T) {
	t.Parallel()
	isVersions := func(r *http.Request) bool { return r.URL.Query().Has("versions") }
	b := through(t, refuse(1, http.StatusNotImplemented, "NotImplemented", isVersions))
	if _, err := b.Put(t.Context(), "x/1", "", body([]byte("1"))); err != nil {
		t.Fatal(err)
	}
	if got := versionsOf(t, b, "x/"); len(got) != 1 || got[0].Key != "x/1" || got[0].ID != "" {
		t.Errorf("versions: %+v", got)
	}
}
