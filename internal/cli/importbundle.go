package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/adopt"
	"github.com/bonfiredb/bonfire/records"
)

// importFlags are for Bundles of other servers.
type importFlags struct{ tenant, kind, patient string }

// importBundle takes the documents of another server's Bundle.
func (p *program) importBundle(ctx context.Context, name string, f importFlags) (err error) {
	in, err := os.Open(name)
	if err != nil {
		return &misused{err}
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	cfg, err := p.load()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(cfg.SpoolDir, "bonfire-import-") // mode 0700
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	bundle, err := adopt.Read(in, dir, info.ModTime())
	if err != nil {
		return &misused{fmt.Errorf("%s: %w", name, err)}
	}
	port, err := p.openPort(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, port.Close()) }()
	all, err := port.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	tenant, err := pickTenant(all, f.tenant)
	if err != nil {
		return err
	}
	actor := operator(tenant)
	kinds, err := port.Records.Kinds(ctx, actor)
	if err != nil {
		return err
	}
	charts, err := bundle.Charts(adopt.Into{Tenant: tenant, By: actor.ID, Kinds: kinds, Kind: f.kind, Patient: clinical.PatientID(f.patient)})
	if err != nil {
		return err
	}
	list := make([]records.ImportChart, len(charts))
	for i, c := range charts {
		list[i] = records.ImportChart{
			Patient: c.Patient, Origin: "the Bundle with the SHA-256 " + bundle.SHA256,
			Rows: func(take rowTaker) error {
				for _, r := range c.Rows {
					if err := take(r.Table, json.RawMessage(r.JSON)); err != nil {
						return err
					}
				}
				return nil
			},
			Open: func(id clinical.FileID) (records.Bytes, error) { return c.Open(id) },
		}
	}
	err = p.restore(ctx, port, actor, list)
	for _, l := range bundle.Lost {
		_, _ = fmt.Fprintf(p.err, "%s: %s\n", l.Path, l.Why)
	}
	if err == nil && len(bundle.Lost) > 0 {
		_, _ = fmt.Fprintf(p.err, "%d things of the Bundle were not taken\n", len(bundle.Lost))
		return &found{}
	}
	return err
}
