package uploads_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
	"github.com/bonfiredb/bonfire/uploads"
)

// begin reserves an upload as createUpload does, and gives its URL and token.
func (s *server) begin(who string, length int64) (url, token string) {
	s.t.Helper()
	in := records.BeginUpload{Patient: demo.Patient, Kind: "raw", ContentType: "application/octet-stream"}
	if length >= 0 {
		in.Length = &length
	}
	b, err := s.Records.BeginUpload(s.t.Context(), s.As(who), in)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.URL + "/uploads/" + string(b.Upload.ID), b.Token
}

// by is the headers of a client that has an upload token and no login.
func by(token string, more ...string) []string {
	return append([]string{"Test-As", "", uploads.TokenHeader, token}, more...)
}

func (s *server) headWith(url string, pairs ...string) answer {
	s.t.Helper()
	h := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = pairs[i+1]
	}
	return s.do(http.MethodHead, url, nil, h)
}

// TestP4_TokenStandsForTheOwner: a login that is absent or ends in the middle
// costs an upload nothing, when it has its token.
func TestP4_TokenStandsForTheOwner(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(1000)
	u, token := s.begin("clinician", 1000)
	a := s.patch(u, 0, b[:300], by(token)...)
	s.want(a, http.StatusNoContent)
	s.wantOffset(s.headWith(u, by(token)...), 300)
	a = s.patch(u, 300, b[300:], by(token)...)
	s.wantRecord(a, b)
	if owner := s.one(`SELECT uploaded_by FROM file`); owner != string(s.As("clinician").ID) {
		t.Errorf("the record is %s's", owner)
	}

	u, token = s.begin("clinician", 10)
	s.want(s.do(http.MethodDelete, u, nil, map[string]string{"Test-As": "", uploads.TokenHeader: token}), http.StatusNoContent)
	s.wantClean()
}

// TestP4_NobodyElse: no token, another's token, another principal: nothing of
// the upload is learned, and nothing happens to it.
func TestP4_NobodyElse(t *testing.T) {
	t.Parallel()
	s := serve(t)
	u, token := s.begin("clinician", 1000)
	_, other := s.begin("clinician", 1000)
	id := u[strings.LastIndex(u, "/")+1:]
	tenant, secret, _ := strings.Cut(token, ".")
	for _, c := range []struct {
		name   string
		who    string
		token  string
		status int
	}{
		{"nobody", "", "", 401},
		{"a colleague", "colleague", "", 404},
		{"the clerk", "clerk", "", 404},
		{"an administrator", "admin", "", 404},
		{"another clinic's clinician", "outsider", "", 404},
		{"the token of another upload", "", other, 401},
		{"the owner, but with the token of another upload", "clinician", other, 401},
		{"a token of another clinic", "", "lakeside-clinic." + secret, 401},
		{"a token without clinic", "", secret, 401},
		{"a token of an unknown clinic", "", "nowhere-clinic." + secret, 401},
		{"a truncated token", "", token[:len(token)-1], 401},
		{"a token in another case", "", tenant + "." + strings.ToUpper(secret), 401},
		{"a token in SQL", "", tenant + ".' OR true --aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 401},
		{"a token of 10 kB", "", strings.Repeat("t", 10<<10), 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.on(t)
			for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete} {
				h := map[string]string{"Test-As": c.who, uploads.TokenHeader: c.token, "Upload-Offset": "0"}
				a := s.do(method, u, strings.NewReader("hello"), h)
				s.want(a, c.status)
				if (a.Header.Get("WWW-Authenticate") != "") != (c.status == 401) {
					t.Errorf("%s: WWW-Authenticate: %q", method, a.Header.Get("WWW-Authenticate"))
				}
				if a.Header.Get("Upload-Offset")+a.Header.Get("Upload-Length")+a.Header.Get("Upload-Metadata") != "" {
					t.Errorf("%s tells of the upload: %v", method, a.Header)
				}
			}
		})
	}
	if got := s.one(`SELECT state || at_offset || coalesce(lease, 0) FROM upload WHERE id = $1`, id); got != "open00" {
		t.Errorf("the upload is %s", got)
	}
}

// TestP4_StrangersDisturbNobody: who has no right to an upload does not make its
// sender let go of it.
func TestP4_StrangersDisturbNobody(t *testing.T) {
	t.Parallel()
	s := serve(t)
	u, token := s.begin("clinician", 1000)
	_, other := s.begin("clinician", 1000)
	p := s.stall(u, content(1000)[:500], by(token)...)
	s.want(s.headWith(u, by(other)...), http.StatusUnauthorized)
	s.want(s.headWith(u, "Test-As", "colleague"), http.StatusNotFound)
	s.want(s.headWith(u, "Test-As", ""), http.StatusUnauthorized)
	if wanted := s.one(`SELECT lease_wanted FROM upload WHERE id = $1`, u[strings.LastIndex(u, "/")+1:]); wanted != "false" {
		t.Error("the sender was asked to let go")
	}
	p.send(content(1000)[500:])
	a := p.end()
	s.want(a, http.StatusNoContent)
	s.wantOffset(a, 1000)
}

// TestP4_MembershipThatEnded: the token of somebody who left opens nothing once
// that has been noticed, and their upload becomes no record.
func TestP4_MembershipThatEnded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	known := s.principals()
	u, token := s.begin("clinician", 10)
	s.want(s.patch(u, 0, content(10)[:5], by(token)...), http.StatusNoContent)
	doctor := s.As("clinician")
	if err := s.Store.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		return tx.EndMember(ctx, doctor.ID)
	}); err != nil {
		t.Fatal(err)
	}
	// Within moments the bearer may still be believed; the record is decided afresh.
	if a := s.patch(u, 5, content(10)[5:], by(token)...); a.StatusCode != http.StatusUnauthorized {
		s.want(a, http.StatusNotFound)
		s.wantState(u, "failed")
	}
	if n := s.one(`SELECT count(*) FROM file`); n != "0" {
		t.Error("a record was made")
	}
	c := *s.Clinic
	c.Records = records.New(s.Records.Options) // another replica, which has not heard of them lately
	other := serveClinic(t, &c, func(o *uploads.Options) { o.Authenticate = known })
	if a := other.headWith(other.here(u), by(token)...); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("the token still opens it: %d", a.StatusCode)
	}
	s.wantNothing()
}

// TestP4_IDs: whatever stands where an upload's id belongs names nothing, and is no error of ours.
func TestP4_IDs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	_, token := s.begin("clinician", 10)
	for _, id := range []string{
		"00000000-0000-7000-8000-000000000000", "nothing", "'; DROP TABLE upload; --", "%00", "пациент", strings.Repeat("a", 10<<10),
		"..%2f..%2fgraphql", "00000000-0000-7000-8000-000000000000/parts", "NULL", "1 OR 1=1",
	} {
		u := s.URL + "/uploads/" + url.PathEscape(id)
		if strings.HasPrefix(id, "%") || strings.HasPrefix(id, "..") {
			u = s.URL + "/uploads/" + id
		}
		for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete} {
			a := s.do(method, u, nil, map[string]string{"Upload-Offset": "0"})
			if a.StatusCode != http.StatusNotFound {
				t.Errorf("%s %.40q: %d %s", method, id, a.StatusCode, a.Body)
			}
			a = s.do(method, u, nil, map[string]string{"Upload-Offset": "0", "Test-As": "", uploads.TokenHeader: token})
			if a.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s %.40q by token: %d %s", method, id, a.StatusCode, a.Body)
			}
		}
	}
}

// TestAnotherDeviceGoesOn: the same owner, signed in elsewhere, sees the
// recording and finishes it.
func TestAnotherDeviceGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(5000)
	u, token := s.begin("clinician", -1)
	s.want(s.patch(u, 0, b[:2000], by(token)...), http.StatusNoContent)
	list, err := s.Records.Uploads(t.Context(), s.As("clinician"), records.UploadQuery{
		States: []clinical.UploadState{clinical.UploadOpen, clinical.UploadReceiving}, Page: clinical.Page{First: 10},
	})
	if err != nil || len(list.Items) != 1 || list.Items[0].Offset != 2000 {
		t.Fatalf("%+v, %v", list.Items, err)
	}
	s.want(s.patch(u, 2000, b[2000:]), http.StatusNoContent) // by login
	f, err := s.Records.FinishUpload(t.Context(), s.As("clinician"), list.Items[0].ID, records.FinishUpload{DeclareLength: true})
	if err != nil || f.Size != 5000 {
		t.Fatalf("%+v, %v", f, err)
	}
	s.wantRecord(s.headWith(u, by(token)...), b)
}
