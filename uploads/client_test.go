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

// persist uploads b in pieces, as a client does that never gives up: after every
// failure it asks how far the upload is, and what it was told once must hold for
// ever (P1). Nothing when the upload could not even be created.
func (s *server) persist(b []byte, piece int) sent {
	a, err := s.try(http.MethodPost, s.URL+"/uploads/", nil, map[string]string{"Upload-Metadata": raw, "Upload-Length": strconv.Itoa(len(b))})
	if err != nil || a.StatusCode != http.StatusCreated {
		return sent{}
	}
	return s.goOn(a.Header.Get("Location"), b, 0, piece, false)
}

// goOn is persist for an upload that exists and of which acked bytes were
// acknowledged. deferred: its length is declared with the last piece.
func (s *server) goOn(u string, b []byte, acked, piece int, deferred bool) sent {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		a, err := s.try(http.MethodHead, u, nil, nil)
		if err != nil || a.StatusCode == http.StatusLocked || a.StatusCode >= 500 {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		at, err := strconv.Atoi(a.Header.Get("Upload-Offset"))
		if a.StatusCode != http.StatusOK || err != nil || at < acked {
			s.t.Errorf("P1: %d acknowledged, and HEAD says %d %q", acked, a.StatusCode, a.Header.Get("Upload-Offset"))
			return sent{}
		}
		for acked = at; ; {
			if acked == len(b) && a.Header.Get("Bonfire-Resource-Id") != "" {
				return sent{u, b}
			}
			next := min(acked+piece, len(b))
			h := map[string]string{"Upload-Offset": strconv.Itoa(acked)}
			if deferred && next == len(b) {
				h["Upload-Length"] = strconv.Itoa(len(b))
			}
			a, err = s.try(http.MethodPatch, u, reader(b[acked:next]), h)
			if err != nil || a.StatusCode != http.StatusNoContent {
				break
			}
			acked, _ = strconv.Atoi(a.Header.Get("Upload-Offset"))
		}
	}
	s.t.Errorf("an upload of %d bytes did not end", len(b))
	return sent{}
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
