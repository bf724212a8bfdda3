package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/bonfiredb/bonfire/records"
)

// teller prints what a comparison finds.
type teller interface {
	drift(records.Drift) error
	summary(records.DriftReport, records.DriftCheck) error
}

func driftTeller(out io.Writer, asJSON bool) teller {
	if asJSON {
		return jsonDrift{json.NewEncoder(out)}
	}
	return wordsOfDrift{out}
}

// jsonDrift is for programs: JSON, a value a line.
type jsonDrift struct{ *json.Encoder }

func (j jsonDrift) drift(d records.Drift) error { return j.Encode(d) }

func (j jsonDrift) summary(r records.DriftReport, _ records.DriftCheck) error {
	return j.Encode(struct {
		Summary records.DriftReport `json:"summary"`
		Left    int                 `json:"left"`
	}{r, r.Left()})
}

// wordsOfDrift is for people.
type wordsOfDrift struct{ out io.Writer }

// driftAdvice says what each finding is, and what to do about it.
var driftAdvice = map[records.DriftCode]string{
	records.DriftNoRow:       "no row names this object; --repair removes it",
	records.DriftNoObject:    "its bytes are not in the bucket: restore the object from a version, a replica or a backup",
	records.DriftSize:        "the object is not as long as it was: restore it from a version, a replica or a backup",
	records.DriftDigest:      "the bytes are not those that were stored: restore the object from a version, a replica or a backup",
	records.DriftMultipart:   "no upload needs this upload in parts; --repair aborts it",
	records.DriftNoMultipart: "the received parts are gone (a lifecycle rule?): the client must send the file again",
	records.DriftScratch:     "its upload has ended; --repair removes it",
	records.DriftNoRecord:    "it is stored and has no record; --repair finishes it, as a running server does",
	records.DriftWaiting:     "it has been received, or has expired; --repair ends it, as a running server does",
	records.DriftForeign:     "not ours, or of a clinic that this database does not know; never touched",
}

func (w wordsOfDrift) drift(d records.Drift) error {
	_, err := fmt.Fprintf(w.out, "%s  %s", d.Code, driftSubject(d))
	if d.Want != "" {
		_, _ = fmt.Fprintf(w.out, "  want %s, got %s", d.Want, d.Got)
	}
	switch {
	case d.Repaired:
		_, _ = fmt.Fprintln(w.out, "  (repaired)")
	case d.Problem != "":
		_, _ = fmt.Fprintf(w.out, "\n  not repaired: %s\n", d.Problem)
	default:
		_, _ = fmt.Fprintf(w.out, "\n  %s\n", driftAdvice[d.Code])
	}
	return err
}

func driftSubject(d records.Drift) string {
	s := d.Key
	if d.Code == records.DriftForeign {
		s = fmt.Sprintf("%q", d.Key) // it may hold anything
	}
	if d.ID != "" {
		s += "  " + d.Row + " " + d.ID
	}
	if d.Multipart != "" {
		s += "  multipart " + d.Multipart
	}
	return s
}

func (w wordsOfDrift) summary(r records.DriftReport, c records.DriftCheck) error {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w.out, format, args...) }
	say("%d objects (%s), %d uploads in parts, %d unfinished uploads in %s\n",
		r.Objects, iec(r.Bytes), r.Multiparts, r.Uploads, r.Finished.Sub(r.Started).Round(time.Millisecond))
	if r.Foreign > 0 {
		say("%d foreign, not touched\n", r.Foreign)
	}
	if r.Repaired > 0 {
		say("%d repaired\n", r.Repaired)
	}
	switch left := r.Left(); {
	case left > 0:
		say("%d findings are left\n", left)
	case c.Deep:
		say("bucket and database fit, and every object holds the bytes that were stored\n")
	default:
		say("bucket and database fit\n")
	}
	return nil
}
