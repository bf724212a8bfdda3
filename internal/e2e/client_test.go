package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
)

// client speaks to the server as an app would.
type client struct {
	h     *house
	t     *testing.T
	token string
}

func (h *house) as(name string) *client { return &client{h: h, t: h.t, token: h.token(name)} }

// ask runs an operation and fails the test on errors; out gets the data.
func (c *client) ask(out any, query string, vars map[string]any) {
	c.t.Helper()
	errs := c.try(out, query, vars)
	if len(errs) > 0 {
		c.t.Fatalf("%s\n%+v", query, errs)
	}
}

type gqlError struct {
	Message    string
	Extensions struct{ Code, Field, RequestID string }
}

func (c *client) try(out any, query string, vars map[string]any) []gqlError {
	c.t.Helper()
	errs, err := c.attempt(c.h.URL, out, query, vars)
	if err != nil {
		c.t.Fatal(err)
	}
	return errs
}

// attempt is try for a server that may not answer.
func (c *client) attempt(url string, out any, query string, vars map[string]any) ([]gqlError, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Data   json.RawMessage
		Errors []gqlError
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", res.Status, err)
	}
	if out != nil && len(answer.Data) > 0 && string(answer.Data) != "null" {
		err = json.Unmarshal(answer.Data, out)
	}
	return answer.Errors, err
}

// target is where the bytes of an upload go.
type target struct {
	ID     string
	URL    string
	Header map[string]string
}

const createUpload = `mutation($in: CreateUploadInput!) {
  createUpload(input: $in) { upload { id state } problems { __typename ... on ContentRejected { message field } }
    tus { url chunkSize expiresAt headers { name value } } } }`

func (c *client) createUpload(in map[string]any) target {
	c.t.Helper()
	t, err := c.tryCreate(c.h.URL, in)
	if err != nil {
		c.t.Fatal(err)
	}
	return t
}

// tryCreate is createUpload on a server that may not answer.
func (c *client) tryCreate(url string, in map[string]any) (target, error) {
	var out struct {
		CreateUpload struct {
			Upload   *struct{ ID, State string }
			Problems []struct{ Message, Field string }
			Tus      *struct {
				URL     string
				Headers []struct{ Name, Value string }
			}
		}
	}
	errs, err := c.attempt(url, &out, createUpload, map[string]any{"in": in})
	up := out.CreateUpload
	if err != nil || up.Tus == nil {
		return target{}, fmt.Errorf("no target: %w %+v %+v", err, errs, up.Problems)
	}
	t := target{ID: up.Upload.ID, URL: up.Tus.URL, Header: map[string]string{}}
	for _, h := range up.Tus.Headers {
		t.Header[h.Name] = h.Value
	}
	return t, nil
}

// tus sends one request of the protocol; nobody but the upload token says who asks.
func (c *client) tus(method string, at target, offset int64, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(c.t.Context(), method, at.URL, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	for k, v := range at.Header {
		req.Header.Set(k, v)
	}
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/offset+octet-stream")
		req.Header.Set("Upload-Offset", strconv.FormatInt(offset, 10))
	}
	res, err := (&http.Client{Timeout: 2 * time.Minute}).Do(req)
	if err != nil {
		return nil, err
	}
	b, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode >= 300 {
		return res, fmt.Errorf("%s %s: %s", method, res.Status, strings.TrimSpace(string(b)))
	}
	return res, nil
}

// offset asks how much is durable.
func (c *client) offset(at target) (int64, error) {
	res, err := c.tus(http.MethodHead, at, 0, nil)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(res.Header.Get("Upload-Offset"), 10, 64)
}

// cut sends a PATCH of b and hangs up, without a word, after the given bytes.
func (c *client) cut(at target, offset int64, b []byte, after int) {
	c.t.Helper()
	host := strings.TrimPrefix(c.h.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		c.t.Fatal(err)
	}
	var head strings.Builder
	fmt.Fprintf(&head, "PATCH %s HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"+
		"Upload-Offset: %d\r\nContent-Length: %d\r\n", strings.TrimPrefix(at.URL, c.h.URL), host, offset, len(b))
	for k, v := range at.Header {
		fmt.Fprintf(&head, "%s: %s\r\n", k, v)
	}
	_, _ = io.WriteString(conn, head.String()+"\r\n")
	_, _ = conn.Write(b[:after])
	_ = conn.(*net.TCPConn).SetLinger(0) // a reset, as when a phone leaves the building
	_ = conn.Close()
}

const fileFields = `id resourceType kind category status title contentType size sha256 version uploadedBy { id display }
  patient { id } resource { __typename } fhir provenance { activity { code } targets { reference } } viewerCan { download }`

type file struct {
	ID, ResourceType, Kind, ContentType, SHA256, Status string
	Size                                                int64
	Resource                                            struct {
		Typename string `json:"__typename"`
	}
	FHIR       json.RawMessage
	Provenance []struct{ Activity struct{ Code string } }
}

func (c *client) file(id string) file {
	c.t.Helper()
	var out struct{ File file }
	c.ask(&out, `query($id: ID!) { file(id: $id) { `+fileFields+` } }`, map[string]any{"id": id})
	return out.File
}

// wantOneRecord fails the test unless the first demo patient has exactly one file.
func (c *client) wantOneRecord() {
	c.t.Helper()
	var out struct{ Files struct{ TotalCount int } }
	c.ask(&out, `query($p: ID!) { files(patientId: $p) { totalCount } }`, map[string]any{"p": demo.Patient})
	if out.Files.TotalCount != 1 {
		c.t.Fatalf("P2: %d records", out.Files.TotalCount)
	}
}

// download fetches a file by a signed URL.
func (c *client) download(id string) ([]byte, http.Header) {
	c.t.Helper()
	var out struct{ SignedURL struct{ URL string } }
	c.ask(&out, `mutation($id: ID!) { signedUrl(documentId: $id, expiresIn: 60) { url expiresAt documentId linkId auditEventId } }`,
		map[string]any{"id": id})
	res, err := http.Get(out.SignedURL.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("signed URL: %s %v", res.Status, err)
	}
	return b, res.Header
}
