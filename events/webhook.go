package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// DefaultTimeout is how long a receiver may take for its answer.
	DefaultTimeout = 10 * time.Second
	// DefaultGiveUp is how old an event gets before its delivery is given up.
	DefaultGiveUp = 3 * 24 * time.Hour

	firstRetry = 5 * time.Second
	lastRetry  = time.Hour
	parallel   = 8
	batch      = 100
	pollEvery  = 5 * time.Second
	// settleTime bounds the writing down of how an attempt ended, which goes on
	// when the server stops.
	settleTime = 5 * time.Second
)

// WebhookOptions are what a Webhook is made of; the first three are required.
type WebhookOptions struct {
	URL    string
	Secret string
	Outbox Outbox
	// Soon, if any, receives when an event may have become due; without it the
	// outbox is asked every few seconds.
	Soon <-chan struct{}
	// Timeout of one attempt, GiveUp: DefaultTimeout and DefaultGiveUp when zero.
	Timeout, GiveUp time.Duration
	// Retry is how long to wait after the attempt of that number, before jitter;
	// nil doubles 5 s up to an hour.
	Retry func(attempt int) time.Duration
	Log   *slog.Logger
}

// Webhook delivers what waits in an outbox to a URL, each event at least once.
// It stands beside the requests and never in their way.
type Webhook struct {
	o      WebhookOptions
	client *http.Client
	counts struct{ delivered, failed, dead atomic.Int64 }
}

// NewWebhook makes a webhook; Run starts it.
func NewWebhook(o WebhookOptions) *Webhook {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.GiveUp == 0 {
		o.GiveUp = DefaultGiveUp
	}
	if o.Retry == nil {
		o.Retry = retryAfter
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Webhook{o: o, client: &http.Client{
		Timeout: o.Timeout,
		// Where events go is what the configuration says, not what an answer says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func retryAfter(attempt int) time.Duration {
	return min(firstRetry<<min(attempt-1, 20), lastRetry)
}

// Counts tells how many attempts were taken by the receiver, how many were not,
// and how many events were given up, since the start.
func (w *Webhook) Counts() (delivered, failed, dead int64) {
	return w.counts.delivered.Load(), w.counts.failed.Load(), w.counts.dead.Load()
}

// Run delivers until ctx ends. Attempts under way are broken off then, and made
// again by whoever runs next.
func (w *Webhook) Run(ctx context.Context) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	defer w.client.CloseIdleConnections()
	for {
		n, err := w.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			w.o.Log.WarnContext(ctx, "webhook: the outbox cannot be worked on", "error", err)
		}
		if n == batch && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.o.Soon:
		case <-poll.C:
		}
	}
}

// round tries all that is due now, up to a batch, and tells how many were.
func (w *Webhook) round(ctx context.Context) (int, error) {
	due, err := w.o.Outbox.Due(ctx, batch)
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, r := range due {
		group.Go(func() error { return w.attempt(ctx, r) })
	}
	return len(due), group.Wait()
}

// attempt claims one event and tries to deliver it. The error is the outbox's:
// that of the receiver is written down there.
func (w *Webhook) attempt(ctx context.Context, r Ref) error {
	if ctx.Err() != nil {
		return nil
	}
	e, attempt, err := w.o.Outbox.Claim(ctx, r, time.Now().Add(2*w.o.Timeout+settleTime))
	if err != nil || attempt == 0 {
		return err
	}
	old := time.Since(e.At) > w.o.GiveUp
	var failure error
	if !old {
		failure = w.post(ctx, e)
	}
	settle, stop := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer stop()
	switch {
	case old:
		w.counts.dead.Add(1)
		w.o.Log.ErrorContext(ctx, "webhook: an event was given up", "event", e.ID, "type", e.Type, "attempts", attempt-1)
		return w.o.Outbox.GiveUp(settle, r)
	case failure == nil:
		w.counts.delivered.Add(1)
		return w.o.Outbox.Delivered(settle, r)
	case ctx.Err() != nil: // ours to break off, not the receiver's fault
		return w.o.Outbox.Failed(settle, r, time.Now())
	}
	w.counts.failed.Add(1)
	wait := w.o.Retry(attempt)
	wait = wait/2 + rand.N(wait/2+1)
	w.o.Log.WarnContext(ctx, "webhook: not delivered", "event", e.ID, "attempt", attempt, "again", wait, "error", failure)
	return w.o.Outbox.Failed(settle, r, time.Now().Add(wait))
}

// post sends an event once. The receiver takes it with any 2xx; what it says
// beside that is not read, and its words do not reach the log.
func (w *Webhook) post(ctx context.Context, e Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL is malformed")
	}
	now := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Bonfire-Webhook/1")
	req.Header.Set(HeaderID, e.ID)
	req.Header.Set(HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(HeaderSignature, Sign(w.o.Secret, e.ID, now, body))
	res, err := w.client.Do(req)
	if err != nil {
		return unwrapped(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // the connection can be used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %d", res.StatusCode)
	}
	return nil
}

// unwrapped is a failure of the connection without the URL: its query or path
// may be a secret of the receiver's.
func unwrapped(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
