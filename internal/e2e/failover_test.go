package e2e

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// A standby takes over from the primary in the middle of an upload, be the
// primary killed or only told to take no more writes: what was acknowledged is
// there, and the upload ends in exactly one record.
func TestP1_P2_UploadsSurviveAFailover(t *testing.T) {
	for name, fall := range map[string]func(*testing.T, *devstack.Postgres){
		"killed": func(_ *testing.T, p *devstack.Postgres) { p.Kill() },
		"demoted": func(t *testing.T, p *devstack.Postgres) {
			if err := p.Demote(t.Context()); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &house{t: t, dir: devHome(t)}
			h.startStack() // for its bucket
			primary, standby, url := devtest.Pair(t)
			h.env = append(h.env, "BONFIRE_DATABASE_URL="+url, "BONFIRE_MIGRATE_DATABASE_URL="+primary.OwnerURL(devstack.Database))
			h.startServer()
			c := h.as("clinician")
			content := random(40 << 20)
			at := c.createUpload(map[string]any{
				"patientId": demo.Patient, "kind": "raw", "contentType": "application/octet-stream", "size": len(content),
			})
			over := make(chan struct{})
			time.AfterFunc(200*time.Millisecond, func() {
				defer close(over)
				fall(t, primary)
				time.Sleep(time.Second) // somebody has to notice
				if err := standby.Promote(t.Context()); err != nil {
					t.Error(err)
				}
			})
			id := c.pieces(at, content, 1<<20, 20*time.Millisecond)
			<-over
			if b, _ := c.download(id); !bytes.Equal(b, content) {
				t.Fatal("other bytes came back")
			}
			c.wantOneRecord()
			h.bonfire("fsck", "--deep", "--older-than", "1m")
		})
	}
}

// pieces sends content piece by piece, with a rest after each, and goes on where
// the server says it stands, for a minute of trouble at most. It gives the
// record's id.
func (c *client) pieces(at target, content []byte, size int, rest time.Duration) (id string) {
	c.t.Helper()
	var acknowledged int64
	trouble := time.Now()
	for id == "" {
		end := min(acknowledged+int64(size), int64(len(content)))
		if res, err := c.tus(http.MethodPatch, at, acknowledged, bytes.NewReader(content[acknowledged:end])); err == nil {
			acknowledged, id = end, res.Header.Get("Bonfire-Resource-Id")
			trouble = time.Now()
			time.Sleep(rest)
			continue
		}
		offset, err := c.offset(at)
		switch {
		case err == nil && offset < acknowledged:
			c.t.Fatalf("P1: the offset went back from %d to %d", acknowledged, offset)
		case err == nil:
			acknowledged = offset
		case time.Since(trouble) > time.Minute:
			c.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return id
}
