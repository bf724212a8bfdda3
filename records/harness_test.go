package records_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

// clinic is the demo clinic with what these tests ask of it again and again.
type clinic struct {
	*clinictest.Clinic
	t *testing.T
}

func open(t *testing.T, setup ...clinictest.Setup) clinic {
	t.Helper()
	return clinic{clinictest.New(t, setup...), t}
}

// upload brings a file in, as a principal's own client would.
func (c clinic) upload(who string, in records.BeginUpload, content []byte) clinical.File {
	c.t.Helper()
	f, err := c.tryUpload(who, in, content)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

func (c clinic) tryUpload(who string, in records.BeginUpload, content []byte) (clinical.File, error) {
	c.t.Helper()
	ctx, actor := c.t.Context(), c.As(who)
	size := int64(len(content))
	in.Length = &size
	begun, err := c.Records.BeginUpload(ctx, actor, in)
	if err != nil {
		return clinical.File{}, err
	}
	up, err := c.Records.OpenUpload(ctx, actor, begun.Upload.ID, nil)
	if err != nil {
		return clinical.File{}, err
	}
	defer up.Release()
	if _, err := up.Receive(ctx, bytes.NewReader(content), nil); err != nil {
		return clinical.File{}, err
	}
	return up.Finish(ctx, false)
}

var pdf = []byte("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")

// intake is an intake form of the first demo patient.
func intake() records.BeginUpload {
	return records.BeginUpload{Patient: demo.Patient, Kind: "intake-form", ContentType: "application/pdf", Title: "Intake"}
}

// events are the audit events of a verb, oldest first, as the auditor sees them.
func (c clinic) events(verb string) (out []clinical.AuditEvent) {
	c.t.Helper()
	ctx, auditor := c.t.Context(), c.As("auditor")
	f, err := c.Gate.Filter(ctx, auditor, policy.ReadAudit, policy.AuditLog, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	err = c.Store.InTx(ctx, auditor.Tenant, func(ctx context.Context, tx *store.Tx) error {
		page, err := tx.AuditEvents(ctx, f, store.AuditQuery{}, clinical.Page{First: 100})
		for _, e := range page.Items {
			if e.Verb == verb {
				out = append(out, e)
			}
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	slices.Reverse(out) // the store lists the newest first
	return out
}

func (c clinic) wantKind(err error, kind clinical.Kind) {
	c.t.Helper()
	if !clinical.Is(err, kind) {
		c.t.Fatalf("got %v, want %s", err, kind)
	}
}

func get(t *testing.T, url string) (*http.Response, []byte) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, b
}

func (c clinic) endMembership(who string) {
	c.t.Helper()
	a := c.As(who)
	err := c.Store.InTx(c.t.Context(), a.Tenant, func(ctx context.Context, tx *store.Tx) error {
		return tx.EndMember(ctx, a.ID)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}
