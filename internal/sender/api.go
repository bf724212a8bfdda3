package sender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// APIError is a refusal by the server, in its own words.
type APIError struct {
	Message   string
	Code      string   // extensions.code, or "" of a problem
	Field     string   // the input field at fault, "" when none is
	Allowed   []string // what the field takes, where the server says so
	RequestID string
}

// Error names the field, the words, what would be taken, the code and the request.
func (e *APIError) Error() string {
	var b strings.Builder
	if e.Field != "" {
		b.WriteString(strings.TrimPrefix(e.Field, "input.") + ": ")
	}
	b.WriteString(e.Message)
	if len(e.Allowed) > 0 {
		b.WriteString("; allowed: " + strings.Join(e.Allowed, ", "))
	}
	var tail []string
	if e.Code != "" {
		tail = append(tail, e.Code)
	}
	if e.RequestID != "" {
		tail = append(tail, "request "+e.RequestID)
	}
	if len(tail) > 0 {
		b.WriteString(" (" + strings.Join(tail, ", ") + ")")
	}
	return b.String()
}

// refused reports whether the server said no: making the same call again won't help.
func refused(err error) bool {
	var no *APIError
	return errors.As(err, &no) && no.Code != "UNAVAILABLE"
}

// spent reports whether the upload itself came to nothing; the other refusals
// are of the caller, who may come back with a better token.
func spent(err error) bool {
	var no *APIError
	if !errors.As(err, &no) {
		return false
	}
	switch no.Code {
	case "", "NOT_FOUND", "GONE", "CONFLICT", "CHECKSUM_MISMATCH":
		return true
	}
	return false
}

// api speaks GraphQL to one server as one principal.
type api struct {
	server string // without a slash at the end
	token  string
	http   *http.Client
}

// callTimeout bounds one call; finishing waits for the server's assembly.
const callTimeout = 60 * time.Second

const maxAnswer = 4 << 20

// call runs one operation and decodes its data into out.
func (a api) call(ctx context.Context, query string, variables map[string]any, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.server+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct {
				Code, Field, RequestID string
				Allowed                []string
			}
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Data == nil && answer.Errors == nil {
		return unexpected(resp)
	}
	if len(answer.Errors) > 0 {
		e := answer.Errors[0]
		return &APIError{
			Message: e.Message, Code: e.Extensions.Code, Field: e.Extensions.Field,
			Allowed: e.Extensions.Allowed, RequestID: e.Extensions.RequestID,
		}
	}
	return json.Unmarshal(answer.Data, out)
}

// unexpected is an answer that isn't GraphQL: a proxy's page, or another server's.
func unexpected(resp *http.Response) error {
	e := &APIError{
		Message:   fmt.Sprintf("%s answered %s: is this a bonfire server?", resp.Request.URL.Host, resp.Status),
		RequestID: resp.Header.Get("X-Request-Id"),
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.Code = "UNAVAILABLE"
	}
	return e
}

// patiently makes the call again while the trouble may pass: it is for calls
// that are idempotent.
func (a api) patiently(ctx context.Context, call func() error) error {
	const attempts = 8
	for n := 1; ; n++ {
		err := call()
		if err == nil || n == attempts || refused(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Duration(n*n) * 250 * time.Millisecond):
		}
	}
}

const createUpload = `mutation CreateUpload($input: CreateUploadInput!) {
  createUpload(input: $input) {
    upload { id }
    tus { url headers { name value } chunkSize }
    problems { ... on Problem { message } ... on ContentRejected { field allowed } }
  }
}`

const finishUpload = `mutation FinishUpload($input: FinishUploadInput!) {
  finishUpload(input: $input) {
    file { id resourceType size sha256 contentType }
    problems {
      ... on Problem { message }
      ... on UploadNotReady { receivedBytes totalBytes }
      ... on ContentRejected { field allowed }
      ... on ChecksumMismatch { expected actual }
    }
  }
}`

const cancelUpload = `mutation CancelUpload($input: CancelUploadInput!) { cancelUpload(input: $input) { upload { id } } }`

// problem is what the payloads' problem types have between them.
type problem struct {
	Message       string
	Field         string
	Allowed       []string
	ReceivedBytes *int64
}

func (p problem) err() *APIError {
	return &APIError{Message: p.Message, Field: p.Field, Allowed: p.Allowed}
}
