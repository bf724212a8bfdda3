package blob_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

const (
	tenant  clinical.TenantID  = "harbour"
	patient clinical.PatientID = "00000000-0000-7000-8000-000000000101"
	fileID                     = "00000000-0000-7000-8000-000000000501"
	linkID                     = "00000000-0000-7000-8000-000000000801"
	fileKey                    = "harbour/2026/03/" + fileID
)

// decide is the shipped policies' receipt for a clinician who has the patient
// on the panel, or has not.
func decide(t testing.TB, action policy.Action, panel ...clinical.PatientID) policy.Decision {
	t.Helper()
	engine, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	d, err := engine.Authorize(t.Context(), policy.Request{
		Actor: clinical.Actor{
			ID: "00000000-0000-7000-8000-000000000901", Kind: clinical.User, Tenant: tenant, Panel: panel, Clearance: 1,
			Roles: []clinical.Role{clinical.Clinician}, Session: clinical.Session{Purpose: clinical.Treatment, MFA: true},
		},
		Action: action,
		Resource: policy.Resource{
			Type: policy.File, ID: fileID, Tenant: tenant, Patient: patient, Kind: "wound-photo", Status: "current",
			ScanStatus: "skipped", Owner: "00000000-0000-7000-8000-000000000902", FHIRType: "Media", CreatedAt: time.Now(),
		},
		Now: time.Now(),
	})
	if err != nil || d.Allowed() != (len(panel) > 0) {
		t.Fatalf("allowed: %v, rule %s, %v", d.Allowed(), d.Rule(), err)
	}
	return d
}

// permitted is a request that is granted.
func permitted(t testing.TB) blob.PresignedGet {
	now := time.Now()
	return blob.PresignedGet{
		Decision: decide(t, policy.DownloadFile, patient), Document: fileID, Key: fileKey, LinkID: linkID,
		At: now, Expires: now.Add(time.Minute),
	}
}

// get is what a browser does with a URL.
func get(t testing.TB, link string, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	p, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, p
}

func presign(t testing.TB, b *blob.Bucket, g blob.PresignedGet) string {
	t.Helper()
	link, _, err := b.PresignGet(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// stored is a Bucket with one object under fileKey.
func stored(t testing.TB, p []byte, edit ...func(*blob.Config)) *blob.Bucket {
	t.Helper()
	b := open(t, edit...)
	if _, err := b.Put(t.Context(), fileKey, "application/octet-stream", body(p)); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestP4_NoURLWithoutADecision: nothing but a permit for downloading this file
// makes a URL.
func TestP4_NoURLWithoutADecision(t *testing.T) {
	t.Parallel()
	b := stored(t, noise(1, 10))
	for name, edit := range map[string]func(*blob.PresignedGet){
		"no decision":    func(g *blob.PresignedGet) { g.Decision = policy.Decision{} },
		"a denial":       func(g *blob.PresignedGet) { g.Decision = decide(t, policy.DownloadFile) },
		"another action": func(g *blob.PresignedGet) { g.Decision = decide(t, policy.ReadFile, patient) },
		"another file":   func(g *blob.PresignedGet) { g.Document = "00000000-0000-7000-8000-000000000502" },
		"no file":        func(g *blob.PresignedGet) { g.Document = "" },
		"another tenant": func(g *blob.PresignedGet) { g.Key = "hillside/2026/03/" + fileID },
		"a longer name":  func(g *blob.PresignedGet) { g.Key = "harbour-2/2026/03/" + fileID },
	} {
		g := permitted(t)
		edit(&g)
		link, _, err := b.PresignGet(t.Context(), g)
		if link != "" || !clinical.Is(err, clinical.Forbidden) {
			t.Errorf("%s: %q, %v", name, link, err)
		}
	}
}

func TestPresignedDownload(t *testing.T) {
	t.Parallel()
	p := noise(1, 1000)
	b := stored(t, p)
	g := permitted(t)
	g.ContentType, g.ContentDisposition = "image/jpeg", `attachment; filename="wound.jpg"; filename*=UTF-8''w%C3%BCnde%20%26%20x.jpg`
	before := b.Calls()
	link, expires, err := b.PresignGet(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if got := calls(b, before); len(got) != 0 {
		t.Errorf("presigning asked the store: %v", got)
	}
	if d := time.Until(expires); d > time.Minute || d < 55*time.Second {
		t.Errorf("expires in %v", d)
	}
	res, got := get(t, link)
	if res.StatusCode != http.StatusOK || !bytes.Equal(got, p) {
		t.Fatalf("%d, %d bytes", res.StatusCode, len(got))
	}
	if res.Header.Get("Content-Type") != g.ContentType || res.Header.Get("Content-Disposition") != g.ContentDisposition {
		t.Errorf("headers: %v", res.Header)
	}
	res, got = get(t, link, "Range", "bytes=100-199")
	if res.StatusCode != http.StatusPartialContent || !bytes.Equal(got, p[100:200]) {
		t.Errorf("range: %d, %d bytes", res.StatusCode, len(got))
	}
	u, _ := url.Parse(link)
	q := u.Query()
	if q.Get(blob.LinkParameter) != linkID || q.Get("X-Amz-Expires") != "60" || q.Get("X-Amz-SignedHeaders") != "host" || q.Has("X-Amz-Security-Token") {
		t.Errorf("query: %v", q)
	}
}

func TestATamperedURLIsRefused(t *testing.T) {
	t.Parallel()
	b := stored(t, noise(1, 10))
	if _, err := b.Put(t.Context(), "harbour/2026/03/other", "", body(noise(2, 10))); err != nil {
		t.Fatal(err)
	}
	link := presign(t, b, permitted(t))
	set := func(name, value string) func(*url.URL) {
		return func(u *url.URL) { q := u.Query(); q.Set(name, value); u.RawQuery = q.Encode() }
	}
	drop := func(name string) func(*url.URL) {
		return func(u *url.URL) { q := u.Query(); q.Del(name); u.RawQuery = q.Encode() }
	}
	for name, edit := range map[string]func(*url.URL){
		"another link":          set(blob.LinkParameter, "00000000-0000-7000-8000-000000000802"),
		"no link":               drop(blob.LinkParameter),
		"a second link":         func(u *url.URL) { u.RawQuery += "&" + blob.LinkParameter + "=x" },
		"a longer life":         set("X-Amz-Expires", "600"),
		"another name":          set("response-content-disposition", "inline"),
		"another signature":     set("X-Amz-Signature", strings.Repeat("0", 64)),
		"no signature":          drop("X-Amz-Signature"),
		"nothing but the key":   func(u *url.URL) { u.RawQuery = "" },
		"another object's path": func(u *url.URL) { u.Path = strings.Replace(u.Path, fileID, "other", 1) },
	} {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		edit(u)
		refused := http.StatusForbidden
		if name == "no signature" {
			refused = http.StatusBadRequest // an incomplete signature is malformed, as on AWS
		}
		if res, got := get(t, u.String()); res.StatusCode != refused {
			t.Errorf("%s: %d %s", name, res.StatusCode, got)
		}
	}
	if res, _ := get(t, link); res.StatusCode != http.StatusOK {
		t.Fatalf("untouched: %d", res.StatusCode)
	}
}

func TestAURLExpires(t *testing.T) {
	t.Parallel()
	b, g := stored(t, noise(1, 10)), permitted(t)
	g.Expires = g.At.Add(time.Second)
	link, expires, err := b.PresignGet(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(expires) + 1100*time.Millisecond) // the store counts whole seconds
	if res, _ := get(t, link); res.StatusCode != http.StatusForbidden {
		t.Fatalf("after its end: %d", res.StatusCode)
	}
}

func TestTheLifeOfAURLIsBounded(t *testing.T) {
	t.Parallel()
	b, g := open(t), permitted(t)
	for ttl, kind := range map[time.Duration]clinical.Kind{
		-time.Minute: clinical.Gone, 0: clinical.Gone, 7*24*time.Hour + 2*time.Second: clinical.Invalid,
	} {
		g.Expires = g.At.Add(ttl)
		if _, _, err := b.PresignGet(t.Context(), g); !clinical.Is(err, kind) {
			t.Errorf("%v: %v, want %s", ttl, err, kind)
		}
	}
	g.Expires, g.LinkID = g.At.Add(time.Minute), ""
	if _, _, err := b.PresignGet(t.Context(), g); !clinical.Is(err, clinical.Internal) {
		t.Errorf("without a link: %v", err)
	}
}

// What the store counts is the second of the signature and whole seconds from
// there. Whenever in a second it is signed, the URL is dead when it has to be,
// and works for as long as that allows.
func TestAURLNeverOutlivesWhatItWasIssuedFor(t *testing.T) {
	t.Parallel()
	b, g := open(t), permitted(t)
	second := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	for at := time.Duration(0); at < time.Second; at += 99 * time.Millisecond {
		for ttl := time.Duration(0); ttl < 3*time.Second; ttl += 101 * time.Millisecond {
			g.At = second.Add(at)
			g.Expires = g.At.Add(ttl)
			link, expires, err := b.PresignGet(t.Context(), g)
			if g.Expires.Sub(second) < time.Second {
				if !clinical.Is(err, clinical.Gone) {
					t.Errorf("signed %v into a second, to live %v: %q, %v", at, ttl, link, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("signed %v into a second, to live %v: %v", at, ttl, err)
			}
			if end := storeCounts(t, link); end.After(g.Expires) || g.Expires.Sub(end) >= time.Second || !end.Equal(expires) {
				t.Errorf("signed %v into a second, to live %v: works until %v, said to until %v", at, ttl, end, expires)
			}
		}
	}
}

// storeCounts is when the store stops to honour a URL.
func storeCounts(t *testing.T, link string) time.Time {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.Atoi(u.Query().Get("X-Amz-Expires"))
	if err != nil {
		t.Fatal(err)
	}
	return at.Add(time.Duration(seconds) * time.Second)
}

func TestAURLNamesThePublicEndpointAndAVersion(t *testing.T) {
	t.Parallel()
	b, g := open(t, func(c *blob.Config) { c.PublicEndpoint = "https://files.example.org" }), permitted(t)
	g.VersionID = "v1"
	u, err := url.Parse(presign(t, b, g))
	if err != nil || u.Scheme != "https" || u.Host != "files.example.org" || u.Query().Get("versionId") != "v1" {
		t.Fatalf("%v, %v", u, err)
	}
}

// A URL signed with temporary credentials dies with them.
func TestAURLDoesNotOutliveItsCredentials(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	b := open(t, func(c *blob.Config) {
		c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b", SessionToken: "token", CanExpire: true, Expires: end}, nil
		})
	})
	g := permitted(t)
	for ttl, want := range map[time.Duration]bool{time.Minute: false, 2 * time.Hour: true} {
		g.Expires = g.At.Add(ttl)
		link, expires, err := b.PresignGet(t.Context(), g)
		if err != nil || !strings.Contains(link, "X-Amz-Security-Token=token") || expires.Equal(end) != want {
			t.Errorf("%v: %v, %v", ttl, expires, err)
		}
	}
}
