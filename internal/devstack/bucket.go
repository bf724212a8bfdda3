//go:build unix && !nodevstack

package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// exposed are the response headers that a page of another origin may read.
var exposed = []string{"ETag", "Content-Range", "Accept-Ranges", "Content-Length"}

// bucketClient speaks to the S3 server with the root account's keys.
type bucketClient struct {
	client    *awss3.Client
	transport *http.Transport
	origins   []string
}

func newBucketClient(addr string, f facts, origins []string) *bucketClient {
	transport := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second}
	return &bucketClient{
		transport: transport,
		origins:   origins,
		client: awss3.New(awss3.Options{
			BaseEndpoint:     aws.String("http://" + addr),
			UsePathStyle:     true,
			Region:           Region,
			Credentials:      credentials.NewStaticCredentialsProvider(f.AccessKey, f.SecretKey, ""),
			HTTPClient:       &http.Client{Transport: transport},
			RetryMaxAttempts: 1,
		}),
	}
}

// answers says whether the server is up, with our keys: a stranger on the port is not it.
func (b *bucketClient) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := b.client.ListBuckets(ctx, &awss3.ListBucketsInput{})
	return err == nil
}

// closeIdle lets a server that is to stop see no connection of ours.
func (b *bucketClient) closeIdle() {
	if b != nil {
		b.transport.CloseIdleConnections()
	}
}

// Client is an AWS client for the server, with the root account's keys and without retries.
func (b *bucketClient) Client() *awss3.Client { return b.client }

// CreateBucket makes a bucket whose objects the stack's CORS origins may GET, HEAD and PUT from a browser. For a bucket that is there it
// only sets the origins.
func (b *bucketClient) CreateBucket(ctx context.Context, name string) error {
	_, err := b.client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: &name})
	var owned *types.BucketAlreadyOwnedByYou
	there := errors.As(err, &owned)
	if err != nil && !there {
		return fmt.Errorf("devstack: create bucket %s: %w", name, err)
	}
	if len(b.origins) > 0 {
		_, err = b.client.PutBucketCors(ctx, &awss3.PutBucketCorsInput{
			Bucket: &name,
			CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{
				AllowedOrigins: b.origins,
				AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPut},
				AllowedHeaders: []string{"*"},
				ExposeHeaders:  exposed,
				MaxAgeSeconds:  aws.Int32(600),
			}}},
		})
	} else if there {
		_, err = b.client.DeleteBucketCors(ctx, &awss3.DeleteBucketCorsInput{Bucket: &name})
	} else {
		return nil
	}
	if err != nil {
		return fmt.Errorf("devstack: set the origins of bucket %s: %w", name, err)
	}
	return nil
}
