package blob_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bonfiredb/bonfire/blob"
)

// What rules do to the objects below "files/", as AWS writes them down. The test
// server knows no such rules.
func TestLifecycle(t *testing.T) {
	const day = 24 * time.Hour
	rule := func(id, status, what string) string {
		return fmt.Sprintf(`<Rule><ID>%s</ID><Status>%s</Status>%s</Rule>`, id, status, what)
	}
	const all, expire = `<Filter/>`, `<Expiration><Days>30</Days></Expiration>`
	abort := func(days int) string {
		return fmt.Sprintf(`<AbortIncompleteMultipartUpload><DaysAfterInitiation>%d</DaysAfterInitiation></AbortIncompleteMultipartUpload>`, days)
	}
	for name, tc := range map[string]struct {
		status int
		body   string
		want   blob.Lifecycle
	}{
		"none":           {404, `<Error><Code>NoSuchLifecycleConfiguration</Code></Error>`, blob.Lifecycle{Known: true}},
		"not told":       {403, `<Error><Code>AccessDenied</Code></Error>`, blob.Lifecycle{}},
		"not known":      {501, `<Error><Code>NotImplemented</Code></Error>`, blob.Lifecycle{}},
		"everything":     {200, rule("a", "Enabled", all+expire), blob.Lifecycle{Known: true, Expires: []string{"a"}}},
		"ours":           {200, rule("a", "Enabled", `<Filter><Prefix>files/harbor</Prefix></Filter>`+expire), blob.Lifecycle{Known: true, Expires: []string{"a"}}},
		"an old prefix":  {200, rule("a", "Enabled", `<Prefix>fi</Prefix>`+expire), blob.Lifecycle{Known: true, Expires: []string{"a"}}},
		"by size":        {200, rule("a", "Enabled", `<Filter><And><Prefix>files/</Prefix><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></And></Filter>`+expire), blob.Lifecycle{Known: true, Expires: []string{"a"}}},
		"another prefix": {200, rule("a", "Enabled", `<Filter><Prefix>logs/</Prefix></Filter>`+expire), blob.Lifecycle{Known: true}},
		"by tag":         {200, rule("a", "Enabled", `<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>`+expire), blob.Lifecycle{Known: true}},
		"disabled":       {200, rule("a", "Disabled", all+expire), blob.Lifecycle{Known: true}},
		"marks only":     {200, rule("a", "Enabled", all+`<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`), blob.Lifecycle{Known: true}},
		"archive":        {200, rule("a", "Enabled", all+`<Transition><Days>9</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition>`), blob.Lifecycle{Known: true, Archives: []string{"a"}}},
		"colder":         {200, rule("a", "Enabled", all+`<Transition><Days>9</Days><StorageClass>GLACIER_IR</StorageClass></Transition>`), blob.Lifecycle{Known: true}},
		"aborts":         {200, rule("a", "Enabled", all+abort(9)) + rule("b", "Enabled", all+abort(8)), blob.Lifecycle{Known: true, Aborts: 8 * day}},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !r.URL.Query().Has("lifecycle") {
					t.Errorf("%s was asked for", r.URL)
				}
				body := tc.body
				if tc.status == 200 {
					body = `<LifecycleConfiguration>` + body + `</LifecycleConfiguration>`
				}
				w.WriteHeader(tc.status)
				_, _ = fmt.Fprint(w, body)
			}))
			defer s.Close()
			b, err := blob.Open(t.Context(), blob.Config{
				Bucket: "charts", Endpoint: s.URL, Region: "eu-central-1", PathStyle: true, Prefix: "files/",
				Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.Lifecycle(t.Context())
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
}
