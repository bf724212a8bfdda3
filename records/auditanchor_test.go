package records_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/versioned"
	"github.com/bonfiredb/bonfire/seal"
	"github.com/bonfiredb/bonfire/store"
)

// Where an anchor's place is taken, the next ones are written all the same, and
// what lies there is found.
func TestP5_TakenPlaceOfAnAnchorIsFound(t *testing.T) {
	c := open(t)
	c.look("clinician")
	c.must(c.Store.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		_, now, err := tx.SealEnd(ctx)
		if err != nil {
			return err
		}
		for day := range 2 { // should it be midnight
			key := seal.Seal{Tenant: string(demo.Harbor), Number: 1, SealedAt: now.AddDate(0, 0, day)}.Key()
			if err := c.Bucket.PutScratch(t.Context(), key, blob.BytesBody([][]byte{[]byte("mine")})); err != nil {
				return err
			}
		}
		return nil
	}))
	c.seal()
	c.look("clinician")
	c.seal()
	report := c.verify()
	if report.OK() || report.First.Kind != seal.AnchorChanged || report.AwaitingAnchor != 0 || report.Anchored != 1 {
		t.Errorf("%+v", report)
	}
}

// Anchors name rows and hashes; of what is in the rows they say nothing (P10).
func TestP10_AnchorsHoldNoWords(t *testing.T) {
	c, _, _, _ := sealedTrail(t)
	key := c.anchorKey(1)
	r, err := c.Bucket.Get(t.Context(), key, 0, -1)
	c.must(err)
	defer r.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(r)
	c.must(err)
	for _, word := range []string{"Robin", string(demo.Patient), "patient", "clinician"} {
		if strings.Contains(text.String(), word) {
			t.Errorf("an anchor says %q", word)
		}
	}
	if _, err := seal.Parse(text.Bytes()); err != nil {
		t.Error(err)
	}
}

// Where the bucket locks objects, anchors are locked.
func TestP5_AnchorsAreLockedWhereTheBucketLocks(t *testing.T) {
	c := open(t)
	client := c.Env.Stack.S3().Client()
	bucket := c.Env.Bucket + "-locked"
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	c.must(err)
	locked := clinic{&clinictest.Clinic{Env: c.Env}, t}
	locked.Clinic = clinictest.New(t, clinictest.Setup{Env: c.Env, Blob: func(b *blob.Config) { b.Bucket = bucket }})
	c.look("clinician")
	locked.seal()
	key := locked.anchorKey(1)
	held, err := client.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: &bucket, Key: &key})
	c.must(err)
	if until := aws.ToTime(held.Retention.RetainUntilDate); time.Until(until) < 6*365*24*time.Hour {
		t.Errorf("locked until %s", until)
	}
	if err := locked.Bucket.Delete(t.Context(), key); err == nil {
		t.Error("a locked anchor was deleted")
	}
	if report := locked.verify(); !report.OK() || report.Anchored != 1 {
		t.Errorf("%+v", report)
	}
}

// In a bucket with versions the anchor that was written first counts, whatever
// was put over it or in its place; and what was put there is found.
func TestP5_OldestVersionOfAnAnchorCounts(t *testing.T) {
	endpoint, client := versioned.Start(t)
	c := open(t, clinictest.Setup{Blob: func(b *blob.Config) {
		b.Endpoint, b.Bucket = endpoint, versioned.Bucket
		b.Credentials = credentials.NewStaticCredentialsProvider(versioned.AccessKey, versioned.SecretKey, "")
	}})
	db := c.admin()
	for range 2 {
		c.look("clinician")
		c.seal()
	}
	if report := c.verify(); !report.OK() || report.Anchored != 2 {
		t.Fatalf("%+v", report)
	}
	key := c.anchorKey(1)
	c.exec(db, `UPDATE audit_event SET verb = 'note' WHERE seq = (SELECT min(seq) FROM audit_event WHERE tenant_id = $1)`, string(demo.Harbor))
	c.forge(db, 1)
	var forged []byte
	c.must(c.Store.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		seals, err := tx.Seals(ctx, 0, 1)
		if err != nil {
			return err
		}
		forged, err = seals[0].JSON()
		return err
	}))
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(versioned.Bucket), Key: &key, Body: bytes.NewReader(forged)})
	c.must(err)
	wantFound := func(kinds ...seal.Kind) {
		t.Helper()
		report := c.verify()
		for _, k := range kinds {
			if !slices.ContainsFunc(report.Findings, func(f seal.Finding) bool { return f.Kind == k && f.Seal == 1 }) {
				t.Errorf("%q is not among %v", k, report.Findings)
			}
		}
	}
	wantFound(seal.AnchorChanged, seal.Changed, seal.SealChanged)
	c.must(c.Bucket.Delete(t.Context(), key))
	wantFound(seal.AnchorChanged, seal.Changed, seal.SealChanged)
}
