package access_test

import (
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"
)

// BenchmarkHiddenAndMissing holds the time that it takes to be refused what is
// hidden against the time for what does not exist, over HTTP at every door:
//
//	go test ./internal/access -run '^$' -bench HiddenAndMissing -benchtime 1000x
//
// A pair is asked for by the same principal, one after the other, in an order
// that is drawn, and never the same id twice. ratio is that of the medians. auc is how often
// the answer to what is hidden was the slower one of any two (Mann and Whitney's
// U over the number of pairs): 0.5 for a caller who can only guess. z is how
// many standard errors U is from that: within 2 for 95 of 100 runs if the time
// says nothing. Nothing is judged here: it is the reader's to say, with the load
// of the machine in mind.
func BenchmarkHiddenAndMissing(b *testing.B) {
	for _, door := range doors() {
		b.Run(door.name, func(b *testing.B) {
			w := newWorld(b)
			at := charts("colleague")
			hidden, missing := make([]func() answer, b.N), make([]func() answer, b.N)
			for i := range b.N {
				hidden[i], missing[i] = door.ask(w, at[offPanel]), door.ask(w, at[nowhere])
			}
			var slow, fast []time.Duration
			b.ResetTimer()
			for i := range b.N {
				pair := []func(){
					func() { slow = append(slow, w.refused(hidden[i])) }, func() { fast = append(fast, w.refused(missing[i])) },
				}
				first := rand.IntN(2)
				pair[first]()
				pair[1-first]()
			}
			b.StopTimer()
			auc, z := mannWhitney(slow, fast)
			b.ReportMetric(float64(middle(slow).Microseconds()), "µs_hidden")
			b.ReportMetric(float64(middle(fast).Microseconds()), "µs_missing")
			b.ReportMetric(float64(middle(slow))/float64(middle(fast)), "ratio")
			b.ReportMetric(auc, "auc")
			b.ReportMetric(z, "z")
		})
	}
}

// door is a way to ask for something; ask prepares one question about a fresh
// thing in the chart, which the colleague may not know of.
type door struct {
	name string
	ask  func(w *world, at chart) func() answer
}

func doors() []door {
	file := func(send func(w *world, p principal, id string) answer) func(*world, chart) func() answer {
		return func(w *world, at chart) func() answer {
			p := w.as("colleague")
			id := string(w.file(p, at, "wound-photo", false))
			return func() answer { return send(w, p, id) }
		}
	}
	return []door{
		{"file", file(func(w *world, p principal, id string) answer {
			return w.ask(p, `query($id: ID!) { file(id: $id) { id } }`, vars{"id": id})
		})},
		{"signedUrl", file(func(w *world, p principal, id string) answer {
			return w.ask(p, `mutation($id: ID!) { signedUrl(documentId: $id) { url } }`, vars{"id": id})
		})},
		{"tus_HEAD", func(w *world, at chart) func() answer {
			p := w.as("colleague")
			id := string(w.upload(p, at, false))
			return func() answer { return w.tus(p, http.MethodHead, "/uploads/"+id) }
		}},
		{"FHIR_read", file(func(w *world, p principal, id string) answer { return w.fhirGet(p, "Media/"+id) })},
		{"FHIR_search", func(w *world, at chart) func() answer {
			p := w.as("colleague")
			id := string(w.file(p, at, "wound-photo", false))
			return func() answer { return w.fhirGet(p, "Media?patient="+string(at.patient)+"&_id="+id) }
		}},
		// Who holds the secret of a link may know of it. Whether a clinic exists is nobody's to find out by guessing.
		{"gated_link", func(w *world, at chart) func() answer {
			clinic := "harbor-clinic."
			if !at.exists() {
				clinic = "murmur-clinic."
			}
			secret := (fresh[string]() + fresh[string]())[:43]
			return func() answer { return w.send(http.MethodGet, "/links/"+clinic+secret, "") }
		}},
	}
}

// refused is how long it took to be told of nothing.
func (w *world) refused(ask func() answer) time.Duration {
	w.Helper()
	a := ask()
	if word := a.listed(`"entry"`, empty).word(); word != hidden && word != empty {
		w.Fatalf("%s: %s", word, a.body)
	}
	return a.took
}

func middle(d []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(d))[len(d)/2]
}

// mannWhitney is U over the number of pairs, ties counted half, and its distance
// from one half in standard errors (the normal approximation).
func mannWhitney(a, b []time.Duration) (auc, z float64) {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	u := 0.0
	for _, x := range a {
		below, _ := slices.BinarySearch(b, x)
		upTo, _ := slices.BinarySearch(b, x+1)
		u += float64(below) + float64(upTo-below)/2
	}
	n, m := float64(len(a)), float64(len(b))
	return u / (n * m), (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}

// What the benchmark reckons with is held to samples whose answer is known.
func TestMannWhitney(t *testing.T) {
	seconds := func(n ...int) (out []time.Duration) {
		for _, s := range n {
			out = append(out, time.Duration(s)*time.Second)
		}
		return out
	}
	for _, tc := range []struct {
		a, b   []time.Duration
		auc, z float64
	}{
		{seconds(4, 5, 6), seconds(1, 2, 3), 1, 1.964},
		{seconds(1, 2, 3), seconds(4, 5, 6), 0, -1.964},
		{seconds(1, 2, 3), seconds(3, 2, 1), 0.5, 0},
		{seconds(1, 3), seconds(2, 4), 0.25, -0.775},
	} {
		if auc, z := mannWhitney(tc.a, tc.b); auc != tc.auc || math.Abs(z-tc.z) > 0.001 {
			t.Errorf("%v and %v: auc %.3f, z %.3f, want %.3f and %.3f", tc.a, tc.b, auc, z, tc.auc, tc.z)
		}
	}
}
