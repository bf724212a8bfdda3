package records_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// none says that a success of a verb leaves no event.
const none = -1

// verb is how one of the verbs is tried.
type verb struct {
	// by may do it; of may not, and is told so by kind.
	by, of string
	kind   clinical.Kind
	// events are left by one success: one for each patient concerned; 0 means 1.
	events int
	// silent says why nobody is refused, or why a success is no event.
	silent string
	// stepwise: it commits bytes, or holds the upload, before its effect and its
	// event; a failure leaves those.
	stepwise bool
	// ready makes what the verb needs, and gives the verb.
	ready func(c clinic) func(a clinical.Actor) error
}

// verbs are all of them, by method.
func verbs() map[string]verb {
	all := map[string]verb{}
	for _, part := range []map[string]verb{chartVerbs(), fileVerbs(), noteVerbs(), uploadVerbs(), linkVerbs(), auditVerbs(), adminVerbs()} {
		maps.Copy(all, part)
	}
	return all
}

// at is a verb that needs nothing made ready.
func at(f func(c clinic, a clinical.Actor) error) func(clinic) func(clinical.Actor) error {
	return func(c clinic) func(clinical.Actor) error { return func(a clinical.Actor) error { return f(c, a) } }
}

// on is a verb on a new file of the first demo patient.
func on(f func(c clinic, a clinical.Actor, f clinical.File) error) func(clinic) func(clinical.Actor) error {
	return func(c clinic) func(clinical.Actor) error {
		file := c.upload("clinician", intake(), pdf)
		return func(a clinical.Actor) error { return f(c, a, file) }
	}
}

// about is a verb on a new draft of the clinician's.
func about(signed bool, f func(c clinic, a clinical.Actor, n clinical.Note) error) func(clinic) func(clinical.Actor) error {
	return func(c clinic) func(clinical.Actor) error {
		n := c.draft("clinician")
		if signed {
			n = c.mustSign("clinician", n)
		}
		return func(a clinical.Actor) error { return f(c, a, n) }
	}
}

var five = clinical.Page{First: 5}

// ledgerOf is everything in the database but the trail and its lists, and how
// many events the trail has.
func ledgerOf(c clinic, db *sql.DB) (state string, events int) {
	c.t.Helper()
	rows, err := db.Query(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'audit\_%' ORDER BY 1`)
	c.must(err)
	var tables []string
	for rows.Next() {
		var name string
		c.must(rows.Scan(&name))
		tables = append(tables, name)
	}
	c.must(rows.Err())
	for _, table := range tables {
		var digest string
		c.must(db.QueryRow(`SELECT coalesce(md5(string_agg(t::text, E'\n' ORDER BY t::text)), '') FROM ` + table + ` t`).Scan(&digest))
		state += table + " " + digest + "\n"
	}
	return state, c.count(db, `SELECT count(*) FROM audit_event`)
}

// Every verb, asked by one who may and by one who may not, leaves one event for
// each patient; and where the event cannot be written, nothing is done and
// nothing is told (P5).
func TestP5_EveryVerbLeavesItsEvent(t *testing.T) {
	c := open(t)
	db := c.admin()
	all := verbs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			c := clinic{c.Clinic, t}
			v := all[name]
			if v.of == "" && v.silent == "" {
				t.Error("nobody is refused, and nothing says why")
			}
			do := v.ready(c)
			v.withoutAudit(c, db, do)
			v.refused(c, db, do)
			v.done(c, db, do)
		})
	}
}

// withoutAudit tries the verb while the trail takes no event.
func (v verb) withoutAudit(c clinic, db *sql.DB, do func(clinical.Actor) error) {
	c.t.Helper()
	by, of := c.As(v.by), clinical.Actor{}
	if v.of != "" {
		of = c.As(v.of)
	}
	before, _ := ledgerOf(c, db)
	c.exec(db, `ALTER TABLE audit_event ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	defer c.exec(db, `ALTER TABLE audit_event DROP CONSTRAINT full_disk`)
	if err := do(by); v.events != none && !clinical.Is(err, clinical.Internal) {
		c.t.Errorf("done without its event: %v", err)
	}
	if v.of != "" {
		if err := do(of); !clinical.Is(err, clinical.Internal) {
			c.t.Errorf("a refusal without its event: %v", err)
		}
	}
	if after, _ := ledgerOf(c, db); after != before && !v.stepwise && v.events != none {
		c.t.Errorf("it left something behind:\n%s", changes(before, after))
	}
}

func (v verb) refused(c clinic, db *sql.DB, do func(clinical.Actor) error) {
	c.t.Helper()
	if v.of == "" {
		return
	}
	actor := c.As(v.of)
	actor.Session.RequestID = fmt.Sprint("refused ", time.Now().UnixNano())
	before, n := ledgerOf(c, db)
	if err := do(actor); !clinical.Is(err, v.kind) {
		c.t.Errorf("%s is told %v, want %s", v.of, err, v.kind)
	}
	after, m := ledgerOf(c, db)
	if after != before {
		c.t.Errorf("a refusal changed something:\n%s", changes(before, after))
	}
	if m-n != 1 {
		c.t.Errorf("a refusal left %d events", m-n)
	}
	if c.count(db, `SELECT count(*) FROM audit_event WHERE outcome = '4' AND rule <> '' AND actor_id = $1 AND request_id = $2`, string(actor.ID), actor.Session.RequestID) != 1 {
		c.t.Error("the refusal's event says too little")
	}
}

func (v verb) done(c clinic, db *sql.DB, do func(clinical.Actor) error) {
	c.t.Helper()
	actor := c.As(v.by)
	_, n := ledgerOf(c, db)
	if err := do(actor); err != nil {
		c.t.Fatalf("%s: %v", v.by, err)
	}
	_, m := ledgerOf(c, db)
	want := max(v.events, 1)
	if v.events == none {
		want = 0
	}
	if m-n != want {
		c.t.Errorf("a success left %d events, want %d", m-n, want)
	}
	bare := c.count(db, `SELECT count(*) FROM (SELECT * FROM audit_event ORDER BY seq DESC LIMIT $1) e
		WHERE verb = '' OR action = '' OR subtype = '' OR purpose = '' OR outcome <> '0'`, m-n)
	if bare > 0 {
		c.t.Error("the event says too little")
	}
}

// changes are the lines that two states do not share.
func changes(before, after string) string {
	var out []string
	was := strings.Split(before, "\n")
	for _, line := range strings.Split(after, "\n") {
		if !slices.Contains(was, line) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// A call that is made again tells its answer again: that is an event, too.
func TestP5_RepeatedCallsLeaveTheirEvents(t *testing.T) {
	c := open(t)
	db := c.admin()
	ctx, clinician := t.Context(), c.As("clinician")
	u := begun(c, pdf)
	in := intake()
	in.IdempotencyKey = "upload-again"
	m := records.AddMember{Kind: clinical.Device, Display: "Room 8", IdempotencyKey: "member-again"}
	signed := c.mustSign("clinician", c.draft("clinician"))
	for name, call := range map[string]func() error{
		"registerPatient": func() error {
			_, err := c.Records.RegisterPatient(ctx, c.As("clinician"), records.RegisterPatient{DisplayName: "New", IdempotencyKey: "patient-again"})
			return err
		},
		"openEncounter": func() error {
			_, err := c.Records.OpenEncounter(ctx, clinician, records.OpenEncounter{Patient: demo.Patient, IdempotencyKey: "visit-again"})
			return err
		},
		"createUpload": func() error { _, err := c.Records.BeginUpload(ctx, clinician, in); return err },
		"finishUpload": func() error {
			_, err := c.Records.FinishUpload(ctx, clinician, u.Upload.ID, records.FinishUpload{})
			return err
		},
		"createNote": func() error {
			_, err := c.tryDraft("clinician", func(n *records.CreateNote) { n.IdempotencyKey = "note-again" })
			return err
		},
		"amendNote": func() error { _, err := c.amend("clinician", signed, "amend-again"); return err },
		"addMember": func() error { _, err := c.Records.AddMember(ctx, c.As("admin"), m); return err },
	} {
		c.must(call())
		_, before := ledgerOf(c, db)
		c.must(call())
		if _, after := ledgerOf(c, db); after-before != 1 {
			t.Errorf("%s made again left %d events", name, after-before)
		}
	}
}
