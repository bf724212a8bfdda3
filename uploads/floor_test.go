package uploads_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/records"
)

// TestFloorOfS3Calls: no request asks S3 for more than it must.
func TestFloorOfS3Calls(t *testing.T) {
	t.Parallel()
	s := serve(t, clinictest.Setup{Records: func(o *records.Options) {
		o.Kinds = clinical.DefaultKinds()
		for i := range o.Kinds {
			o.Kinds[i].MaxSize = 5 << 30 // parts of 8 MiB where the length is not known
		}
	}})
	want := func(what string, do func(), calls map[string]int64) {
		t.Helper()
		if got := s.calls(do); !maps.Equal(got, calls) {
			t.Errorf("%s: %v, want %v", what, got, calls)
		}
	}
	none, put := map[string]int64{}, map[string]int64{"PutObject": 1}
	for _, size := range []int{0, 1, 100 << 10, 300 << 10, 5 * mib, 8 * mib} {
		b := content(size)
		want(fmt.Sprintf("a whole file of %d bytes, from creation to record", size), func() {
			u := s.create(int64(size), raw)
			a := s.head(u)
			if size > 0 {
				a = s.patch(u, 0, b)
				s.want(a, http.StatusNoContent)
			}
			s.wantOffset(a, int64(size))
			s.wantOffset(s.head(u), int64(size))
		}, put)
	}
	for _, length := range []int64{100 * mib, -1} {
		var u string
		want("create", func() { u = s.create(length, raw) }, none)
		want("HEAD of nothing", func() { s.head(u) }, none)
		at := 0
		send := func(n int) func() {
			return func() {
				s.want(s.patch(u, int64(at), content(n)), http.StatusNoContent)
				at += n
			}
		}
		want("PATCH of 16 KiB", send(16<<10), none)
		want("PATCH of a byte less than 256 KiB", send(256<<10-1), none)
		want("HEAD of tails", func() { s.head(u) }, none)
		want("PATCH of 1 MiB", send(mib), put)
		want("PATCH of 3 MiB", send(3*mib), put)
		// The tails are taken up: scratch objects are remembered, and deleted in the background.
		got := s.calls(send(2 * mib))
		delete(got, "DeleteObjects")
		if !maps.Equal(got, map[string]int64{"CreateMultipartUpload": 1, "UploadPart": 1}) {
			t.Errorf("the PATCH that completes the first part: %v", got)
		}
		s.waitForDeletes()
		want("PATCH of one part", send(8*mib), map[string]int64{"UploadPart": 1})
		want("PATCH of three parts", send(24*mib), map[string]int64{"UploadPart": 3})
		want("PATCH of a small part", send(5*mib), map[string]int64{"UploadPart": 1})
		want("HEAD of parts", func() { s.head(u) }, none)
		want("the last PATCH of a deferred length", func() {
			s.want(s.patch(u, int64(at), content(100), "Upload-Length", strconv.Itoa(at+100)), pick(length < 0, 204, 400))
		}, pickMap(length < 0, map[string]int64{"UploadPart": 1, "CompleteMultipartUpload": 1}, none))
	}
}

func pick(c bool, a, b int) int {
	if c {
		return a
	}
	return b
}

func pickMap(c bool, a, b map[string]int64) map[string]int64 {
	if c {
		return a
	}
	return b
}

// waitForDeletes waits until scratch objects that were taken up are gone.
func (s *server) waitForDeletes() {
	s.t.Helper()
	eventually(s.t, "scratch objects to be deleted", func() bool {
		return s.one(`SELECT count(*) FROM blob_garbage WHERE multipart = ''`) == "0"
	})
}

// TestLiveSpeechMovesItsBytesOnce: an hour of 64 kbit/s speech, as a recorder
// sends it, moves at most 5 % more bytes to S3 than it has.
func TestLiveSpeechMovesItsBytesOnce(t *testing.T) {
	t.Parallel()
	env := clinictest.Env(t)
	proxy, err := faultproxy.NewS3(env.Endpoint, new(faultproxy.Script).Judge)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	s := serve(t, clinictest.Setup{Env: env, Blob: func(c *blob.Config) { c.PublicEndpoint, c.Endpoint = c.Endpoint, proxy.URL }})
	const hour = 60 * 60 * 8000
	b := content(hour)
	u, token := s.begin("clinician", -1)
	calls := map[string]int64{}
	r := rand.New(rand.NewPCG(1, 2))
	for at := 0; at < hour; {
		n := min(16<<10+r.IntN(48<<10), hour-at)
		var more []string
		if at+n == hour {
			more = []string{"Upload-Length", strconv.Itoa(hour)}
		}
		for op, k := range s.calls(func() {
			a := s.patch(u, int64(at), b[at:at+n], by(token, more...)...)
			s.want(a, http.StatusNoContent)
			at += n
			if at == hour {
				s.wantRecord(a, b)
			}
		}) {
			calls[op] += k
		}
	}
	if moved := float64(proxy.Received()) / hour; moved < 1 || moved > 1.05 {
		t.Errorf("S3 was sent %.3f times the bytes", moved)
	}
	t.Logf("S3 was sent %.4f times the bytes, in %v", float64(proxy.Received())/hour, calls)
	s.wantClean()
}
