package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/adopt"
	"github.com/bonfiredb/bonfire/records"
)

// importFlags are for Bundles of other servers.
type importFlags struct{ tenant, kind, patient string }

// bundlesIn are the Bundles in a directory of another server's; none where it is
// an export of ours, or a part of one.
func bundlesIn(dir string) (names []string) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil
	}
	for _, e := range entries {
		switch {
		case e.Name() == manifestFile || e.Name() == headerFile:
			return nil
		case e.Type().IsRegular() && filepath.Ext(e.Name()) == ".json":
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names
}

// importBundles takes Bundle after Bundle. What is wrong with one keeps no other
// waiting.
func (p *program) importBundles(ctx context.Context, names []string, f importFlags) error {
	var last error
	for _, name := range names {
		_, _ = fmt.Fprintln(p.out, filepath.Base(name)+":")
		err := p.importBundle(ctx, name, f)
		var wrong *misused
		var left *found
		switch {
		case err == nil:
		case errors.As(err, &left):
			last = err
		case errors.As(err, &wrong):
			_, _ = fmt.Fprintf(p.err, "not taken: %v\n", err)
			last = &found{}
		default:
			return err // the rest would fail, too
		}
	}
	return last
}

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
