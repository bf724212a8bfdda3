package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/records"
)

// TestP3_FsckTellsWhatDiffers, in words and in JSON, without a word of what the
// files are about (P10), and goes by exit codes.
func TestP3_FsckTellsWhatDiffers(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	environ := append(env.Environ(), "BONFIRE_DEV_KEY="+strings.Repeat("k", 32), "BONFIRE_ADDR=127.0.0.1:0", "BONFIRE_S3_PREFIX=files/")
	server := background(t, environ, "serve", "--dev", "--data", t.TempDir())
	url, tok := server.says(t, "Bonfire files: "), token(t, environ, "clinician")
	if r := bonfire(t.Context(), environ, strings.NewReader("A very private text"), "upload", "-", "--patient", string(demo.Patient),
		"--kind", "raw", "--title", "Private matters", "--server", url, "--token", tok); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	bucket, err := blob.Open(t.Context(), blob.Config{
		Bucket: env.Bucket, Endpoint: env.Endpoint, Region: env.Region, PathStyle: true, FullObjectCRC: true, Prefix: "files/",
		Credentials: credentials.NewStaticCredentialsProvider(env.AccessKey, env.SecretKey, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := bucket.PutScratch(t.Context(), "other/a\x1b[2J.txt", blob.BytesBody([][]byte{[]byte("x")})); err != nil {
		t.Fatal(err)
	}

	clean := bonfire(t.Context(), environ, nil, "fsck", "--deep")
	if clean.code != 0 || !strings.Contains(clean.out, "1 objects (19 B)") || !strings.Contains(clean.out, "every object holds the bytes") ||
		!strings.Contains(clean.out, `foreign-object  "other/"`) {
		t.Errorf("%+v", clean)
	}
	var key string
	for o, err := range bucket.List(t.Context(), string(demo.Harbor)+"/") {
		if err != nil {
			t.Fatal(err)
		}
		key = o.Key
	}
	if err := bucket.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}

	words := bonfire(t.Context(), environ, nil, "fsck", "--repair")
	if words.code != 1 || !strings.Contains(words.out, "row-without-object  "+key+"  File ") || !strings.Contains(words.out, "restore the object from") ||
		!strings.Contains(words.out, "1 findings are left") {
		t.Errorf("%+v", words)
	}
	lines := bonfire(t.Context(), environ, nil, "fsck", "--json", "--tenant", string(demo.Harbor))
	var finding records.Drift
	var end struct {
		Summary records.DriftReport
		Left    int
	}
	first, last, _ := strings.Cut(strings.TrimSpace(lines.out), "\n")
	if lines.code != 1 || json.Unmarshal([]byte(first), &finding) != nil || json.Unmarshal([]byte(last), &end) != nil ||
		finding.Code != records.DriftNoObject || finding.Key != key || finding.ID == "" || end.Left != 1 || end.Summary.Found[records.DriftNoObject] != 1 {
		t.Errorf("%+v: %+v, %+v", lines, finding, end)
	}
	for _, out := range []string{clean.out + clean.err, words.out + words.err, lines.out + lines.err} {
		if strings.Contains(strings.ToLower(out), "private") || strings.Contains(out, string(demo.Patient)) {
			t.Errorf("P10: %s", out)
		}
	}
	if r := bonfire(t.Context(), environ, nil, "fsck", "--tenant", "nowhere"); r.code != 2 || !strings.Contains(r.err, "there is no tenant") {
		t.Errorf("%+v", r)
	}
	if r := bonfire(t.Context(), append(environ, "BONFIRE_S3_BUCKET=nowhere"), nil, "fsck"); r.code != 2 || !strings.Contains(r.err, "could not be compared") {
		t.Errorf("%+v", r)
	}
}
