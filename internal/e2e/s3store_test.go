package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"github.com/tus/tusd/v2/pkg/s3store"
	xslog "golang.org/x/exp/slog"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

// scripted is one upload, and the one fault it meets: the calls that unlucky
// picks out fail as often as the SDK tries them, and then never again.
type scripted struct {
	entry
	unlucky func(op faultproxy.Op, acked int64) bool
	// loses is what the checker says of tusd's S3 store.
	loses string
}

var scripts = map[string]scripted{
	"a part fails after 4 MiB were acknowledged": {
		entry:   entry{n: 1, seed: 1, size: 9 * mib, chunk: 4 * mib},
		unlucky: func(op faultproxy.Op, acked int64) bool { return op.Name == "UploadPart" && acked > 0 },
		loses:   "P1: HEAD says",
	},
	"one of several parts fails": {
		entry:   entry{n: 2, seed: 1, size: 80 * mib, chunk: 40 * mib},
		unlucky: func(op faultproxy.Op, _ int64) bool { return op.Part == 2 },
		loses:   "P1: HEAD says 67108864 after 75497472",
	},
	"the assembly fails": {
		entry:   entry{n: 3, seed: 1, size: 17 * mib, chunk: 8 * mib},
		unlucky: func(op faultproxy.Op, _ int64) bool { return op.Name == "CompleteMultipartUpload" },
		loses:   "nothing is stored",
	},
}

// TestTheCheckerFindsWhatTusdLoses: the same client and the same faults, which
// the server survives, make tusd's own S3 store lose acknowledged bytes, give one
// part number to two parts, and never assemble what it received. A checker
// that did not see it would prove nothing elsewhere.
func TestTheCheckerFindsWhatTusdLoses(t *testing.T) {
	s := &bench{house: &house{t: t, dir: devtest.Dir(t)}}
	t.Cleanup(func() { _ = devstack.Remove(filepath.Join(s.dir, ".data")) })
	s.startStack()
	endpoint := s.setting("BONFIRE_S3_ENDPOINT")
	proxy, err := faultproxy.NewS3(endpoint, func(op faultproxy.Op) faultproxy.Fate {
		if j := s.judge.Load(); j != nil {
			return (*j)(op)
		}
		return faultproxy.Passes
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	s.env = append(s.env, "BONFIRE_S3_ENDPOINT="+proxy.URL, "BONFIRE_S3_PUBLIC_ENDPOINT="+endpoint)
	s.startServer()
	tusd := s.tusd(proxy.URL, endpoint)
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			if found := strings.Join(s.run(script, tusd), "; "); !strings.Contains(found, script.loses) {
				t.Errorf("of tusd's S3 store the checker says %q, and not %q", found, script.loses)
			} else {
				t.Log(found)
			}
			if found := s.run(script, s.ours(t)); len(found) > 0 {
				t.Errorf("of our own server it says %q", found)
			}
		})
	}
}

// bench is where both servers stand beside one another, on the same S3.
type bench struct {
	*house
	judge atomic.Pointer[faultproxy.Judge]
}

// contender is a server that may be given an upload.
type contender struct {
	// create begins an upload of size bytes.
	create func(size int) (url string, header http.Header)
	// fetch gives what the server made of it, nil when there is nothing.
	fetch func(url string) []byte
}

// run gives all that the checker finds wrong.
func (s *bench) run(script scripted, c contender) (found []string) {
	w := &witness{entry: script.entry}
	url, header := c.create(w.size)
	var failed atomic.Int64
	judge := faultproxy.Judge(func(op faultproxy.Op) faultproxy.Fate {
		if script.unlucky(op, w.acknowledged()) && failed.Add(1) <= 3 { // the SDK tries three times
			return faultproxy.Failed
		}
		return faultproxy.Passes
	})
	s.judge.Store(&judge)
	defer s.judge.Store(nil)
	ctx, stop := context.WithTimeout(s.t.Context(), time.Minute)
	defer stop()
	w.lose = stop
	if err := w.send(ctx, url, header); err != nil {
		found = append(found, err.Error())
	}
	if failed.Load() < 3 {
		s.t.Errorf("the fault did not happen: %d calls failed", failed.Load())
	}
	found = append(found, w.losses()...)
	switch got := c.fetch(url); {
	case got == nil:
		found = append(found, "nothing is stored")
	case sha256.Sum256(got) != sha256.Sum256(w.content()):
		found = append(found, fmt.Sprintf("%d other bytes than the %d that were sent", len(got), w.size))
	}
	return found
}

func (s *bench) ours(t *testing.T) contender {
	c := &client{h: s.house, t: t, token: s.token("clinician")}
	var id string
	return contender{
		create: func(size int) (string, http.Header) {
			at := c.createUpload(map[string]any{
				"patientId": demo.Patient, "kind": "raw", "contentType": "application/octet-stream", "size": size,
			})
			h := http.Header{}
			for k, v := range at.Header {
				h.Set(k, v)
			}
			id = at.ID
			return at.URL, h
		},
		fetch: func(string) []byte {
			var out struct {
				Upload struct{ File *struct{ ID string } }
			}
			c.ask(&out, `query($id: ID!) { upload(id: $id) { file { id } } }`, map[string]any{"id": id})
			if out.Upload.File == nil {
				return nil
			}
			b, _ := c.download(out.Upload.File.ID)
			return b
		},
	}
}

// tusd is tusd's handler on its S3 store, as they come but for the size of
// parts, which is ours. Its objects are fetched past the proxy.
func (s *bench) tusd(endpoint, direct string) contender {
	to := func(endpoint string) *s3.Client {
		return s3.New(s3.Options{
			Region: s.setting("BONFIRE_S3_REGION"), BaseEndpoint: &endpoint, UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider(s.setting("AWS_ACCESS_KEY_ID"), s.setting("AWS_SECRET_ACCESS_KEY"), ""),
		})
	}
	bucket := s.setting("BONFIRE_S3_BUCKET")
	store := s3store.New(bucket, to(endpoint))
	store.ObjectPrefix, store.PreferredPartSize = "tusd", 8*mib
	composer := handler.NewStoreComposer()
	store.UseIn(composer)
	memorylocker.New().UseIn(composer)
	h, err := handler.NewHandler(handler.Config{BasePath: "/", StoreComposer: composer, Logger: xslog.New(xslog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		s.t.Fatal(err)
	}
	server := httptest.NewServer(h)
	s.t.Cleanup(server.Close)
	return contender{
		create: func(size int) (string, http.Header) {
			req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, server.URL+"/", nil)
			if err != nil {
				s.t.Fatal(err)
			}
			req.Header.Set("Tus-Resumable", "1.0.0")
			req.Header.Set("Upload-Length", strconv.Itoa(size))
			res, err := http.DefaultClient.Do(req)
			if err != nil || res.StatusCode != http.StatusCreated {
				s.t.Fatalf("tusd: %v %v", res, err)
			}
			_ = res.Body.Close()
			return res.Header.Get("Location"), nil
		},
		fetch: func(url string) []byte {
			id, _, _ := strings.Cut(path.Base(url), "+")
			out, err := to(direct).GetObject(s.t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("tusd/" + id)})
			if err != nil {
				return nil
			}
			defer func() { _ = out.Body.Close() }()
			b, err := io.ReadAll(out.Body)
			if err != nil {
				s.t.Fatal(err)
			}
			return b
		},
	}
}
