package access_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// P4: who sends an upload is looked at again, between its requests and within
// one that lasts: once the membership or the API key has ended, nothing more is
// taken, by the upload's token and by the login alike, and no record is made. The
// five seconds for which a sender is believed are none here.
func TestP4_AnUploadEndsWithItsSender(t *testing.T) {
	w := newWorld(t)
	w.rooms.Records.MemberTime = time.Nanosecond
	admin := w.as("admin")
	key := func() (p principal, end func()) {
		var made struct {
			Key    struct{ ID string }
			Secret string
		}
		w.data(w.ask(admin, `mutation($id: ID!) { createKey(input: {memberId: $id, label: "Room 2"}) { key { id } secret } }`,
			vars{"id": named("scribe").Actor.ID}), "createKey", &made)
		return principal{named("scribe"), made.Secret}, func() {
			if a := w.ask(admin, `mutation($id: ID!) { revokeKey(input: {keyId: $id}) { key { state } } }`, vars{"id": made.Key.ID}); a.word() != yes {
				t.Fatalf("%s", a.body)
			}
		}
	}
	member := func(name string) func() (principal, func()) {
		return func() (principal, func()) {
			p := w.as(name)
			return p, func() {
				if a := w.ask(admin, `mutation($id: ID!) { endMember(input: {memberId: $id}) { member { endedAt } } }`, vars{"id": p.Actor.ID}); a.word() != yes {
					t.Fatalf("%s", a.body)
				}
			}
		}
	}
	for _, tc := range []struct {
		name    string
		who     func() (p principal, end func())
		byLogin bool
	}{
		{"an API key, by the upload's token", key, false}, {"an API key, by itself", key, true},
		{"a membership, by the upload's token", member("clinician"), false}, {"a membership, by the login", member("colleague"), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, end := tc.who()
			by := func(token string) []string {
				if tc.byLogin {
					return []string{"Authorization", "Bearer " + p.token}
				}
				return []string{"Bonfire-Upload-Token", token}
			}
			between, betweenToken := w.begin(p)
			if a := w.patch(between, 0, 10, by(betweenToken)...); a.status != http.StatusNoContent {
				t.Fatalf("before: %d %s", a.status, a.body)
			}
			within, withinToken := w.begin(p)
			send, answered := w.patching(within, by(withinToken)...)
			send(recorded[:10])
			w.eventually(`SELECT lease IS NOT NULL FROM upload WHERE id = $1`, string(within))
			end()
			send(recorded[10:20]) // what waits for it takes it, and then looks who sends
			for name, a := range map[string]answer{"the request that runs": <-answered, "the next request": w.patch(between, 10, len(recorded), by(betweenToken)...)} {
				if a.status != http.StatusUnauthorized || a.header.Get("Bonfire-Resource-Id") != "" {
					t.Errorf("%s: %d %s", name, a.status, a.body)
				}
			}
			var records int
			w.must(w.admin().QueryRow(`SELECT count(*) FROM file WHERE upload_id IN ($1, $2)`, string(between), string(within)).Scan(&records))
			if records != 0 {
				t.Errorf("%d records", records)
			}
		})
	}
}

// patch sends a part of the recording.
func (w *world) patch(id clinical.UploadID, from, to int, header ...string) answer {
	w.Helper()
	return w.send(http.MethodPatch, "/uploads/"+string(id), recorded[from:to], append(header, "Tus-Resumable", "1.0.0",
		"Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(from))...)
}

// patching is a PATCH whose body comes piece by piece, and its answer.
func (w *world) patching(id clinical.UploadID, header ...string) (send func(string), answered <-chan answer) {
	w.Helper()
	body, pieces := io.Pipe()
	ctx, stop := context.WithTimeout(w.Context(), 10*time.Second)
	w.Cleanup(stop)
	context.AfterFunc(ctx, func() { _ = pieces.Close() })
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, w.url+"/uploads/"+string(id), body)
	w.must(err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	req.Header.Set("Upload-Offset", "0")
	out := make(chan answer, 1)
	go func() {
		resp, err := client.Do(req)
		if err != nil {
			w.Errorf("no answer: %v", err)
			out <- answer{}
			return
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		out <- answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	}()
	return func(piece string) {
		w.Helper()
		_, err := pieces.Write([]byte(piece))
		w.must(err)
	}, out
}

// eventually waits until a question to the database is answered yes.
func (w *world) eventually(query string, args ...any) {
	w.Helper()
	db := w.admin()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var is bool
		w.must(db.QueryRow(query, args...).Scan(&is))
		if is {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("not in ten seconds: %s", query)
		}
	}
}
