package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

func (p *program) clinicCommand() *cobra.Command {
	return group("clinic", "Make clinics, and change what they say of themselves", p.clinicSetCommand(), p.clinicListCommand())
}

func (p *program) clinicSetCommand() *cobra.Command {
	var name string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "set ID",
		Short: "Make a clinic, or change it",
		Long: "Makes the clinic of that id, or changes it. The id is short and of lower-case letters, digits and hyphens;\n" +
			"it stands at the front of every object's key and never changes.",
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&name, "name", "", "what people call it (required for a new one)")
	cmd.Flags().DurationVar(&life, "link-ttl-max", 0, "longest life of a link, at most the server's own, which 0 takes")
	cmd.RunE = do(func(ctx context.Context, args []string) error {
		var in records.UpdateClinic
		if cmd.Flags().Changed("name") {
			in.Display = &name
		}
		if cmd.Flags().Changed("link-ttl-max") {
			in.LinkTTLMax = &life
		}
		return p.setClinic(ctx, clinical.TenantID(args[0]), in)
	})
	return cmd
}

func (p *program) setClinic(ctx context.Context, id clinical.TenantID, in records.UpdateClinic) (err error) {
	if !id.Valid() {
		return &misused{errors.New("the id must have 2 to 63 lower-case letters, digits and hyphens")}
	}
	rooms, err := p.openOffice(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rooms.Close()) }()
	c, err := rooms.Records.UpdateClinic(ctx, operator(id), in)
	if err != nil {
		return plain(err)
	}
	_, err = fmt.Fprintf(p.out, "%s  %s\n", c.Tenant, c.Display)
	return err
}

func (p *program) clinicListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the clinics", Args: cobra.NoArgs,
		RunE: do(func(ctx context.Context, _ []string) error {
			rooms, err := p.openOffice(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = rooms.Close() }()
			tenants, err := rooms.Store.Tenants(ctx)
			if err != nil {
				return err
			}
			rows := [][]string{{"ID", "NAME", "LONGEST LINK"}}
			for _, t := range tenants {
				c, err := rooms.Records.Clinic(ctx, operator(t))
				if err != nil {
					return plain(err)
				}
				life := "as the server"
				if c.LinkTTLMax > 0 {
					life = c.LinkTTLMax.String()
				}
				rows = append(rows, []string{string(t), c.Display, life})
			}
			p.table(rows)
			return nil
		}),
	}
}
