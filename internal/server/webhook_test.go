package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/events"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/store"
)

// A server that is given a webhook tells it of what commits, at once, and counts it.
func TestWebhookIsServed(t *testing.T) {
	t.Parallel()
	secret, told := strings.Repeat("s", 32), make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = events.Verify(secret, r.Header, body, time.Now())
		}
		if err != nil {
			t.Error(err)
		}
		told <- string(body)
	}))
	defer hook.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	metrics := free.Addr().String()
	free.Close()
	s := start(t, devtest.NewFrom(t, "schema", migrate),
		"BONFIRE_WEBHOOK_URL="+hook.URL, "BONFIRE_WEBHOOK_SECRET="+secret, "BONFIRE_METRICS_ADDR="+metrics)
	now := time.Now()
	e := store.Event{
		ID: clinical.NewID[string](now), Tenant: demo.Harbor, Type: "file.created", SubjectType: "Media",
		Subject: "00000000-0000-7000-8000-00000000beef", Patient: demo.Patient, Version: 1, At: now.UTC(),
	}
	if err := s.rooms.Store.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error { return tx.AppendOutbox(ctx, e) }); err != nil {
		t.Fatal(err)
	}
	if body := <-told; !strings.Contains(body, e.ID) {
		t.Errorf("told %s", body)
	}
	waitUntil(t, "the delivery is counted", func() bool {
		_, body := s.do(t, "GET", "http://"+metrics+"/metrics", "")
		return strings.Contains(body, `bonfire_webhook_events_total{outcome="delivered"} 1`)
	})
}
