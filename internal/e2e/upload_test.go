package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/media"
)

// Each file goes up in pieces, is cut in the middle, goes on where the server
// says it stands, and comes back by signed URL byte for byte.
func TestRealFilesGoUpInPiecesAndComeBack(t *testing.T) {
	h := open(t)
	c := h.as("clinician")
	files := media.Files(t)
	resource := map[string]string{
		"form.pdf": "DocumentReference", "wound.jpg": "Media", "skin.png": "Media",
		"visit.wav": "Media", "visit.webm": "Media", "visit.m4a": "Media", "big.bin": "Binary",
	}
	for name, want := range resource {
		t.Run(name, func(t *testing.T) {
			c := &client{h: h, t: t, token: c.token}
			in := map[string]any{"patientId": demo.Patient, "encounterId": demo.Encounter, "title": name}
			var content []byte
			if f, ok := files[name]; ok {
				var err error
				if content, err = os.ReadFile(f.Path); err != nil {
					t.Fatal(err)
				}
				in["kind"], in["contentType"] = f.Kind, f.ContentType
			} else {
				content = random(200 << 20)
				in["kind"], in["contentType"] = "raw", "application/octet-stream"
			}
			in["size"] = len(content)
			at := c.createUpload(in)
			id := c.send(at, content)
			sum := sha256.Sum256(content)
			f := c.file(id)
			if f.ResourceType != want || f.Resource.Typename != want || f.Size != int64(len(content)) || f.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("record: %+v", f)
			}
			if len(f.Provenance) != 1 || f.Status != "CURRENT" {
				t.Errorf("record: %+v", f)
			}
			b, header := c.download(id)
			if !bytes.Equal(b, content) {
				t.Errorf("%d other bytes came back", len(b))
			}
			if got := header.Get("Content-Type"); got != in["contentType"] {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
}

// send sends content in four pieces, the second of which is cut off, and gives
// the record's id.
func (c *client) send(at target, content []byte) string {
	c.t.Helper()
	n := int64(len(content))
	piece := n/4 + 1
	if _, err := c.tus(http.MethodPatch, at, 0, bytes.NewReader(content[:piece])); err != nil {
		c.t.Fatal(err)
	}
	c.cut(at, piece, content[piece:2*piece], int(piece/2))
	for range 20 {
		offset, err := c.retryOffset(at)
		if err != nil {
			c.t.Fatal(err)
		}
		if offset < piece {
			c.t.Fatalf("P1: the offset went back from %d to %d", piece, offset)
		}
		res, err := c.tus(http.MethodPatch, at, offset, bytes.NewReader(content[offset:min(offset+piece, n)]))
		switch {
		case err == nil && res.Header.Get("Bonfire-Resource-Id") != "":
			return res.Header.Get("Bonfire-Resource-Id")
		case err != nil && (res == nil || res.StatusCode != http.StatusLocked && res.StatusCode != http.StatusConflict):
			c.t.Fatal(err) // on 423 and 409 a tus client asks for the offset and goes on
		}
	}
	c.t.Fatal("never finished")
	return ""
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(rand.NewChaCha8([32]byte{1}), b)
	return b
}

// The server is killed at moments of an upload that nobody chose, and started
// again; the upload goes on and ends in exactly one record.
func TestP1_P2_KilledServersLoseNothing(t *testing.T) {
	h := open(t)
	c := h.as("clinician")
	content := random(40 << 20)
	at := c.createUpload(map[string]any{
		"patientId": demo.Patient, "kind": "raw", "contentType": "application/octet-stream", "size": len(content),
	})
	var acknowledged int64
	var id string
	kills := 0
	for id == "" {
		end := min(acknowledged+6<<20, int64(len(content)))
		if kills < 6 {
			kills++
			timer := time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { _ = h.server.cmd.Process.Signal(syscall.SIGKILL) })
			if res, err := c.tus(http.MethodPatch, at, acknowledged, bytes.NewReader(content[acknowledged:end])); err == nil {
				acknowledged, id = end, res.Header.Get("Bonfire-Resource-Id")
			}
			timer.Stop()
			h.server.stop(syscall.SIGKILL)
			h.startServer()
		} else if res, err := c.tus(http.MethodPatch, at, acknowledged, bytes.NewReader(content[acknowledged:end])); err == nil {
			acknowledged, id = end, res.Header.Get("Bonfire-Resource-Id")
		}
		offset, err := c.retryOffset(at)
		if err != nil {
			t.Fatal(err)
		}
		if offset < acknowledged {
			t.Fatalf("P1: the offset went back from %d to %d", acknowledged, offset)
		}
		acknowledged = offset
	}
	if b, _ := c.download(id); !bytes.Equal(b, content) {
		t.Fatal("other bytes came back")
	}
	c.wantOneRecord()
}

// retryOffset asks again while the killed server's lease still stands.
func (c *client) retryOffset(at target) (offset int64, err error) {
	for range 40 {
		if offset, err = c.offset(at); err == nil || !strings.Contains(err.Error(), "423") {
			return offset, err
		}
		time.Sleep(500 * time.Millisecond)
	}
	return offset, err
}

// Postgres and S3 are killed under a running server: the stack starts them
// again, the server finds them, and the upload goes on.
func TestKilledPostgresAndS3ComeBack(t *testing.T) {
	h := open(t)
	c := h.as("clinician")
	content := random(20 << 20)
	at := c.createUpload(map[string]any{
		"patientId": demo.Patient, "kind": "raw", "contentType": "application/octet-stream", "size": len(content),
	})
	if _, err := c.tus(http.MethodPatch, at, 0, bytes.NewReader(content[:9<<20])); err != nil {
		t.Fatal(err)
	}
	for _, pid := range h.children() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		offset, err := c.offset(at)
		if err == nil && offset < 9<<20 {
			t.Fatalf("P1: the offset went back to %d", offset)
		}
		if err == nil {
			res, err := c.tus(http.MethodPatch, at, offset, bytes.NewReader(content[offset:]))
			if err == nil {
				if b, _ := c.download(res.Header.Get("Bonfire-Resource-Id")); !bytes.Equal(b, content) {
					t.Fatal("other bytes came back")
				}
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
