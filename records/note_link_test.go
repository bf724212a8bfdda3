package records_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// follow answers what a gated link gives; "" and the error's kind where it gives nothing.
func (c clinic) follow(link string) (text string, err error) {
	c.t.Helper()
	to, err := c.Records.FollowLink(c.t.Context(), link[strings.LastIndex(link, "/")+1:], "test")
	if err != nil {
		return "", err
	}
	return c.fetch(to), nil
}

func (c clinic) fetch(url string) string {
	c.t.Helper()
	res, b := get(c.t, url)
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: %s", res.Status, b)
	}
	return string(b)
}

func (c clinic) noteLink(n clinical.Note, in records.SignedURL) records.SignedLink {
	c.t.Helper()
	in.Document = string(n.ID)
	l, err := c.Records.SignedURL(c.t.Context(), c.As("clinician"), in)
	c.must(err)
	return l
}

// texts counts the objects that notes have in the bucket.
func (c clinic) texts() int {
	return c.count(c.admin(), `SELECT count(*) FROM note_object WHERE gone_at IS NULL`)
}

func TestP7_ALinkServesTheTextThatWasSigned(t *testing.T) {
	c := open(t)
	const text = "S: „besser“ 日本 \r\nP: rest\n\n "
	n := c.mustSign("clinician", c.draft("clinician", func(in *records.CreateNote) { in.Draft = text; in.Title = "Müller, knee" }))
	l := c.noteLink(n, records.SignedURL{})
	if !strings.HasPrefix(l.URL, c.Env.Endpoint) || strings.Contains(l.URL, "knee") {
		t.Errorf("the URL is not the bucket's, or tells too much: %s", l.URL)
	}
	res, b := get(t, l.URL)
	sum := sha256.Sum256(b)
	if res.StatusCode != http.StatusOK || hex.EncodeToString(sum[:]) != hexOf(n.TextSHA256) || string(b) != text {
		t.Fatalf("%s: %q", res.Status, b)
	}
	if got := res.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	if got, want := res.Header.Get("Content-Disposition"), `inline; filename="note-`+string(n.ID)[32:]+`.txt"`; got != want {
		t.Errorf("Content-Disposition %q, want %q", got, want)
	}
	if got, err := c.follow(c.noteLink(n, records.SignedURL{Delivery: clinical.Gated}).URL); got != text {
		t.Errorf("gated: %q, %v", got, err)
	}
	if n := c.texts(); n != 1 {
		t.Errorf("%d copies of one version", n)
	}
	e := c.events("signedUrl")[0]
	if e.Entities[0].Type != "DocumentReference" || e.Entities[0].ID != string(n.ID) || e.Entities[0].Version != n.Version || e.Detail["linkId"] != string(l.Link.ID) {
		t.Errorf("%+v", e)
	}
}

// A link leads to the version that it was issued for: each has its own object.
func TestALinkToANoteKeepsItsVersion(t *testing.T) {
	c := open(t)
	n := c.draft("clinician", func(in *records.CreateNote) { in.Draft = "first" })
	direct, gated := c.noteLink(n, records.SignedURL{}), c.noteLink(n, records.SignedURL{Delivery: clinical.Gated})
	later, err := c.edit("clinician", n, "second")
	c.must(err)
	again := c.noteLink(later, records.SignedURL{})
	for url, want := range map[string]string{direct.URL: "first", again.URL: "second"} {
		if got := c.fetch(url); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if again.Link.Version != 2 || direct.Link.Version != 1 || direct.Link.Note != n.ID || direct.Link.File != "" {
		t.Errorf("%+v\n%+v", direct.Link, again.Link)
	}
	c.must(c.Bucket.Delete(t.Context(), c.key(n, 1)))
	if _, err := c.admin().Exec(`UPDATE note_object SET gone_at = now() WHERE version = 1`); err != nil {
		t.Fatal(err)
	}
	if got, err := c.follow(gated.URL); got != "first" { // made anew from the row
		t.Errorf("%q, %v", got, err)
	}
	empty := c.draft("clinician", func(in *records.CreateNote) { in.Draft = "" })
	if got := c.fetch(c.noteLink(empty, records.SignedURL{}).URL); got != "" {
		t.Errorf("an empty draft: %q", got)
	}
}

// key is where the text of a version is.
func (c clinic) key(n clinical.Note, version int) (key string) {
	c.t.Helper()
	c.must(c.admin().QueryRow(`SELECT object_key FROM note_object WHERE note_id = $1 AND version = $2 AND gone_at IS NULL`, string(n.ID), version).Scan(&key))
	return key
}

func TestP4_ALinkToANoteIsForItsReaders(t *testing.T) {
	c := open(t)
	n := c.mustSign("clinician", c.draft("clinician"))
	for who, kind := range map[string]clinical.Kind{
		"colleague": clinical.NotFound, "outsider": clinical.NotFound, "auditor": clinical.NotFound, "clerk": clinical.NotFound,
		"admin": clinical.NotFound, "pipeline": clinical.NotFound, "recorder": clinical.NotFound,
	} {
		_, err := c.Records.SignedURL(t.Context(), c.As(who), records.SignedURL{Document: string(n.ID)})
		if !clinical.Is(err, kind) {
			t.Errorf("%s: %v, want %s", who, err, kind)
		}
	}
	if _, err := c.Records.SignedURL(t.Context(), c.As("scribe"), records.SignedURL{Document: string(n.ID)}); err != nil {
		t.Errorf("scribe: %v", err)
	}
	denied := 0
	for _, e := range c.events("signedUrl") {
		if e.Outcome != clinical.Success {
			denied++
		}
	}
	if denied != 6 { // the outsider's is on the trail of another clinic
		t.Errorf("%d refusals on the trail", denied)
	}
	c.colleagueJoins()
	in := records.SignedURL{Document: string(n.ID), Delivery: clinical.Gated}
	l, err := c.Records.SignedURL(t.Context(), c.As("colleague"), in)
	c.must(err)
	if _, err := c.admin().Exec(`DELETE FROM panel WHERE member_id = $1`, string(c.As("colleague").ID)); err != nil {
		t.Fatal(err)
	}
	_, err = c.follow(l.URL)
	c.wantKind(err, clinical.Gone)
}

func TestLinksToANoteEnd(t *testing.T) {
	c := open(t)
	n := c.mustSign("clinician", c.draft("clinician"))
	gated := func() string { return c.noteLink(n, records.SignedURL{Delivery: clinical.Gated}).URL }
	gone := func(what, link string) {
		t.Helper()
		if got, err := c.follow(link); !clinical.Is(err, clinical.Gone) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	once := c.noteLink(n, records.SignedURL{Delivery: clinical.Gated, SingleUse: true}).URL
	if got, err := c.follow(once); got != n.Text {
		t.Fatalf("%q, %v", got, err)
	}
	gone("used", once)
	for name, in := range map[string]records.RevokeLinks{
		"note": {Note: n.ID}, "user": {Actor: c.As("clinician").ID}, "patient": {Patient: n.Patient},
	} {
		l := gated()
		in.Reason = "cause for concern"
		_, err := c.Records.RevokeLinks(t.Context(), c.As("admin"), in)
		c.must(err)
		gone("revoked by "+name, l)
	}

	// Amended, it is read as before; retracted, by no link any more.
	before := gated()
	amendment, err := c.amend("clinician", n, "")
	c.must(err)
	c.mustSign("clinician", amendment)
	if got, err := c.follow(before); got != n.Text {
		t.Errorf("amended: %q, %v", got, err)
	}
	n, err = c.Records.Note(t.Context(), c.As("clinician"), n.ID)
	c.must(err)
	direct := c.noteLink(n, records.SignedURL{})
	if _, err := c.retract("clinician", n); err != nil {
		t.Fatal(err)
	}
	gone("retracted", before)
	if live := c.count(c.admin(), `SELECT count(*) FROM link WHERE note_id = $1 AND revoked_at IS NULL`, string(n.ID)); live != 0 {
		t.Errorf("%d links to it are not revoked", live)
	}
	_, err = c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(n.ID)})
	c.wantKind(err, clinical.Gone)
	c.must(c.Records.Sweep(t.Context()))
	if res, _ := get(t, direct.URL); res.StatusCode != http.StatusNotFound {
		t.Errorf("its object: %s", res.Status)
	}
	if left := c.texts(); left != 0 {
		t.Errorf("%d copies left", left)
	}
	// The bucket's log may tell of it later.
	if r := c.ingest(c.logLine(direct.URL, "REQ1", 200)); r.Recorded != 1 {
		t.Errorf("%+v", r)
	}
	if e := c.events("download")[0]; e.Entities[0].ID != string(n.ID) || e.Entities[0].Type != "DocumentReference" || e.Entities[0].Version != n.Version {
		t.Errorf("%+v", e)
	}
}

// Many ask for the first link to a version at once: one copy stays.
func TestP3_OneCopyOfATextStays(t *testing.T) {
	d := openDamaged(t)
	n := d.draft("clinician")
	done := make(chan error)
	for range 8 {
		go func() {
			l, err := d.Records.SignedURL(t.Context(), d.As("clinician"), records.SignedURL{Document: string(n.ID)})
			if err == nil {
				if res, _ := get(t, l.URL); res.StatusCode != http.StatusOK {
					err = fmt.Errorf("fetched: %s", res.Status)
				}
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	d.must(d.Records.Sweep(t.Context()))
	objects := 0
	for _, err := range d.Bucket.List(t.Context(), string(n.Tenant)+"/") {
		d.must(err)
		objects++
	}
	if objects != 1 || d.texts() != 1 {
		t.Errorf("%d objects, %d rows", objects, d.texts())
	}
}
