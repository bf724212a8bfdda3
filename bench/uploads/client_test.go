package uploads

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// tus speaks to a tus server, the same way to every one.
type tus struct {
	client *http.Client
	url    string
	header map[string]string // of creation
}

// pooled keeps a connection for each of many clients.
func pooled() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 2048, 2048
	t.WriteBufferSize = 64 << 10
	return &http.Client{Transport: t}
}

// open is an upload that was begun.
type open struct {
	t   *tus
	url string
	by  map[string]string
	at  int
}

// begin creates an upload, of a length that is not known when it is negative.
func (t *tus) begin(ctx context.Context, length int) (*open, error) {
	h := map[string]string{"Upload-Length": strconv.Itoa(length)}
	if length < 0 {
		h = map[string]string{"Upload-Defer-Length": "1"}
	}
	res, err := t.do(ctx, http.MethodPost, t.url, nil, t.header, h)
	if err != nil {
		return nil, err
	}
	o := &open{t: t, url: res.Get("Location")}
	if token := res.Get("Bonfire-Upload-Token"); token != "" {
		o.by = map[string]string{"Bonfire-Upload-Token": token}
	}
	return o, nil
}

// patch sends the next bytes; length declares the upload's, unless it is negative.
func (o *open) patch(ctx context.Context, p []byte, length int) error {
	h := map[string]string{"Upload-Offset": strconv.Itoa(o.at), "Content-Type": "application/offset+octet-stream"}
	if length >= 0 {
		h["Upload-Length"] = strconv.Itoa(length)
	}
	_, err := o.t.do(ctx, http.MethodPatch, o.url, p, o.by, h)
	o.at += len(p)
	return err
}

// stream sends a body of size bytes that may never end.
func (o *open) stream(ctx context.Context, body io.Reader, size int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, o.url, body)
	if err != nil {
		return err
	}
	req.ContentLength = size
	_, err = o.t.answer(req, o.by, map[string]string{
		"Upload-Offset": strconv.Itoa(o.at), "Content-Type": "application/offset+octet-stream",
	})
	return err
}

func (o *open) head(ctx context.Context) error {
	_, err := o.t.do(ctx, http.MethodHead, o.url, nil, o.by)
	return err
}

func (t *tus) send(ctx context.Context, content []byte, piece int) error {
	o, err := t.begin(ctx, len(content))
	if err != nil {
		return err
	}
	if piece == 0 {
		piece = len(content)
	}
	for from := 0; from < len(content); from += piece {
		if err := o.patch(ctx, content[from:min(from+piece, len(content))], -1); err != nil {
			return err
		}
	}
	return nil
}

func (t *tus) do(ctx context.Context, method, url string, body []byte, headers ...map[string]string) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return t.answer(req, headers...)
}

func (t *tus) answer(req *http.Request, headers ...map[string]string) (http.Header, error) {
	req.Header.Set("Tus-Resumable", "1.0.0")
	for _, h := range headers {
		for k, v := range h {
			req.Header.Set(k, v)
		}
	}
	res, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s", req.Method, res.Status, b)
	}
	return res.Header, nil
}
