package tusclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Target is one upload on a server.
type Target struct {
	URL string
	// Header goes with every request; it holds the credential.
	Header http.Header
	// ChunkSize is how much one PATCH carries, in bytes; 0 means 8 MiB.
	ChunkSize int64
	// Offset is where to begin; below 0 the server is asked.
	Offset int64
}

// Client sends uploads. The zero value is ready for use.
type Client struct {
	// HTTP makes the requests; nil means a client of its own without redirects.
	HTTP *http.Client
	// Progress is told how many bytes went out, the ones not yet acknowledged
	// included; the number goes back when some have to be sent again.
	Progress func(sent int64)
	// Trouble is told of each failure that will be tried again.
	Trouble func(err error, wait time.Duration)
	// FirstWait and MaxWait bound the pause after a failure; it doubles from
	// the one to the other, at random between half and all. 0 means 0.5 s and 30 s.
	FirstWait, MaxWait time.Duration
	// Patience is how many failures in a row, without a byte of progress, end
	// the attempt; 0 means 10.
	Patience int
	// Stall is how long a request may stand still; 0 means two minutes.
	Stall time.Duration
}

const defaultChunk = 8 << 20

// Send sends the source's bytes from the target's offset to the end and gives
// the length when the server has acknowledged all of them. A StatusError is
// final; any other error means that patience ran out or ctx ended, and that a
// later Send with a negative Offset goes on where this one stopped.
func (c *Client) Send(ctx context.Context, t Target, src Source) (int64, error) {
	if t.ChunkSize <= 0 {
		t.ChunkSize = defaultChunk
	}
	offset, best, failures := t.Offset, t.Offset, 0
	for {
		next, done, err := c.step(ctx, t, src, offset)
		if err == nil && done {
			return next, nil
		}
		if err == nil {
			offset = next
			if next > best {
				best, failures = next, 0
			}
			continue
		}
		var status *StatusError
		if errors.As(err, &status) && !status.passing() || errors.As(err, new(*sourceError)) {
			return 0, err
		}
		if failures++; failures >= c.patience() {
			return 0, fmt.Errorf("gave up after %d attempts: %w", failures, err)
		}
		if err := c.wait(ctx, failures, err); err != nil {
			return 0, err
		}
		offset = -1
	}
}

// step makes one request: HEAD when the offset is not known, PATCH otherwise.
func (c *Client) step(ctx context.Context, t Target, src Source, offset int64) (next int64, done bool, err error) {
	if offset < 0 {
		return c.head(ctx, t, src)
	}
	if size := src.Size(); size >= 0 && offset == size && !deferred(src) {
		return offset, true, nil
	}
	return c.patch(ctx, t, src, offset)
}

// deferred reports whether the server learns the length from the last PATCH.
func deferred(src Source) bool { _, ok := src.(*stream); return ok }

// head asks how much is durable.
func (c *Client) head(ctx context.Context, t Target, src Source) (int64, bool, error) {
	resp, err := c.do(ctx, http.MethodHead, t, nil, 0, nil)
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent {
		return 0, false, refusal(resp)
	}
	offset, err := number(resp, "Upload-Offset")
	if err != nil {
		return 0, false, err
	}
	if size := src.Size(); size >= 0 && offset > size {
		return 0, false, &sourceError{fmt.Errorf("the server holds %d bytes of an upload of %d", offset, size)}
	}
	length, err := number(resp, "Upload-Length")
	return offset, err == nil && length == offset, nil
}

// patch sends one chunk.
func (c *Client) patch(ctx context.Context, t Target, src Source, offset int64) (int64, bool, error) {
	body, size, last, err := src.Chunk(offset, t.ChunkSize)
	if err != nil {
		return 0, false, &sourceError{err}
	}
	h := http.Header{
		"Upload-Offset": {strconv.FormatInt(offset, 10)},
		"Content-Type":  {"application/offset+octet-stream"},
	}
	if last && deferred(src) {
		h.Set("Upload-Length", strconv.FormatInt(offset+size, 10))
	}
	resp, err := c.do(ctx, http.MethodPatch, t, body, size, h)
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return 0, false, refusal(resp)
	}
	next, err := number(resp, "Upload-Offset")
	if err != nil {
		return 0, false, err
	}
	if next < offset || next > offset+size {
		return 0, false, fmt.Errorf("the server went from offset %d to %d on a chunk of %d bytes", offset, next, size)
	}
	return next, last && next == offset+size, nil
}

func (c *Client) patience() int {
	if c.Patience > 0 {
		return c.Patience
	}
	return 10
}

// wait pauses after the nth failure in a row, or as long as the server asked.
func (c *Client) wait(ctx context.Context, n int, cause error) error {
	first, most := c.FirstWait, c.MaxWait
	if first <= 0 {
		first = 500 * time.Millisecond
	}
	if most <= 0 {
		most = 30 * time.Second
	}
	pause := min(first<<min(n-1, 16), most)
	pause = pause/2 + rand.N(pause/2+1)
	var status *StatusError
	if errors.As(cause, &status) {
		pause = max(pause, status.retryAfter)
	}
	if c.Trouble != nil && ctx.Err() == nil {
		c.Trouble(cause, pause)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pause):
		return nil
	}
}
