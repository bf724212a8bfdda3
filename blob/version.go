package blob

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Version is one version of an object, or the mark of its deletion.
type Version struct {
	// Key is relative to the prefix.
	Key string
	// ID is "" or "null" in a bucket that keeps no versions.
	ID string
	// Deleted: not bytes, but a mark that hides the versions before it.
	Deleted      bool
	LastModified time.Time
}

// Versions walks all versions of the objects whose keys begin with prefix, in
// the order of their keys, of one key the newest first. After an error it ends.
// A store that knows no versions has one of each object. Kinds: Unavailable.
func (b *Bucket) Versions(ctx context.Context, prefix string) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) {
		in := &s3.ListObjectVersionsInput{Bucket: &b.cfg.Bucket, Prefix: b.key(prefix)}
		for {
			page, err := b.client.ListObjectVersions(ctx, in)
			if err = failure(err); errors.Is(err, errOther) && in.KeyMarker == nil {
				b.onlyVersions(ctx, prefix, yield)
				return
			}
			if err != nil {
				yield(Version{}, err)
				return
			}
			for v := range b.merged(page) {
				if !yield(v, nil) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
		}
	}
}

// merged brings a page's versions and deletions, which the store lists apart,
// back into their one order.
func (b *Bucket) merged(page *s3.ListObjectVersionsOutput) iter.Seq[Version] {
	return func(yield func(Version) bool) {
		versions, marks := page.Versions, page.DeleteMarkers
		for len(versions)+len(marks) > 0 {
			var v Version
			if len(versions) == 0 || len(marks) > 0 && before(marks[0], versions[0]) {
				m := marks[0]
				v = Version{Key: b.relative(m.Key), ID: aws.ToString(m.VersionId), Deleted: true, LastModified: aws.ToTime(m.LastModified)}
				marks = marks[1:]
			} else {
				o := versions[0]
				v = Version{Key: b.relative(o.Key), ID: aws.ToString(o.VersionId), LastModified: aws.ToTime(o.LastModified)}
				versions = versions[1:]
			}
			if !yield(v) {
				return
			}
		}
	}
}

func before(m types.DeleteMarkerEntry, v types.ObjectVersion) bool {
	if a, b := aws.ToString(m.Key), aws.ToString(v.Key); a != b {
		return a < b
	}
	return aws.ToTime(m.LastModified).After(aws.ToTime(v.LastModified))
}

// onlyVersions lists the objects of a store that does not know the call.
func (b *Bucket) onlyVersions(ctx context.Context, prefix string, yield func(Version, error) bool) {
	for o, err := range b.List(ctx, prefix) {
		if !yield(Version{Key: o.Key, LastModified: o.LastModified}, err) {
			return
		}
	}
}

// GetVersion reads one version of an object whole. Kinds: as Get.
func (b *Bucket) GetVersion(ctx context.Context, v Version) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(v.Key)}
	if v.ID != "" && v.ID != "null" {
		in.VersionId = &v.ID
	}
	out, err := b.client.GetObject(ctx, in)
	if err != nil {
		return nil, failure(err)
	}
	return reading{out.Body}, nil
}

// Folders lists what stands between prefix, which ends with a slash, and the
// next slash in the keys below it. Kinds: Unavailable.
func (b *Bucket) Folders(ctx context.Context, prefix string) (names []string, err error) {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{
		Bucket: &b.cfg.Bucket, Prefix: b.key(prefix), Delimiter: aws.String("/"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure(err)
		}
		for _, p := range page.CommonPrefixes {
			name := b.relative(p.Prefix)[len(prefix):]
			names = append(names, name[:len(name)-1])
		}
	}
	return names, nil
}
