package uploads_test

import (
	"net/http"
	"os"
	"path"
	"strconv"
	"sync"
	"testing"
	"time"
)

// sent is an upload that a client believes to be a record.
type sent struct {
	url     string
	content []byte
}

// kept collects what clients believe, until it can be held against the truth.
type kept struct {
	mu  sync.Mutex
	all []sent
}

func (k *kept) add(s sent) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.url != "" {
		k.all = append(k.all, s)
	}
	return s.url != ""
}

// check holds each against its record: one, with these bytes (P2).
func (k *kept) check(s *server) {
	s.t.Helper()
	for _, one := range k.all {
		s.wantRecord(s.head(s.here(one.url)), one.content)
		if n := s.one(`SELECT count(*) FROM file WHERE upload_id = $1`, path.Base(one.url)); n != "1" {
			s.t.Errorf("P2: %s records of one upload", n)
		}
	}
}

// client uploads as one does that never gives up: after every failure it asks
// how far the upload is, and what it was told once must hold for ever (P1).
type client struct {
	at       func() *server // whom it asks next
	piece    int            // bytes a request
	deferred bool           // the length is declared with the last piece
	checksum string         // algorithm of the checksum extension, "" for none
	patience time.Duration
}

// persist is a patient client of this server.
func (s *server) persist(b []byte, piece int) sent {
	return client{at: func() *server { return s }, piece: piece}.upload(b)
}

// upload gives nothing when the upload could not even be created.
func (c client) upload(b []byte) sent {
	s := c.at()
	h := map[string]string{"Upload-Metadata": raw, "Upload-Length": strconv.Itoa(len(b))}
	if c.deferred {
		h["Upload-Length"], h["Upload-Defer-Length"] = "", "1"
	}
	a, err := s.try(http.MethodPost, s.URL+"/uploads/", nil, h)
	if err != nil || a.StatusCode != http.StatusCreated {
		return sent{}
	}
	return c.goOn(a.Header.Get("Location"), b, 0)
}

// goOn sends the rest of an upload of which acked bytes were acknowledged.
func (c client) goOn(u string, b []byte, acked int) sent {
	if c.patience == 0 {
		c.patience = time.Minute
	}
	for end := time.Now().Add(c.patience); time.Now().Before(end); {
		s := c.at()
		a, err := s.try(http.MethodHead, s.here(u), nil, nil)
		if err != nil || a.StatusCode == http.StatusLocked || a.StatusCode >= 500 {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		at, err := strconv.Atoi(a.Header.Get("Upload-Offset"))
		if a.StatusCode != http.StatusOK || err != nil || at < acked {
			s.t.Errorf("P1: %d of %d bytes acknowledged, and HEAD says %d %q", acked, len(b), a.StatusCode, a.Header.Get("Upload-Offset"))
			return sent{}
		}
		for acked = at; err == nil && a.StatusCode < 300; {
			if acked == len(b) && a.Header.Get("Bonfire-Resource-Id") != "" {
				return sent{u, b}
			}
			if a, err = c.send(s, u, b, acked); err == nil && a.StatusCode == http.StatusNoContent {
				acked, err = strconv.Atoi(a.Header.Get("Upload-Offset"))
			}
		}
	}
	c.at().t.Errorf("an upload of %d bytes did not end", len(b))
	return sent{}
}

func (c client) send(s *server, u string, b []byte, from int) (answer, error) {
	to := min(from+c.piece, len(b))
	h := map[string]string{"Upload-Offset": strconv.Itoa(from)}
	if c.deferred && to == len(b) {
		h["Upload-Length"] = strconv.Itoa(len(b))
	}
	if c.checksum != "" {
		h["Upload-Checksum"] = checksum(c.checksum, b[from:to])
	}
	return s.try(http.MethodPatch, s.here(u), reader(b[from:to]), h)
}

func entries(t testing.TB, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
