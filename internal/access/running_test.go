package access_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
)

// admin is a superuser's connection, for what no verb does.
func (w *world) admin() *sql.DB {
	w.Helper()
	db, err := sql.Open("pgx", w.adminURL)
	w.must(err)
	w.Cleanup(func() { _ = db.Close() })
	return db
}

// data reads a field of a successful answer.
func (w *world) data(a answer, field string, into any) {
	w.Helper()
	if a.word() != yes {
		w.Fatalf("%s: %d %s", field, a.status, a.body)
	}
	w.must(json.Unmarshal(a.Data[field], into))
}

// A key from its making to its end, by the API: what it opens, and that it
// opens nothing from the moment on that it is revoked, to a socket neither.
func TestKeyFromMakingToRevocation(t *testing.T) {
	w := newWorld(t)
	admin := w.as("admin")
	var made struct {
		Key    struct{ ID string }
		Secret string
	}
	w.data(w.ask(admin, `mutation($id: ID!) { createKey(input: {memberId: $id, label: "Room 2"}) { key { id state } secret } }`,
		vars{"id": named("scribe").Actor.ID}), "createKey", &made)
	scribe := principal{named("scribe"), made.Secret}
	if a := w.ask(scribe, `{ viewer { id roles } }`, nil); a.word() != yes || !strings.Contains(a.body, string(named("scribe").Actor.ID)) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	socket := w.socket(scribe)
	if got := socket.ask(`{ viewer { id } }`); !strings.Contains(got, string(named("scribe").Actor.ID)) {
		t.Errorf("over the socket: %s", got)
	}
	id, token := w.begin(scribe)
	if a := w.ask(admin, `{ keys { id secret } }`, nil); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a secret can be asked for: %s", a.body)
	}
	if a := w.ask(admin, `mutation($id: ID!) { revokeKey(input: {keyId: $id}) { key { state } } }`, vars{"id": made.Key.ID}); !strings.Contains(a.body, `"REVOKED"`) {
		t.Errorf("%s", a.body)
	}
	if a := w.ask(scribe, `{ viewer { id } }`, nil); a.status != http.StatusUnauthorized {
		t.Errorf("after the end: %d %s", a.status, a.body)
	}
	if got := socket.ask(`{ viewer { id } }`); !strings.Contains(got, "UNAUTHENTICATED") {
		t.Errorf("over the socket, after the end: %s", got)
	}
	a := w.send(http.MethodPatch, "/uploads/"+string(id), "hello", "Tus-Resumable", "1.0.0", "Bonfire-Upload-Token", token,
		"Content-Type", "application/offset+octet-stream", "Upload-Offset", "0")
	if a.status < 400 || a.header.Get("Bonfire-Resource-Id") != "" {
		t.Errorf("an upload begun with it became a record: %d %v", a.status, a.header)
	}
}

// What is under way when a membership ends does not become a record.
func TestMembershipEndsDuringAnUpload(t *testing.T) {
	w := newWorld(t)
	clinician := w.as("clinician")
	patch := func(id clinical.UploadID, token string, from, to int) answer {
		return w.send(http.MethodPatch, "/uploads/"+string(id), recorded[from:to], "Tus-Resumable", "1.0.0", "Bonfire-Upload-Token", token,
			"Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(from))
	}
	whole, wholeToken := w.begin(clinician)
	if a := patch(whole, wholeToken, 0, len(recorded)); a.header.Get("Bonfire-Resource-Id") == "" {
		t.Fatalf("nothing stands in its way, and it becomes no record: %d %s", a.status, a.body)
	}
	id, token := w.begin(clinician)
	if a := patch(id, token, 0, 10); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	socket := w.socket(clinician)
	if a := w.ask(w.as("admin"), `mutation($id: ID!) { endMember(input: {memberId: $id}) { member { endedAt } } }`, vars{"id": clinician.Actor.ID}); a.word() != yes {
		t.Fatalf("%s", a.body)
	}
	if a := patch(id, token, 10, len(recorded)); a.status < 400 || a.header.Get("Bonfire-Resource-Id") != "" {
		t.Errorf("it became a record: %d %v", a.status, a.header)
	}
	if a := w.ask(clinician, `{ viewer { id } }`, nil); a.status != http.StatusUnauthorized {
		t.Errorf("the token: %d %s", a.status, a.body)
	}
	if got := socket.ask(`{ viewer { id } }`); !strings.Contains(got, "UNAUTHENTICATED") {
		t.Errorf("the socket: %s", got)
	}
	var records int
	w.must(w.admin().QueryRow(`SELECT count(*) FROM file WHERE upload_id = $1`, string(id)).Scan(&records))
	if records != 0 {
		t.Errorf("%d records", records)
	}
}

// A gated link lives no longer than the right to what it leads to.
func TestPanelChangesUnderAGatedLink(t *testing.T) {
	w := newWorld(t)
	clinician := w.as("clinician")
	file := w.file(clinician, charts("clinician")[onPanel], "intake-form", false)
	var link struct{ URL string }
	w.data(w.ask(clinician, `mutation($id: ID!) { signedUrl(documentId: $id, delivery: GATED) { url } }`, vars{"id": file}), "signedUrl", &link)
	if a := w.send(http.MethodGet, link.URL, ""); a.status != http.StatusFound {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := w.send(http.MethodHead, link.URL, ""); a.status != http.StatusMethodNotAllowed {
		t.Errorf("a look beforehand: %d", a.status)
	}
	if a := w.ask(w.as("admin"), `mutation($id: ID!, $patient: ID!) { setPanel(input: {memberId: $id, remove: [$patient]}) { panel { patientId } } }`,
		vars{"id": clinician.Actor.ID, "patient": demo.Patient}); a.word() != yes {
		t.Fatalf("%s", a.body)
	}
	if a := w.send(http.MethodGet, link.URL, ""); a.status != http.StatusGone {
		t.Errorf("off the panel: %d %s", a.status, a.body)
	}
	if a := w.ask(clinician, `query($id: ID!) { file(id: $id) { id } }`, vars{"id": file}); a.word() != hidden {
		t.Errorf("off the panel: %s", a.body)
	}
}

// The glass, from breaking to review, by the API.
func TestBreakGlassByTheAPI(t *testing.T) {
	w := newWorld(t)
	colleague := w.as("colleague")
	file := w.file(colleague, chart{demo.Harbor, demo.Patient}, "wound-photo", false)
	read := func(header ...string) string {
		return w.ask(colleague, `query($id: ID!) { file(id: $id) { id patient { id } } }`, vars{"id": file}, header...).word()
	}
	purpose := []string{"Bonfire-Purpose-Of-Use", "BTG"}
	if got := read(purpose...); got != hidden {
		t.Errorf("before: %s", got)
	}
	var broken struct {
		GrantID, AuditEventID string
		Patient               struct{ ID clinical.PatientID }
		ExpiresAt             time.Time
	}
	w.data(w.ask(colleague, `mutation($id: ID!) { breakGlass(input: {patientId: $id, reason: "collapsed in the waiting room", expiresIn: 120}) {
		grantId auditEventId expiresAt patient { id } } }`, vars{"id": demo.Patient}), "breakGlass", &broken)
	if broken.Patient.ID != demo.Patient || time.Until(broken.ExpiresAt) > 2*time.Minute {
		t.Errorf("%+v", broken)
	}
	if got := read(purpose...); got != yes {
		t.Errorf("with the purpose: %s", got)
	}
	if got := read(); got != hidden {
		t.Errorf("without: %s", got)
	}
	if a := w.ask(colleague, `mutation($id: ID!) { createUpload(input: {patientId: $id, kind: "raw", contentType: "a/b", size: 5}) { upload { id } } }`,
		vars{"id": demo.Patient}, purpose...); a.word() != no {
		t.Errorf("it changes something: %s", a.body)
	}
	var queue struct {
		Nodes []struct {
			ID, Reason string
			GrantedTo  struct{ Display string }
			Patient    struct{ ID clinical.PatientID }
		}
	}
	for _, who := range []string{"admin", "auditor"} {
		w.data(w.ask(w.as(who), `{ breakGlassReviews { nodes { id reason grantedTo { display } patient { id } } } }`, nil), "breakGlassReviews", &queue)
		if len(queue.Nodes) != 1 || queue.Nodes[0].ID != broken.GrantID || queue.Nodes[0].GrantedTo.Display != "Dr. Ben Okoro" || queue.Nodes[0].Patient.ID != demo.Patient {
			t.Errorf("%s sees %+v", who, queue)
		}
	}
	review := func() answer {
		return w.ask(w.as("admin"), `mutation($id: ID!) { reviewBreakGlass(input: {grantId: $id, verdict: JUSTIFIED, remark: "seen"}) { grant { review { verdict remark reviewedBy { display } } } } }`,
			vars{"id": broken.GrantID})
	}
	if a := review(); !strings.Contains(a.body, `"JUSTIFIED"`) || !strings.Contains(a.body, "Sam Reyes") {
		t.Errorf("%s", a.body)
	}
	if a := review(); a.word() != "CONFLICT" {
		t.Errorf("twice: %s", a.body)
	}
}

func TestExplainAccessByTheAPI(t *testing.T) {
	w := newWorld(t)
	file := w.file(w.as("clinician"), chart{demo.Harbor, demo.Patient}, "wound-photo", false)
	explain := func(who, action, resource, id, more string) (e struct {
		Allowed          bool
		Policies, Errors []string
	}) {
		w.data(w.ask(w.as("admin"), `query($who: ID!, $id: ID!) { explainAccess(actorId: $who, action: `+action+`, resource: `+resource+`, id: $id`+more+`) { allowed policies errors } }`,
			vars{"who": named(who).Actor.ID, "id": id}), "explainAccess", &e)
		return e
	}
	for _, tc := range []struct {
		who, action, resource, id, more string
		allowed                         bool
		policy                          string
	}{
		{"clinician", "DOWNLOAD", "FILE", string(file), "", true, "clinician-works-with-panel-files"},
		{"colleague", "DOWNLOAD", "FILE", string(file), "", false, "default-deny"},
		{"clerk", "CREATE", "FILE", string(demo.Patient), `, kind: "consent"`, true, "clerk-works-with-administrative-files"},
		{"scribe", "SIGN", "NOTE", "", "", false, "only-people-sign"},
		{"colleague", "BREAK_GLASS", "PATIENT", string(demo.Patient), "", true, "clinician-breaks-glass"},
		{"colleague", "BREAK_GLASS", "PATIENT", string(demo.Patient), ", secondFactor: false", false, "default-deny"},
		{"clinician", "READ", "PATIENT", string(demo.Patient), ", purposeOfUse: HRESCH", false, ""},
		{"admin", "ADMINISTER", "TENANT", string(demo.Harbor), "", true, "admin-administers"},
		{"auditor", "AUDIT", "AUDIT_EVENT", string(demo.Patient), "", true, "auditor-reads-audit"},
		{"clinician", "EXPORT", "BUNDLE", string(demo.Patient), "", true, "clinician-exports-panel"},
		{"clinician", "READ", "PROVENANCE", string(file), "", true, "clinician-reads-provenance"},
	} {
		if tc.action == "SIGN" {
			tc.id = string(w.note(w.as("scribe"), chart{demo.Harbor, demo.Patient}, clinical.NoteDraft, true))
		}
		e := explain(tc.who, tc.action, tc.resource, tc.id, tc.more)
		if e.Allowed != tc.allowed || tc.policy != "" && (len(e.Policies) != 1 || e.Policies[0] != tc.policy) || tc.policy == "" && len(e.Errors) == 0 {
			t.Errorf("%+v: %+v", tc, e)
		}
	}
	if a := w.ask(w.as("admin"), `query($id: ID!) { explainAccess(actorId: $id, action: SIGN, resource: PATIENT, id: $id) { allowed } }`, vars{"id": named("clerk").Actor.ID}); a.word() != "BAD_USER_INPUT" {
		t.Errorf("what is not asked of a patient: %s", a.body)
	}
}

// socket is a WebSocket that speaks graphql-transport-ws.
type socket struct {
	w    *world
	conn *websocket.Conn
}

func (w *world) socket(p principal) socket {
	w.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.url, "http")+"/graphql", http.Header{"Sec-WebSocket-Protocol": {"graphql-transport-ws"}})
	w.must(err)
	w.Cleanup(func() { _ = conn.Close() })
	s := socket{w, conn}
	s.w.must(conn.WriteJSON(map[string]any{"type": "connection_init", "payload": map[string]string{"authorization": "Bearer " + p.token}}))
	if got := s.next(); !strings.Contains(got, "connection_ack") {
		w.Fatalf("the socket says %s", got)
	}
	return s
}

// ask runs an operation and gives the first message about it.
func (s socket) ask(text string) string {
	s.w.Helper()
	s.w.must(s.conn.WriteJSON(map[string]any{"id": fresh[string](), "type": "subscribe", "payload": map[string]string{"query": text}}))
	return s.next()
}

// next is the next message that is about an operation, or the acknowledgement.
func (s socket) next() string {
	s.w.Helper()
	for {
		s.w.must(s.conn.SetReadDeadline(time.Now().Add(10 * time.Second)))
		_, text, err := s.conn.ReadMessage()
		s.w.must(err)
		if t := string(text); !strings.Contains(t, `"type":"ping"`) && !strings.Contains(t, `"type":"complete"`) {
			return t
		}
	}
}
