package tusclient

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const maxRetryAfter = 2 * time.Minute

// StatusError is a server's refusal.
type StatusError struct {
	Status     int
	Words      string // the answer's body, cut short
	RequestID  string
	retryAfter time.Duration
}

// Error names the status, the server's words and the request's id.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Words != "" {
		s += ": " + e.Words
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// passing reports whether asking again may help: the writer's lease is held
// (423), the offset moved (409), the server or a proxy has a bad moment.
func (e *StatusError) passing() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusLocked, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= 500 && e.Status != http.StatusNotImplemented
}

func refusal(resp *http.Response) error {
	const enough = 300
	words, _ := io.ReadAll(io.LimitReader(resp.Body, enough))
	e := &StatusError{Status: resp.StatusCode, Words: strings.TrimSpace(string(words)), RequestID: resp.Header.Get("X-Request-Id")}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		e.retryAfter = min(time.Duration(s)*time.Second, maxRetryAfter)
	}
	return e
}

// sourceError is an error that no further request can mend.
type sourceError struct{ cause error }

func (e *sourceError) Error() string { return e.cause.Error() }
func (e *sourceError) Unwrap() error { return e.cause }
