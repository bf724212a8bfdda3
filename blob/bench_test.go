package blob_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
)

// One object of 64 MiB in parts of 8 MiB, five at a time, over plain http: by
// this package, and by the SDK's own uploader with its defaults. For
// information; the server shares the machine's cores.
const (
	benchSize  = 64 << 20
	inParallel = 5
)

func BenchmarkUploadPart(b *testing.B) {
	bucket, p := open(b), noise(1, benchSize)
	crc := blob.UpdateCRC32C(0, p)
	b.SetBytes(benchSize)
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprint(i)
		id, err := bucket.CreateMultipart(b.Context(), key, "")
		if err != nil {
			b.Fatal(err)
		}
		parts := make([]blob.Part, benchSize/partSize)
		g, ctx := errgroup.WithContext(b.Context())
		g.SetLimit(inParallel)
		for n := range parts {
			g.Go(func() (err error) {
				parts[n], err = bucket.UploadPart(ctx, key, id, int32(n+1), body(p[n*partSize:(n+1)*partSize]))
				return err
			})
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		if _, err := bucket.CompleteMultipart(b.Context(), key, id, parts, benchSize, crc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTransferManager(b *testing.B) {
	c := settings()
	aws, err := config.LoadDefaultConfig(b.Context(), config.WithRegion(c.Region), config.WithCredentialsProvider(c.Credentials))
	if err != nil {
		b.Fatal(err)
	}
	client := transfermanager.New(s3.NewFromConfig(aws, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &c.Endpoint, true }),
		func(o *transfermanager.Options) { o.PartSizeBytes, o.Concurrency = partSize, inParallel })
	p := noise(1, benchSize)
	b.SetBytes(benchSize)
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprint(b.Name(), "/", i)
		if _, err := client.UploadObject(b.Context(), &transfermanager.UploadObjectInput{
			Bucket: &c.Bucket, Key: &key, Body: bytes.NewReader(p),
		}); err != nil {
			b.Fatal(err)
		}
	}
}
