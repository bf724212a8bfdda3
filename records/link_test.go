package records_test

import (
	"bytes"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

func TestP7_SignedURLServesTheBucketsOwnBytes(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	l, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(f.ID)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(l.URL, c.Env.Endpoint) {
		t.Errorf("the URL is not the bucket's: %s", l.URL)
	}
	res, b := get(t, l.URL)
	if res.StatusCode != http.StatusOK || !bytes.Equal(b, pdf) {
		t.Fatalf("got %s and %d bytes", res.Status, len(b))
	}
	if got := res.Header.Get("Content-Type"); got != "application/pdf" {
		t.Errorf("Content-Type %q", got)
	}
	want := `inline; filename="intake-form-` + string(f.ID)[32:] + `.pdf"`
	if got := res.Header.Get("Content-Disposition"); got != want {
		t.Errorf("Content-Disposition %q, want %q", got, want)
	}
}

func TestSignedURLIsRefusedByTheBucketWhenItShouldBe(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	l, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(f.ID), TTL: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(l.URL)
	if err != nil {
		t.Fatal(err)
	}
	altered := func(key, value string) string {
		q := u.Query()
		if value == "" {
			q.Del(key)
		} else {
			q.Set(key, value)
		}
		v := *u
		v.RawQuery = q.Encode()
		return v.String()
	}
	bare := *u
	bare.RawQuery = ""
	for name, link := range map[string]string{
		"unsigned":          bare.String(),
		"another link id":   altered("x-bonfire-link", "00000000-0000-7000-8000-000000000999"),
		"no link id":        altered("x-bonfire-link", ""),
		"a longer life":     altered("X-Amz-Expires", "900"),
		"another signature": altered("X-Amz-Signature", strings.Repeat("0", 64)),
		"another file":      strings.Replace(l.URL, string(f.ID)[30:], "ffffff", 1),
	} {
		if res, _ := get(t, link); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
	time.Sleep(time.Until(l.Link.ExpiresAt) + 1100*time.Millisecond)
	if res, _ := get(t, l.URL); res.StatusCode != http.StatusForbidden {
		t.Errorf("expired: %s", res.Status)
	}
}

func TestP5_NoAuditRowNoURL(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	admin, err := sql.Open("pgx", c.Env.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if _, err := admin.Exec(`ALTER TABLE audit_event ADD CONSTRAINT full_disk CHECK (verb <> 'signedUrl')`); err != nil {
		t.Fatal(err)
	}
	l, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(f.ID)})
	c.wantKind(err, clinical.Internal)
	if l.URL != "" {
		t.Fatal("a URL without its audit event")
	}
	var links int
	if err := admin.QueryRow(`SELECT count(*) FROM link`).Scan(&links); err != nil || links != 0 {
		t.Fatalf("%d links were left behind (%v)", links, err)
	}
}

func TestP5_IssueAndRefusalOfALinkEachHaveTheirEvent(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	in := records.SignedURL{Document: string(f.ID)}
	l, err := c.Records.SignedURL(t.Context(), c.As("clinician"), in)
	if err != nil {
		t.Fatal(err)
	}
	for who, kind := range map[string]clinical.Kind{
		"colleague": clinical.NotFound, "outsider": clinical.NotFound, "admin": clinical.Forbidden, "auditor": clinical.NotFound,
	} {
		_, err := c.Records.SignedURL(t.Context(), c.As(who), in)
		if !clinical.Is(err, kind) {
			t.Errorf("%s: got %v, want %s", who, err, kind)
		}
	}
	events := c.events("signedUrl")
	if len(events) != 4 { // the outsider's refusal stands in the other clinic's trail
		t.Fatalf("%d events, want 4", len(events))
	}
	if e := events[0]; e.ID != l.Audit || e.Outcome != clinical.Success || e.Detail["linkId"] != string(l.Link.ID) || e.Patient != f.Patient {
		t.Errorf("the issue: %+v", e)
	}
	for _, e := range events[1:] {
		if e.Outcome != clinical.MinorFailure || e.Rule == "" || e.Patient != f.Patient {
			t.Errorf("a refusal: %+v", e)
		}
	}
}

func TestLinkLivesAsLongAsTheCeilingAllows(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	for ttl, want := range map[time.Duration]time.Duration{0: 300 * time.Second, time.Minute: time.Minute, time.Hour: 900 * time.Second} {
		l, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(f.ID), TTL: ttl})
		if err != nil {
			t.Fatal(err)
		}
		// It ends on a full second, as the bucket counts, so up to one is lost.
		if got := l.Link.ExpiresAt.Sub(l.Link.IssuedAt); got > want || got <= want-time.Second {
			t.Errorf("asked for %s: lives %s, want %s", ttl, got, want)
		}
	}
	for _, ttl := range []time.Duration{-1, time.Second - 1} {
		_, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(f.ID), TTL: ttl})
		c.wantKind(err, clinical.Invalid)
	}
}

// Each look at this clock finds it most of a second later, so that two looks in
// one call fall into different seconds again and again.
func hurried(start time.Time) func() time.Time {
	var looks atomic.Int64
	return func() time.Time { return start.Add(time.Duration(looks.Add(1)) * 930 * time.Millisecond) }
}

// The bucket counts whole seconds from the one in the signature. What it honours
// ends with the link's row, and not a moment later.
func TestP4_AURLNeverOutlivesTheRowOfItsLink(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	c.Records.Now = hurried(time.Now())
	owner, err := sql.Open("pgx", c.Env.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close() }()
	for range 20 {
		direct, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(f.ID), TTL: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		var row time.Time
		if err := owner.QueryRow(`SELECT expires_at FROM link WHERE id = $1`, string(direct.Link.ID)).Scan(&row); err != nil {
			t.Fatal(err)
		}
		if end := honouredUntil(t, direct.URL); !end.Equal(row) || !end.Equal(direct.Link.ExpiresAt) {
			t.Errorf("the bucket honours it until %v, its row ends at %v, its holder was told %v", end, row, direct.Link.ExpiresAt)
		}
		gated, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{
			Document: string(f.ID), TTL: 3 * time.Second, Delivery: clinical.Gated,
		})
		if err != nil {
			t.Fatal(err)
		}
		for fetches := 0; ; fetches++ {
			to, err := c.Records.FollowLink(t.Context(), tokenIn(gated), "")
			if clinical.Is(err, clinical.Gone) && fetches > 0 {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if end := honouredUntil(t, to); end.After(gated.Link.ExpiresAt) {
				t.Errorf("the bucket honours it until %v, its row ends at %v", end, gated.Link.ExpiresAt)
			}
		}
	}
}

func honouredUntil(t *testing.T, link string) time.Time {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	signed, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	life, err2 := time.ParseDuration(q.Get("X-Amz-Expires") + "s")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return signed.Add(life)
}

func TestGatedLinkIsCheckedAtEveryFetch(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	issue := func(single bool) records.SignedLink {
		l, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{
			Document: string(f.ID), Delivery: clinical.Gated, SingleUse: single,
		})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	token := func(l records.SignedLink) string { return l.URL[strings.LastIndex(l.URL, "/")+1:] }
	once, often := issue(true), issue(false)
	to, err := c.Records.FollowLink(t.Context(), token(once), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, b := get(t, to); !bytes.Equal(b, pdf) {
		t.Fatal("other bytes")
	}
	_, err = c.Records.FollowLink(t.Context(), token(once), "")
	c.wantKind(err, clinical.Gone)
	for range 2 {
		if _, err = c.Records.FollowLink(t.Context(), token(often), ""); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := c.Records.RevokeLinks(t.Context(), c.As("clinician"), records.RevokeLinks{Link: often.Link.ID, Reason: "wrong patient"})
	if err != nil || len(gone) != 1 {
		t.Fatalf("revoked %d: %v", len(gone), err)
	}
	_, err = c.Records.FollowLink(t.Context(), token(often), "")
	c.wantKind(err, clinical.Gone)
	_, err = c.Records.FollowLink(t.Context(), "harbor-clinic."+strings.Repeat("A", 43), "")
	c.wantKind(err, clinical.NotFound)
	if n := len(c.events("followLink")); n != 5 {
		t.Errorf("%d events of fetches, want 5: three fetched and two refused", n)
	}
}
