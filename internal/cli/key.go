package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

func (p *program) keyCommand() *cobra.Command {
	return group("key", "Make and end the keys of agents and devices",
		p.keyCreateCommand(), p.keyListCommand(), p.keyRevokeCommand())
}

type keyFlags struct {
	clinic, label, user      string
	scopes, patients, visits []string
	life, grants             time.Duration
}

func (p *program) keyCreateCommand() *cobra.Command {
	var f keyFlags
	cmd := &cobra.Command{
		Use:   "create MEMBER --label LABEL",
		Short: "Make a key of an agent or a device",
		Long: "Makes a key and prints its secret, alone on the last line: it is shown this once and goes into the header\n" +
			"\"Authorization: Bearer SECRET\". A key that is bound to patients or visits reaches these and no others.",
		Args: cobra.ExactArgs(1),
	}
	clinicFlag(cmd, &f.clinic)
	cmd.Flags().StringVar(&f.label, "label", "", "says to people which key this is (required)")
	cmd.Flags().StringVar(&f.user, "for-user", "", "the member on whose behalf it acts: it may do what both may")
	cmd.Flags().StringSliceVar(&f.scopes, "scope", nil, "SMART scopes that narrow it, such as patient/Media.c; several with commas")
	cmd.Flags().StringSliceVar(&f.patients, "patient", nil, "patients that it is bound to; several with commas")
	cmd.Flags().StringSliceVar(&f.visits, "visit", nil, "visits that it is bound to; several with commas")
	cmd.Flags().DurationVar(&f.grants, "grants-for", 8*time.Hour, "how long it reaches what it is bound to")
	cmd.Flags().DurationVar(&f.life, "expires-in", 0, "how long it opens anything, such as 720h (default: until revoked)")
	cmd.RunE = p.inOffice(&f.clinic, func(ctx context.Context, o office, args []string) error {
		created, err := o.CreateKey(ctx, o.operator, f.wanted(clinical.ActorID(args[0])))
		if err == nil {
			_, err = fmt.Fprintf(p.out, "key %s\n%s\n", created.Key.ID, created.Secret)
		}
		return err
	})
	return cmd
}

func (f keyFlags) wanted(member clinical.ActorID) records.CreateKey {
	in := records.CreateKey{
		Member: member, OnBehalfOf: clinical.ActorID(f.user), Label: f.label, Scopes: f.scopes, Expires: after(f.life),
	}
	until := time.Now().Add(f.grants)
	for _, id := range f.patients {
		in.Grants = append(in.Grants, clinical.KeyGrant{Patient: clinical.PatientID(id), Until: until})
	}
	for _, id := range f.visits {
		in.Grants = append(in.Grants, clinical.KeyGrant{Encounter: clinical.EncounterID(id), Until: until})
	}
	return in
}

func (p *program) keyListCommand() *cobra.Command {
	var clinic, member string
	cmd := &cobra.Command{
		Use: "list", Short: "List keys; never their secrets", Args: cobra.NoArgs,
		RunE: p.inOffice(&clinic, func(ctx context.Context, o office, _ []string) error {
			keys, err := o.MemberKeys(ctx, o.operator, clinical.ActorID(member))
			if err != nil {
				return err
			}
			now := time.Now()
			rows := [][]string{{"ID", "STATE", "LABEL", "MEMBER", "FOR", "SCOPES", "BOUND TO", "EXPIRES", "LAST USED"}}
			for _, k := range keys {
				rows = append(rows, []string{
					string(k.ID), string(k.State(now)), k.Label, string(k.Member), cmp.Or(string(k.OnBehalfOf), "-"),
					cmp.Or(strings.Join(k.Scopes, " "), "-"), grantNames(k.Grants), when(k.ExpiresAt), when(k.LastUsedAt),
				})
			}
			p.table(rows)
			return nil
		}),
	}
	clinicFlag(cmd, &clinic)
	cmd.Flags().StringVar(&member, "member", "", "only the keys of this member")
	return cmd
}

func grantNames(grants []clinical.KeyGrant) string {
	if len(grants) == 0 {
		return "-"
	}
	names := make([]string, len(grants))
	for i, g := range grants {
		names[i] = fmt.Sprintf("%s until %s", cmp.Or(string(g.Encounter), string(g.Patient)), when(&g.Until))
	}
	return strings.Join(names, ", ")
}

func (p *program) keyRevokeCommand() *cobra.Command {
	var clinic string
	cmd := &cobra.Command{
		Use: "revoke KEY", Short: "End a key at once, with the links and uploads that were begun with it", Args: cobra.ExactArgs(1),
		RunE: p.inOffice(&clinic, func(ctx context.Context, o office, args []string) error {
			_, err := o.RevokeKey(ctx, o.operator, clinical.KeyID(args[0]))
			return err
		}),
	}
	clinicFlag(cmd, &clinic)
	return cmd
}
