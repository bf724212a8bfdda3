package uploads

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// body is a request's body. It remembers how the body ended, which tusd hides
// from the data store, and lets the read deadline of its connection pass only
// while there is something to read.
//
// tusd stops a body by letting that deadline pass. net/http reads ahead as soon
// as a body has ended, to learn when the client leaves; when the deadline passes
// then, it cancels every later request of the connection, whatever it asks for.
type body struct {
	io.ReadCloser
	conn *http.ResponseController

	mu      sync.Mutex
	ended   bool // all of it was read
	over    bool // there is nothing left that may be stopped
	stopped bool // the deadline was made to pass
}

func newBody(w http.ResponseWriter, r *http.Request) *body {
	b := &body{ReadCloser: r.Body, conn: http.NewResponseController(w)}
	b.over = r.ContentLength == 0 // net/http reads ahead from the beginning
	return b
}

// Read implements io.Reader. The deadline is lifted with the last byte: what
// follows may take longer than a client may be silent.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.over && !b.stopped {
			_ = b.conn.SetReadDeadline(time.Time{}) // not every connection has deadlines
		}
		b.ended, b.over = true, true
	}
	return n, err
}

// whole reports whether all of the body was read.
func (b *body) whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// end says that nobody may stop the body any more: its request is answered.
// True when the connection is good for another one.
func (b *body) end() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	return !b.stopped
}

// deadline lets reading end at t, unless it is over.
func (b *body) deadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return nil
	}
	b.stopped = b.stopped || !t.IsZero() && !t.After(time.Now())
	return b.conn.SetReadDeadline(t)
}

// announced is a body of which the request said how long it is.
type announced struct {
	io.Reader
	left int64
}

func announce(body io.Reader, length int64) io.Reader {
	if length < 0 {
		return body
	}
	return &announced{body, length}
}

// Read implements io.Reader.
func (a *announced) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	a.left -= int64(n)
	return n, err
}

// Remaining implements ledger.Announced.
func (a *announced) Remaining() int64 { return a.left }
