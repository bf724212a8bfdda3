package records

import (
	"context"
	"log/slog"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// purgeBatch is how many files of a kind are looked for at a time.
const purgeBatch = 100

// Retention gives up, until ctx ends, the bytes of files whose time has come.
// Every replica may run one: rows are locked, and a file is given up once.
func (r *Records) Retention(ctx context.Context, every time.Duration) error {
	Rounds{Every: every, Name: "retention", Level: slog.LevelWarn, Log: r.Log}.Run(ctx, r.Purge)
	return nil
}

// Purge is one round over all tenants and kinds. What fails is left for the next.
func (r *Records) Purge(ctx context.Context) error {
	tenants, err := r.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		g, err := r.registryOf(ctx, tenant)
		if err != nil {
			return err
		}
		for _, k := range g.all() {
			if k.Retention <= 0 {
				continue
			}
			if err := r.purgeKind(ctx, tenant, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// all are the kinds that files may be of, retired ones included.
func (g registry) all() []clinical.FileKind {
	out := append([]clinical.FileKind{}, g.kinds...)
	for _, k := range g.retired {
		out = append(out, k)
	}
	return out
}

func (r *Records) purgeKind(ctx context.Context, tenant clinical.TenantID, k clinical.FileKind) error {
	due := store.Retention{Kind: k.Code, Before: r.Now().Add(-k.Retention), Signed: k.PurgeSigned}
	for {
		var ids []clinical.FileID
		err := r.Store.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) (err error) {
			ids, err = tx.RetentionDue(ctx, due, purgeBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := r.purge(ctx, tenant, id, due, "retention "+k.Retention.String()); err != nil {
				return err
			}
		}
		if len(ids) < purgeBatch {
			return nil
		}
		r.sweepSoon()
	}
}

// purge gives up one file's bytes: certificate, evidence and audit in one
// transaction; the object itself goes with the garbage.
func (r *Records) purge(ctx context.Context, tenant clinical.TenantID, id clinical.FileID, due store.Retention, rule string) error {
	err := r.act(ctx, systemActor(tenant), "purgeFile", func(ctx context.Context, c *call) error {
		f, err := c.PurgeFile(ctx, id, due, rule, c.now)
		if err != nil {
			return err
		}
		was := f
		was.Version--
		if err := c.prove(ctx, clinical.Provenance{
			Activity: clinical.ActivityDestroy, Patient: f.Patient, Targets: []clinical.Ref{refOfFile(f)}, Sources: []clinical.Ref{refOfFile(was)},
			Agents: []clinical.ProvenanceAgent{c.took("performer")},
		}); err != nil {
			return err
		}
		if err := c.announce(ctx, "file.updated", refOfFile(f), f.Patient); err != nil {
			return err
		}
		e := c.event(policy.OfFile(f, clinical.ScanNone, nil), "retention")
		touched(refOfFile(f))(&e)
		detail("rule", rule)(&e)
		return c.AppendAudit(ctx, e)
	})
	if clinical.Is(err, clinical.NotFound) { // another replica, or a hold, was quicker
		return nil
	}
	return err
}

// FileDeletion is the certificate of a file whose bytes were given up. NotFound
// while they are there.
func (r *Records) FileDeletion(ctx context.Context, actor clinical.Actor, id clinical.FileID) (out clinical.Deletion, err error) {
	err = r.act(ctx, actor, "file", func(ctx context.Context, c *call) error {
		d, err := c.file(ctx, policy.ReadFile, id)
		if err != nil {
			return err
		}
		if out, err = c.Deletion(ctx, d); err != nil {
			return err
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return out, err
}
