package records_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// logLine is a line of the bucket's access log for a GET of that URL.
func (c clinic) logLine(link, request string, status int, change ...string) string {
	c.t.Helper()
	u, err := url.Parse(link)
	c.must(err)
	key := strings.TrimPrefix(u.Path, "/"+c.Env.Bucket+"/")
	line := fmt.Sprintf(`79a59df900b949e5 %s [06/Feb/2027:00:00:38 +0000] 192.0.2.3 - %s REST.GET.OBJECT %s "GET %s HTTP/1.1" %d - 74 74 70 10 "-" "Mozilla/5.0 (X11; \" Linux) x" - `+
		`s9lzHYrFp76ZVxRcpX9= SigV4 ECDHE-RSA-AES128-GCM-SHA256 QueryString b.s3.us-west-1.amazonaws.com TLSV1.2 - - us-east-1`,
		c.Env.Bucket, request, key, u.RequestURI(), status)
	line = strings.Replace(line, " - "+request, " arn:aws:iam::123456789012:user/bonfire "+request, 1)
	return strings.NewReplacer(change...).Replace(line) + "\n"
}

func (c clinic) ingest(log string) records.AccessLogReport {
	c.t.Helper()
	report, err := c.Records.IngestAccessLog(c.t.Context(), strings.NewReader(log))
	c.must(err)
	return report
}

// The bucket's log says what a signed URL does not: who really fetched. Each of
// its lines is one event, however often it is read; what is no download of ours
// is counted (P5).
func TestP5_AccessLogTellsOfRealDownloads(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	f, g := c.upload("clinician", intake(), pdf), c.upload("clinician", intake(), pdf)
	l, err := c.Records.SignedURL(ctx, c.As("clinician"), records.SignedURL{Document: string(f.ID)})
	c.must(err)
	other, err := c.Records.SignedURL(ctx, c.As("clinician"), records.SignedURL{Document: string(g.ID)})
	c.must(err)
	once := c.logLine(l.URL, "REQ1", 200)
	log := strings.Join([]string{
		once,
		once,
		c.logLine(l.URL, "REQ2", 206),
		c.logLine(l.URL, "REQ3", 403),
		c.logLine(l.URL, "REQ4", 200, "REST.GET.OBJECT", "REST.HEAD.OBJECT"),
		c.logLine(l.URL, "REQ5", 200, c.Env.Bucket+" [", "another [" /* bucket */),
		c.logLine(l.URL, "REQ6", 200, "x-bonfire-link", "x-other-link"),
		c.logLine(l.URL, "REQ7", 200, "QueryString", "AuthHeader"),
		c.logLine(l.URL, "REQ8", 200, string(l.Link.ID), nobody),
		c.logLine(l.URL, "REQ9", 200, string(l.Link.ID), string(other.Link.ID)),
		c.logLine(l.URL, "REQA", 200, string(demo.Harbor), string(demo.Lakeside)),
		c.logLine(l.URL, "REQB", 200, "[06/Feb", "[46/Feb"),
		"rubbish\n", "\n", strings.Repeat("x", 200_000) + "\n", "\x00\xff\n",
		`79a59df900b949e5 b [06/Feb/2027:00:00:38 +0000] - svc:s3.amazonaws.com R S3.EXPIRE.OBJECT k "-" - - - 5 - - "-" "-" - - - - - - - - -` + "\n",
	}, "")
	got := c.ingest(log)
	want := records.AccessLogReport{Lines: 17, Recorded: 2, Known: 1, Other: 5, Refused: 1, Unknown: 3, Malformed: 5, Odd: got.Odd}
	if !reflect.DeepEqual(got, want) || len(got.Odd) != 8 || got.Odd[0] != 9 {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	events := c.events("download")
	if len(events) != 2 {
		t.Fatalf("%d events: %+v", len(events), events)
	}
	e := events[0]
	clinician := c.As("clinician")
	if e.Actor != clinician.ID || e.ActorKind != clinical.User || e.Purpose != clinical.Treatment || e.Patient != demo.Patient || e.RequestID != "REQ1" ||
		e.Action != clinical.AuditRead || e.Subtype != "disclose" || e.Outcome != clinical.Success || e.Detail["linkId"] != string(l.Link.ID) ||
		e.Detail["fetchedAt"] != "2027-02-06T00:00:38Z" || e.Detail["bytes"] != "74" || e.Entities[0].ID != string(f.ID) || e.Entities[0].Version != 1 {
		t.Errorf("%+v", e)
	}
	if strings.Contains(fmt.Sprint(events), "192.0.2.3") {
		t.Error("the address is in the trail")
	}
	if again := c.ingest(log); again.Recorded != 0 || again.Known != 3 || len(c.events("download")) != 2 {
		t.Errorf("read again: %+v", again)
	}
	var verbs []string
	for _, e := range c.report(demo.Patient) {
		verbs = append(verbs, e.Verb)
	}
	if got := strings.Join(verbs[len(verbs)-2:], " "); got != "download download" {
		t.Errorf("the report ends with %s", got)
	}
}

// Whoever requests an object writes part of its line. None of that can make a
// refused request look like a download.
func TestAccessLogCannotBeForgedByARequest(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	l, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(f.ID)})
	c.must(err)
	for name, change := range map[string][]string{
		"a quote in the target":     {`x-bonfire-link=`, `q="%20HTTP/1.1"%20200%20-%2074&x-bonfire-link=`},
		"a bare quote":              {`x-bonfire-link=`, `q="200&x-bonfire-link=`},
		"an agent with a status":    {`Mozilla/5.0`, `x" 200 - 74 "`},
		"an agent with a signature": {`Mozilla/5.0`, `x" - h= SigV4 C QueryString h "`},
	} {
		got := c.ingest(c.logLine(l.URL, "FORGED", 403, append(change, "QueryString", "-")...))
		if got.Recorded != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		got = c.ingest(c.logLine(l.URL, "FORGED", 200, append(change, "QueryString", "-")...)) // a bucket that anybody reads
		if got.Recorded != 0 {
			t.Errorf("%s, unsigned: %+v", name, got)
		}
	}
}
