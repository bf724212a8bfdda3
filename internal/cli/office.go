package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/records"
)

// office is where the commands of administration work: in one clinic, in the
// name of whoever operates the program, as the server's own role. What they do
// is decided and audited like everything else.
type office struct {
	*records.Records
	operator clinical.Actor
}

// inOffice makes a cobra RunE of administrative work in the clinic that the flag
// names, or the only one.
func (p *program) inOffice(clinic *string, work func(ctx context.Context, o office, args []string) error) func(*cobra.Command, []string) error {
	return do(func(ctx context.Context, args []string) (err error) {
		rooms, err := p.openOffice(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rooms.Close()) }()
		tenant, err := pickClinic(ctx, rooms, *clinic)
		if err != nil {
			return err
		}
		return plain(work(ctx, office{rooms.Records, operator(tenant)}, args))
	})
}

func (p *program) openOffice(ctx context.Context) (*server.Office, error) {
	cfg, err := p.load()
	if err != nil {
		return nil, err
	}
	if cfg.DatabaseURL == "" {
		return nil, &misused{errors.New("BONFIRE_DATABASE_URL: not set; name the database of the clinic")}
	}
	return server.OpenOffice(ctx, cfg, slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// operator acts in a clinic; the id of its request tells the events of one
// command from those of another.
func operator(t clinical.TenantID) clinical.Actor {
	a := records.Operator(t)
	a.Session.RequestID = "command-" + clinical.NewID[string](time.Now())
	return a
}

func pickClinic(ctx context.Context, rooms *server.Office, named string) (clinical.TenantID, error) {
	all, err := rooms.Store.Tenants(ctx)
	if err != nil {
		return "", err
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = string(t)
		if names[i] == named {
			return t, nil
		}
	}
	switch {
	case len(all) == 0:
		return "", &misused{errors.New("there is no clinic yet; make one with: bonfire clinic set ID --name NAME")}
	case named != "":
		return "", &misused{fmt.Errorf("there is no clinic %q; there is: %s", named, strings.Join(names, ", "))}
	case len(all) > 1:
		return "", &misused{fmt.Errorf("which clinic? --clinic %s", strings.Join(names, ", "))}
	}
	return all[0], nil
}

// plain is a failure in the words for people: what was wrong with which flag,
// and not the chain of causes.
func plain(err error) error {
	f := clinical.AsFailure(err)
	switch {
	case f == nil || f.Kind == clinical.Internal || f.Kind == clinical.Unavailable:
		return err
	case f.Field != "":
		return fmt.Errorf("%s: %s", f.Field, f.Words)
	}
	return errors.New(f.Words)
}

func clinicFlag(cmd *cobra.Command, clinic *string) {
	cmd.Flags().StringVar(clinic, "clinic", "", "the clinic's id (default: the only one)")
}

// table prints rows in columns, the first as their heads.
func (p *program) table(rows [][]string) {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(r, "\t"), "\t"))
	}
	_ = w.Flush()
}

// when is an instant in a table.
func when(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// after is the instant that long from now; nil for no time at all.
func after(d time.Duration) *time.Time {
	if d == 0 {
		return nil
	}
	t := time.Now().Add(d)
	return &t
}

// pages reads a list to its end.
func pages[T any](read func(clinical.Page) (clinical.Slice[T], error)) (all []T, err error) {
	for page := (clinical.Page{First: 100}); ; {
		got, err := read(page)
		if err != nil {
			return nil, err
		}
		all = append(all, got.Items...)
		if !got.HasNext {
			return all, nil
		}
		page.After = got.Cursors[len(got.Cursors)-1]
	}
}
