package faultproxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// S3 is a proxy for an S3 server that is addressed by path.
type S3 struct {
	// URL is the endpoint to use in place of the server's.
	URL string

	server   *httptest.Server
	received atomic.Int64
}

// NewS3 stands before the server at endpoint. The Host header passes as it is,
// because requests are signed with it.
func NewS3(endpoint string, judge Judge) (*S3, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	transport.DisableCompression = true
	next := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p := &S3{}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = &counted{r.Body, &p.received}
		serve(w, r, judge(opOf(r)), next)
	}))
	p.URL = p.server.URL
	return p, nil
}

// Close ends the proxy.
func (p *S3) Close() { p.server.CloseClientConnections(); p.server.Close() }

// Received is how many bytes of bodies S3 was sent.
func (p *S3) Received() int64 { return p.received.Load() }

func serve(w http.ResponseWriter, r *http.Request, fate Fate, next http.Handler) {
	switch fate {
	case Refused:
		panic(http.ErrAbortHandler)
	case Failed:
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<Error><Code>ServiceUnavailable</Code><Message>bucket-name secret-key</Message></Error>")
	case Gone:
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<Error><Code>NoSuchUpload</Code><Message>bucket-name secret-key</Message></Error>")
	case Lost:
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		next.ServeHTTP(w, r)
	}
}

// opOf names a request as S3's documentation does
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html).
func opOf(r *http.Request) Op {
	q := r.URL.Query()
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	op := Op{Key: key}
	switch {
	case q.Has("partNumber"):
		op.Name = "UploadPart"
		op.Part, _ = strconv.Atoi(q.Get("partNumber"))
	case q.Has("uploads") && r.Method == http.MethodPost:
		op.Name = "CreateMultipartUpload"
	case q.Has("uploads"):
		op.Name = "ListMultipartUploads"
	case q.Has("uploadId") && r.Method == http.MethodPost:
		op.Name = "CompleteMultipartUpload"
	case q.Has("uploadId") && r.Method == http.MethodDelete:
		op.Name = "AbortMultipartUpload"
	case q.Has("uploadId"):
		op.Name = "ListParts"
	case q.Has("delete"):
		op.Name = "DeleteObjects"
	case q.Has("list-type"):
		op.Name = "ListObjectsV2"
	default:
		op.Name = map[string]string{
			http.MethodPut: "PutObject", http.MethodGet: "GetObject", http.MethodHead: "HeadObject", http.MethodDelete: "DeleteObject",
		}[r.Method]
	}
	return op
}

type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}
