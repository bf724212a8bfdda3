package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

// TestTusClientsAsTheyCome: tus-js-client and Uppy know nothing of this server.
// Through a network that breaks every few megabytes, and at times before an
// answer, they send a file, go on with one after a restart, send one whose
// length they do not know, and take one back.
func TestTusClientsAsTheyCome(t *testing.T) {
	if _, err := os.Stat(filepath.Join("clients", "node_modules")); err != nil {
		t.Fatalf("the clients are not installed: run make npm (%v)", err)
	}
	h := &house{t: t, dir: devtest.Dir(t)}
	t.Cleanup(func() { _ = devstack.Remove(filepath.Join(h.dir, ".data")) })
	h.startStack()
	h.URL = "http://" + freeAddress(t)
	addr := strings.TrimPrefix(h.URL, "http://")
	var cut atomic.Int64
	front, err := faultproxy.NewTCP(addr, func() (up, down int64) {
		n := cut.Add(1)
		if n%3 == 0 {
			return -1, 700 // within one of the first answers
		}
		return 2*mib + n*1000, -1
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	h.server = start(t, h.dir, append(h.env, "BONFIRE_ADDR="+addr, "BONFIRE_PUBLIC_URL=http://"+front.Addr), "serve", "--dev")
	h.ready(h.server, h.URL)
	c := h.as("clinician")
	content := random(12*mib + 7)
	path := filepath.Join(h.dir, "file.bin")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, scenario := range []string{"interrupted", "resumed", "deferred", "uppy", "terminated"} {
		t.Run(scenario, func(t *testing.T) {
			before := cut.Load()
			got := runClient(t, map[string]any{
				"scenario": scenario, "path": path, "state": filepath.Join(t.TempDir(), "urls.json"),
				"endpoint": "http://" + front.Addr + "/uploads/",
				"headers":  map[string]string{"Authorization": "Bearer " + c.token},
				"metadata": map[string]string{"patientId": string(demo.Patient), "kind": "raw", "filetype": "application/octet-stream"},
			})
			t.Logf("%+v, %d connections cut", got, cut.Load()-before)
			at := target{URL: strings.Replace(got.URL, front.Addr, addr, 1), Header: map[string]string{"Authorization": "Bearer " + c.token}}
			res, err := c.tus(http.MethodHead, at, 0, nil)
			if scenario == "terminated" {
				if res == nil || res.StatusCode != http.StatusGone && res.StatusCode != http.StatusNotFound {
					t.Errorf("HEAD of a terminated upload: %v %v", res, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Heads == 0 {
				t.Error("it was never interrupted: the test proves nothing")
			}
			if b, _ := c.download(res.Header.Get("Bonfire-Resource-Id")); !bytes.Equal(b, content) {
				t.Errorf("P1: %d other bytes came back", len(b))
			}
		})
	}
}

// ran is what clients/run.mjs tells of an upload.
type ran struct {
	Posts, Patches, Heads int
	URL                   string
}

func runClient(t *testing.T, settings map[string]any) (got ran) {
	t.Helper()
	in, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "node", "run.mjs")
	cmd.Dir, cmd.Stdin = "clients", bytes.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &got)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("%w\n%s%s", err, out, said.Bytes()))
	}
	return got
}
