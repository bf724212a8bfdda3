package records

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

// Bytes are those of one file on a disk.
type Bytes interface {
	io.ReaderAt
	io.Closer
}

const (
	// importers bounds the files that are put at a time.
	importers = 4
	// wholeMax is the size up to which a file is put by one request.
	wholeMax = 64 << 20
	// partsMax keeps a large file within S3's 10,000 parts.
	partsMax = 9000
)

// carriedFile is what a row of a file says of its bytes.
type carriedFile struct {
	ID          clinical.FileID `json:"id"`
	Key         string          `json:"object_key"`
	Size        int64           `json:"size"`
	SHA256      string          `json:"sha256"`
	ContentType string          `json:"content_type"`
	PurgedAt    *time.Time      `json:"purged_at"`
}

// files are those of the chart that have bytes.
func (in ImportChart) files() (out []carriedFile, err error) {
	err = in.Rows(func(table string, row json.RawMessage) error {
		if table != "file" {
			return nil
		}
		var f carriedFile
		if err := json.Unmarshal(row, &f); err != nil || wellFormed(f.ID) == "" {
			return clinical.Bad("file", "a row is no file's")
		}
		if f.PurgedAt == nil {
			out = append(out, f)
		}
		return nil
	})
	return out, err
}

// chartBytes are the bytes of a chart on their way into the bucket.
type chartBytes struct {
	r       *Records
	files   []carriedFile
	open    func(clinical.FileID) (Bytes, error)
	missing map[clinical.FileID]bool
}

// keys are where the bytes will be in the tenant.
func (b *chartBytes) keys(t clinical.TenantID) map[clinical.FileID]string {
	out := make(map[clinical.FileID]string, len(b.files))
	for _, f := range b.files {
		out[f.ID] = f.in(t)
	}
	return out
}

// in is the file's key in a tenant.
func (f carriedFile) in(t clinical.TenantID) string { return string(t) + "/" + f.Key }

// put brings what is missing into the bucket. What an earlier import has put is found there.
func (b *chartBytes) put(ctx context.Context, t clinical.TenantID) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(importers)
	for _, f := range b.files {
		if !b.missing[f.ID] {
			continue
		}
		group.Go(func() error {
			content, err := b.open(f.ID)
			if err != nil {
				return err
			}
			defer content.Close()
			crc, err := f.check(content)
			if err != nil {
				return err
			}
			return b.r.putCarried(ctx, f.in(t), f, crc, content)
		})
	}
	return group.Wait()
}

// check holds the bytes against their row before they go anywhere, and gives
// their CRC32C.
func (f carriedFile) check(content io.ReaderAt) (uint32, error) {
	sha, crc := sha256.New(), blob.NewCRC32C()
	n, err := io.Copy(io.MultiWriter(sha, crc), io.NewSectionReader(content, 0, f.Size+1))
	if err != nil {
		return 0, err
	}
	if n != f.Size || `\x`+hex.EncodeToString(sha.Sum(nil)) != f.SHA256 {
		return 0, clinical.Fail(clinical.ChecksumMismatch, "the bytes are not those of the row", nil).WithField("file " + string(f.ID))
	}
	return crc.Sum32(), nil
}

// putCarried writes one object, in parts when it is large. The bucket verifies
// every byte of it, and proves its encryption, as of an upload.
func (r *Records) putCarried(ctx context.Context, key string, f carriedFile, crc uint32, content io.ReaderAt) error {
	if f.Size <= wholeMax {
		_, err := r.Bucket.Put(ctx, key, f.ContentType, blob.ReaderAtBody(content, f.Size, crc))
		return err
	}
	if o, err := r.Bucket.Head(ctx, key); err == nil && o.Size == f.Size && o.HasCRC && o.CRC32C == crc {
		return nil
	}
	id, err := r.Bucket.CreateMultipart(ctx, key, f.ContentType)
	if err != nil {
		return err
	}
	parts, err := r.putParts(ctx, key, id, f.Size, content)
	if err == nil {
		_, err = r.Bucket.CompleteMultipart(ctx, key, id, parts, f.Size, crc)
	}
	if err != nil {
		_ = r.Bucket.AbortMultipart(context.WithoutCancel(ctx), key, id) // listed: the sweeper ends it otherwise
	}
	return err
}

func (r *Records) putParts(ctx context.Context, key, id string, size int64, content io.ReaderAt) (parts []blob.Part, err error) {
	step := max(wholeMax, size/partsMax+1)
	for at := int64(0); at < size; at += step {
		section := io.NewSectionReader(content, at, min(step, size-at))
		crc := blob.NewCRC32C()
		if _, err := io.Copy(crc, section); err != nil {
			return nil, err
		}
		p, err := r.Bucket.UploadPart(ctx, key, id, int32(len(parts)+1), blob.ReaderAtBody(section, section.Size(), crc.Sum32()))
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}
