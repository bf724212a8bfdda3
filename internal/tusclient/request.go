package tusclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const version = "1.0.0"

// do makes one request and ends it when it stands still.
func (c *Client) do(ctx context.Context, method string, t Target, body io.Reader, size int64, h http.Header) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stall := c.Stall
	if stall <= 0 {
		stall = 2 * time.Minute
	}
	watch := time.AfterFunc(stall, func() { cancel(errStalled) })
	var flow io.Reader = http.NoBody
	if size > 0 {
		offset, _ := strconv.ParseInt(h.Get("Upload-Offset"), 10, 64)
		flow = &meter{r: body, sent: offset, moved: func(sent int64) {
			watch.Reset(stall)
			if c.Progress != nil {
				c.Progress(sent)
			}
		}}
	}
	req, err := http.NewRequestWithContext(ctx, method, t.URL, flow)
	if err != nil {
		watch.Stop()
		cancel(nil)
		return nil, &sourceError{err}
	}
	req.ContentLength = size
	for _, from := range []http.Header{t.Header, h, {"Tus-Resumable": {version}}} {
		for name, values := range from {
			req.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	resp, err := c.http().Do(req)
	if err != nil {
		watch.Stop()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &watched{resp.Body, func() { watch.Stop(); cancel(nil) }}
	return resp, nil
}

var errStalled = errors.New("the connection stood still")

// meter counts what the transport takes.
type meter struct {
	r     io.Reader
	sent  int64
	moved func(sent int64)
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.sent += int64(n)
	m.moved(m.sent)
	return n, err
}

// watched ends the request's watch when its answer was read.
type watched struct {
	io.ReadCloser
	end func()
}

func (w *watched) Close() error {
	err := w.ReadCloser.Close()
	w.end()
	return err
}

func (c *Client) http() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return plain
}

// plain follows no redirects: the upload's address was given, and its
// credential is for that address only.
var plain = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func number(resp *http.Response, header string) (int64, error) {
	n, err := strconv.ParseInt(resp.Header.Get(header), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the server's answer lacks %s: is this a tus server?", header)
	}
	return n, nil
}
