package access_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// tokenWorld is a world with an identity provider, at which the clerk has a login.
func tokenWorld(t *testing.T) (*world, *issuer) {
	t.Helper()
	i := newIssuer(t)
	w := newWorld(t, "BONFIRE_OIDC_ISSUER="+i.URL, "BONFIRE_OIDC_AUDIENCE="+audience)
	w.in(demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		return tx.UpsertMember(ctx, named("clerk").Actor, store.Login{Issuer: i.URL, Subject: "clerk-7"})
	})
	return w, i
}

// newKey makes an API key as the command line would.
func (w *world) newKey(in records.CreateKey) records.CreatedKey {
	w.Helper()
	in.Label = "x"
	k, err := w.rooms.Records.CreateKey(w.Context(), records.Operator(demo.Harbor), in)
	w.must(err)
	return k
}

func devToken(t testing.TB, key []byte, name string, expires time.Time) string {
	t.Helper()
	token, err := auth.DevToken{Name: name, Expires: expires, MFA: true}.Sign(key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// badTokens are what nobody is let in with, by what is wrong with them.
func badTokens(w *world, i *issuer) map[string]string {
	hour := time.Now().Add(time.Hour)
	der, err := x509.MarshalPKIXPublicKey(i.key.Public())
	w.must(err)
	good := devToken(w.TB, devKey, "clinician", hour)
	revoked, brief := w.newKey(records.CreateKey{Member: named("scribe").Actor.ID}), time.Now().Add(time.Hour)
	_, err = w.rooms.Records.RevokeKey(w.Context(), records.Operator(demo.Harbor), revoked.Key.ID)
	w.must(err)
	live := w.newKey(records.CreateKey{Member: named("scribe").Actor.ID, Expires: &brief})
	expired := w.newKey(records.CreateKey{Member: named("scribe").Actor.ID, Expires: &brief})
	device := w.member(chart{tenant: demo.Harbor}, clinical.Device)
	left := w.newKey(records.CreateKey{Member: device})
	_, err = w.rooms.Records.EndMember(w.Context(), records.Operator(demo.Harbor), device)
	w.must(err)
	w.expire(expired.Key.ID)
	_, uploadToken := w.begin(w.as("clinician"))
	return map[string]string{
		"expired":                   i.token(claims{"exp": time.Now().Add(-time.Minute).Unix()}),
		"expired, of development":   devToken(w.TB, devKey, "clinician", time.Now().Add(-time.Second)),
		"without an end":            i.token(claims{"exp": nil}),
		"not yet valid":             i.token(claims{"nbf": time.Now().Add(10 * time.Minute).Unix()}),
		"for another audience":      i.token(claims{"aud": "another-service"}),
		"of another issuer":         i.token(claims{"iss": "https://elsewhere.example"}),
		"of an issuer's twin":       i.token(claims{"iss": i.URL + "/"}),
		"signed by a stranger":      i.sign(jose.RS256, i.stranger, i.claims(nil)),
		"of an algorithm not taken": i.sign(jose.RS512, i.key, i.claims(nil)),
		"HMAC under the public key": i.sign(jose.HS256, der, i.claims(nil)),
		"unsigned":                  unsigned(i.claims(nil)),
		"unsigned, of development":  unsigned(claims{"iss": auth.DevIssuer, "aud": "bonfire", "sub": "admin", "exp": hour.Unix()}),
		"under another secret":      devToken(w.TB, []byte(strings.Repeat("x", 32)), "clinician", hour),
		"tampered":                  tampered(i.token(nil), "clerk-7", "admin-1"),
		"tampered, of development":  tampered(good, "clinician", "admin"),
		"cut short":                 good[:len(good)-3],
		"of nobody we know":         i.token(claims{"sub": "a stranger"}),
		"a key that was revoked":    revoked.Secret,
		"a key that has expired":    expired.Secret,
		"a key whose member left":   left.Secret,
		"a key of another clinic":   strings.Replace(live.Secret, string(demo.Harbor), string(demo.Lakeside), 1),
		"a key, cut short":          live.Secret[:len(live.Secret)-1],
		"an upload's token":         uploadToken,
		"SQL":                       "bfk_'OR'1'='1." + strings.Repeat("A", 43),
		"Unicode":                   "bfk_harbor-clinic." + strings.Repeat("é", 43),
		"10 kB":                     strings.Repeat("e", 10_000),
	}
}

// expire turns a key's clock: no verb makes one that is over already.
func (w *world) expire(id clinical.KeyID) {
	w.Helper()
	db := w.admin()
	_, err := db.ExecContext(w.Context(), `UPDATE api_key SET expires_at = now() - interval '1 second' WHERE id = $1`, string(id))
	w.must(err)
}

// recorded is the head of a recording, as a browser's recorder writes it.
const recorded = "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm0123456789"

// begin begins an upload through the API and gives its id and its token.
func (w *world) begin(p principal) (clinical.UploadID, string) {
	w.Helper()
	a := w.ask(p, `mutation($id: ID!, $size: Long!) { createUpload(input: {patientId: $id, kind: "session-audio", contentType: "audio/webm", size: $size}) {
		upload { id } tus { headers { value } } } }`, vars{"id": charts(p.Name)[onPanel].patient, "size": len(recorded)})
	var out struct {
		Upload struct{ ID clinical.UploadID }
		Tus    struct{ Headers []struct{ Value string } }
	}
	w.must(json.Unmarshal(a.Data["createUpload"], &out))
	return out.Upload.ID, out.Tus.Headers[0].Value
}

// P4: a token that is not good is told nothing but that: at every edge, with the
// same words whatever is wrong with it.
func TestP4_BadTokensOpenNothing(t *testing.T) {
	w, i := tokenWorld(t)
	upload, _ := w.begin(w.as("clinician"))
	edges := map[string]func(authorization string) answer{
		"GraphQL": func(authorization string) answer {
			return w.send(http.MethodPost, "/graphql", `{"query":"{ viewer { id } }"}`, "Content-Type", "application/json", "Authorization", authorization)
		},
		"tus POST": func(authorization string) answer {
			return w.send(http.MethodPost, "/uploads/", "", "Tus-Resumable", "1.0.0", "Authorization", authorization, "Upload-Length", "5",
				"Upload-Metadata", metadata("patientId", string(demo.Patient), "kind", "raw", "filetype", "application/octet-stream"))
		},
		"tus HEAD": func(authorization string) answer {
			return w.send(http.MethodHead, "/uploads/"+string(upload), "", "Tus-Resumable", "1.0.0", "Authorization", authorization)
		},
		"tus PATCH": func(authorization string) answer {
			return w.send(http.MethodPatch, "/uploads/"+string(upload), "hello", "Tus-Resumable", "1.0.0", "Authorization", authorization,
				"Content-Type", "application/offset+octet-stream", "Upload-Offset", "0")
		},
		"tus DELETE": func(authorization string) answer {
			return w.send(http.MethodDelete, "/uploads/"+string(upload), "", "Tus-Resumable", "1.0.0", "Authorization", authorization)
		},
	}
	for _, token := range []string{i.token(nil), w.as("clinician").token, w.newKey(records.CreateKey{Member: named("scribe").Actor.ID}).Secret} {
		if a := edges["GraphQL"]("Bearer " + token); a.word() != yes {
			t.Fatalf("a good token: %d %s", a.status, a.body)
		}
	}
	first := map[string]string{}
	for name, token := range badTokens(w, i) {
		for edge, ask := range edges {
			a := ask("Bearer " + token)
			if a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s, %s: %d %v %.200s", edge, name, a.status, a.header, a.body)
			}
			if was, ok := first[edge]; ok && was != a.look() {
				t.Errorf("%s: %q is told more than others:\n%s\n%s", edge, name, a.look(), was)
			}
			first[edge] = a.look()
		}
	}
}

// The token of one upload is good for that upload and for nothing else.
func TestP4_UploadTokenIsForItsUpload(t *testing.T) {
	w := newWorld(t)
	one, token := w.begin(w.as("clinician"))
	two, _ := w.begin(w.as("clinician"))
	others, _ := w.begin(w.as("colleague"))
	abroad, abroadToken := w.begin(w.as("outsider"))
	try := func(method, id, token string) answer {
		header := []string{"Tus-Resumable", "1.0.0", "Bonfire-Upload-Token", token}
		if method == http.MethodPatch {
			header = append(header, "Content-Type", "application/offset+octet-stream", "Upload-Offset", "0")
		}
		return w.send(method, "/uploads/"+id, "", header...)
	}
	nasty := []string{"nothing", "'; DROP TABLE upload; --", "é中\u202e", strings.Repeat("x", 10_000), string(fresh[clinical.UploadID]())}
	for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete} {
		var looks []string
		for name, c := range map[string][2]string{
			"another of the same owner":   {string(two), token},
			"another's":                   {string(others), token},
			"another clinic's":            {string(abroad), token},
			"another clinic's token":      {string(one), abroadToken},
			"tampered":                    {string(one), token[:len(token)-1] + "_"},
			"cut short":                   {string(one), token[:len(token)-1]},
			"a bearer token":              {string(one), w.as("clinician").token},
			"another tenant in the token": {string(one), strings.Replace(token, string(demo.Harbor), string(demo.Lakeside), 1)},
			"SQL in the token":            {string(one), "harbor-clinic.'OR'1'='1" + strings.Repeat("A", 32)},
			"10 kB of token":              {string(one), "harbor-clinic." + strings.Repeat("A", 10_000)},
		} {
			a := try(method, c[0], c[1])
			if a.status != http.StatusUnauthorized {
				t.Errorf("%s, %s: %d %s", method, name, a.status, a.body)
			}
			looks = append(looks, a.look())
		}
		for _, id := range nasty {
			a := try(method, url.PathEscape(id), token)
			if a.status != http.StatusUnauthorized {
				t.Errorf("%s /uploads/%.40q: %d %s", method, id, a.status, a.body)
			}
			looks = append(looks, a.look())
		}
		for _, look := range looks {
			if look != looks[0] {
				t.Errorf("%s: one is told more than others:\n%s\n%s", method, look, looks[0])
			}
		}
	}
	if a := try(http.MethodHead, string(one), token); a.status != http.StatusOK {
		t.Errorf("its own: %d %s", a.status, a.body)
	}
	if a := try(http.MethodDelete, string(one), token); a.status != http.StatusNoContent {
		t.Errorf("its own: %d %s", a.status, a.body)
	}
}

// A cursor is its reader's, and that list's.
func TestP4_CursorIsItsReadersOwn(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.file(w.as("clinician"), chart{demo.Harbor, demo.Patient}, "intake-form", false)
	}
	const list = `query($id: ID!, $after: String) { files(patientId: $id, first: 1, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }`
	page := func(who string, patient clinical.PatientID, after any) answer {
		return w.ask(w.as(who), list, vars{"id": patient, "after": after})
	}
	var files struct{ PageInfo struct{ EndCursor string } }
	w.must(json.Unmarshal(page("clinician", demo.Patient, nil).Data["files"], &files))
	cursor := files.PageInfo.EndCursor
	if a := page("clinician", demo.Patient, cursor); a.word() != yes {
		t.Fatalf("one's own: %s", a.body)
	}
	var looks []string
	for name, a := range map[string]answer{
		"another reader":       page("clerk", demo.Patient, cursor),
		"an administrator":     page("admin", demo.Patient, cursor),
		"another patient":      page("clinician", demo.SecondPatient, cursor),
		"tampered":             page("clinician", demo.Patient, cursor[:5]+"AA"+cursor[7:]),
		"cut short":            page("clinician", demo.Patient, cursor[:10]),
		"SQL":                  page("clinician", demo.Patient, "'; DROP TABLE file; --"),
		"Unicode":              page("clinician", demo.Patient, "é中\u202e"),
		"10 kB":                page("clinician", demo.Patient, strings.Repeat("A", 10_000)),
		"another list's":       w.ask(w.as("clinician"), `query($after: String) { patients(first: 1, after: $after) { nodes { id } } }`, vars{"after": cursor}),
		"another list's, mine": w.ask(w.as("clinician"), `query($after: String) { uploads(first: 1, after: $after) { nodes { id } } }`, vars{"after": cursor}),
	} {
		if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "BAD_USER_INPUT" || a.Errors[0].Extensions.Field != "after" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
			continue
		}
		looks = append(looks, a.Errors[0].Message)
	}
	for _, words := range looks {
		if words != looks[0] {
			t.Errorf("told more: %q", words)
		}
	}
	if a := page("outsider", demo.Patient, cursor); a.word() != hidden {
		t.Errorf("another clinic's reader: %s", a.body)
	}
}

// Whatever is sent for an id is answered like an id that names nothing.
func TestP4_NastyIDs(t *testing.T) {
	w := newWorld(t)
	nasty := map[string]string{
		"empty": "", "SQL": "00000000-0000-7000-8000-000000000101' OR '1'='1", "more SQL": "'; DROP TABLE patient; --", "upper case": "00000000-0000-7000-8000-00000000010A",
		"braces": "{00000000-0000-7000-8000-000000000101}", "Unicode": "０0000000-0000-7000-8000-000000000101", "right to left": "\u202e101", "a zero byte": "a\x00b",
		"a path": "../../patient/101", "10 kB": strings.Repeat("0", 10_000), "10 kB of Unicode": strings.Repeat("中", 3_400),
	}
	for _, text := range []string{
		`query($id: ID!) { patient(id: $id) { id } }`, `query($id: ID!) { file(id: $id) { id } }`, `query($id: ID!) { note(id: $id) { id } }`,
		`query($id: ID!) { upload(id: $id) { id } }`, `query($id: ID!) { node(id: $id) { id } }`,
		`query($id: ID!) { files(patientId: $id) { nodes { id } } }`, `query($id: ID!) { notes(patientId: $id) { nodes { id } } }`,
		`mutation($id: ID!) { signedUrl(documentId: $id) { linkId } }`,
		`mutation($id: ID!) { revokeLinks(input: {patientId: $id, reason: "sent astray"}) { revoked } }`,
		`mutation($id: ID!) { createUpload(input: {patientId: $id, kind: "raw", contentType: "a/b", size: 5}) { upload { id } } }`,
		`mutation($id: ID!) { finishUpload(input: {uploadId: $id}) { file { id } } }`,
		`mutation($id: ID!) { openEncounter(input: {patientId: $id}) { encounter { id } } }`,
		`mutation($id: ID!) { createNote(input: {patientId: $id, draft: "x"}) { note { id } } }`,
		`mutation($id: ID!) { breakGlass(input: {patientId: $id, reason: "collapsed in the waiting room"}) { grantId } }`,
		`mutation($id: ID!) { setLegalHold(input: {fileId: $id, hold: true, reason: "a claim"}) { file { id } } }`,
	} {
		missing := w.ask(w.as("clinician"), text, vars{"id": fresh[string]()})
		for name, id := range nasty {
			if strings.Contains(text, "revokeLinks") && id == "" { // it would name no links at all
				continue
			}
			if a := w.ask(w.as("clinician"), text, vars{"id": id}); a.look() != missing.look() {
				t.Errorf("%s in %.60s:\n%.300s\n%.300s", name, text, a.look(), missing.look())
			}
		}
	}
	for _, path := range []string{"/uploads/", "/links/"} {
		method := map[string]string{"/uploads/": http.MethodHead, "/links/": http.MethodGet}[path]
		missing := w.tus(w.as("clinician"), method, path+fresh[string]())
		for name, id := range nasty {
			if id == "" || strings.Contains(id, "/") { // another path
				continue
			}
			if a := w.tus(w.as("clinician"), method, path+url.PathEscape(id)); a.look() != missing.look() {
				t.Errorf("%s in %s:\n%.300s\n%.300s", name, path, a.look(), missing.look())
			}
		}
	}
}
