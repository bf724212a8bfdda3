package access_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
)

// stream opens a subscription over Server-Sent Events and gives its events one by one; "" is its end.
func (w *world) stream(p principal, text string) func() string {
	w.Helper()
	body, err := json.Marshal(map[string]any{"query": text})
	w.must(err)
	ctx, stop := context.WithTimeout(w.Context(), 20*time.Second)
	w.Cleanup(stop)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/graphql", bytes.NewReader(body))
	w.must(err)
	req.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Authorization": {"Bearer " + p.token}}
	resp, err := client.Do(req)
	w.must(err)
	w.Cleanup(func() { _ = resp.Body.Close() })
	lines := bufio.NewReader(resp.Body)
	return func() string {
		for {
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				return ""
			}
			w.must(err)
			if data, ok := strings.CutPrefix(line, "data: "); ok && strings.TrimSpace(data) != "" {
				return data
			}
		}
	}
}

// P4: whose membership ends while a subscription runs is told so before any
// other event, over a socket and over a stream of events alike.
func TestP4_MembershipEndsDuringASubscription(t *testing.T) {
	w := newWorld(t)
	const follow = `subscription { fileEvents(patientId: "` + string(demo.Patient) + `") { file { id } } }`
	clinician, here := w.as("clinician"), charts("clinician")[onPanel]
	first := w.happen(here)
	sse, ws := w.stream(clinician, follow), w.socket(clinician)
	begun := map[string]string{"server-sent events": sse(), "the socket": ws.ask(follow)}
	for how, got := range begun {
		if !strings.Contains(got, string(first)) {
			t.Fatalf("%s begins with %s", how, got)
		}
	}
	if a := w.ask(w.as("admin"), `mutation($id: ID!) { endMember(input: {memberId: $id}) { member { endedAt } } }`, vars{"id": clinician.Actor.ID}); a.word() != yes {
		t.Fatalf("%s", a.body)
	}
	second := w.happen(here)
	for how, got := range map[string]string{"server-sent events": sse(), "the socket": ws.next()} {
		if !strings.Contains(got, "FORBIDDEN") || strings.Contains(got, string(second)) {
			t.Errorf("%s goes on with %s", how, got)
		}
	}
	if got := sse(); got != "" {
		t.Errorf("the stream did not end: %s", got)
	}
}

// happen makes something happen in a chart that those who follow it hear of.
func (w *world) happen(at chart) clinical.FileID {
	w.Helper()
	id := w.file(principal{}, at, "intake-form", false)
	if a := w.ask(w.as("clerk"), `mutation($id: ID!) { refileFile(input: {fileId: $id, toPatientId: "`+string(demo.SecondPatient)+`", reason: "the wrong chart", expectedVersion: 1}) { file { id } } }`,
		vars{"id": id}); a.word() != yes {
		w.Fatalf("%s", a.body)
	}
	if a := w.ask(w.as("clerk"), `mutation($id: ID!, $to: ID!) { refileFile(input: {fileId: $id, toPatientId: $to, reason: "the right one", expectedVersion: 2}) { file { id } } }`,
		vars{"id": id, "to": at.patient}); a.word() != yes {
		w.Fatalf("%s", a.body)
	}
	return id
}

// P4: a gated link is judged again at each fetch. What its holder might not be
// given now is gone, the fetch that failed is in the trail, and who holds the
// link learns no more than that.
func TestP4_AGatedLinkIsJudgedAtEachFetch(t *testing.T) {
	w := newWorld(t)
	clinician, at := w.as("clinician"), charts("clinician")[onPanel]
	for name, change := range map[string]struct{ who, text string }{
		"moved to another chart": {"clerk", `mutation($id: ID!) { refileFile(input: {fileId: $id, toPatientId: "` + string(demo.SecondPatient) + `", reason: "the wrong chart", expectedVersion: 1}) { file { id } } }`},
		"retracted":              {"clinician", `mutation($id: ID!) { retractFile(input: {fileId: $id, expectedVersion: 1, reason: "not this patient"}) { file { id } } }`},
		"infected":               {"pipeline", `mutation($id: ID!) { reportScan(input: {fileId: $id, status: INFECTED, engine: "scanner 1"}) { file { id } } }`},
		"revoked":                {"clinician", `mutation($id: ID!) { revokeLinks(input: {fileId: $id, reason: "sent astray"}) { revoked } }`},
	} {
		file := w.file(clinician, at, "intake-form", false)
		var link struct{ URL, LinkID string }
		w.data(w.ask(clinician, `mutation($id: ID!) { signedUrl(documentId: $id, delivery: GATED) { url linkId } }`, vars{"id": file}), "signedUrl", &link)
		if a := w.send(http.MethodGet, link.URL, ""); a.status != http.StatusFound {
			t.Fatalf("%s: before: %d %s", name, a.status, a.body)
		}
		if a := w.ask(w.as(change.who), change.text, vars{"id": file}); a.word() != yes {
			t.Fatalf("%s: %s", name, a.body)
		}
		if a := w.send(http.MethodGet, link.URL, ""); a.status != http.StatusGone || a.body != "this link is no longer valid\n" || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %q", name, a.status, a.body)
		}
		var refused int
		w.must(w.admin().QueryRow(`SELECT count(*) FROM audit_event WHERE verb = 'followLink' AND outcome = '4' AND entities::text LIKE '%' || $1 || '%'`, link.LinkID).Scan(&refused))
		if refused != 1 {
			t.Errorf("%s: %d events of the fetch that was refused", name, refused)
		}
	}
}
