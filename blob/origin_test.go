package blob_test

import (
	"testing"

	"github.com/bonfiredb/bonfire/blob"
)

func TestOriginIsThatOfPresignedURLs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config blob.Config
		want   string
	}{
		"AWS":                {blob.Config{Bucket: "clinic", Region: "eu-central-1"}, "https://clinic.s3.eu-central-1.amazonaws.com"},
		"path style":         {blob.Config{Bucket: "clinic", Region: "x", Endpoint: "http://127.0.0.1:9000", PathStyle: true}, "http://127.0.0.1:9000"},
		"bucket in the host": {blob.Config{Bucket: "clinic", Region: "x", Endpoint: "https://s3.example"}, "https://clinic.s3.example"},
		"where clients are": {
			blob.Config{Bucket: "clinic", Region: "x", Endpoint: "http://s3:9000", PublicEndpoint: "https://s3.example", PathStyle: true}, "https://s3.example",
		},
	} {
		b, err := blob.Open(t.Context(), tc.config)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := b.Origin(t.Context()); err != nil || got != tc.want {
			t.Errorf("%s: %q %v, want %q", name, got, err, tc.want)
		}
	}
}
