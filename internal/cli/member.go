package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

func (p *program) memberCommand() *cobra.Command {
	return group("member", "Let people, agents and devices in, and out",
		p.memberAddCommand(), p.memberListCommand(), p.memberUpdateCommand(), p.memberPanelCommand(), p.memberEndCommand())
}

// memberFlags are what the commands tell of a member.
type memberFlags struct {
	clinic, name, issuer, subject  string
	roles, departments, careGroups []string
	clearance                      int
}

func (f *memberFlags) on(cmd *cobra.Command) {
	clinicFlag(cmd, &f.clinic)
	cmd.Flags().StringVar(&f.name, "name", "", "what others see")
	cmd.Flags().StringSliceVar(&f.roles, "role", nil, "of people: clinician, clerk, auditor, admin, pipeline; several with commas")
	cmd.Flags().IntVar(&f.clearance, "clearance", 0, "highest confidentiality to read: 0 normal, 1 restricted, 2 very restricted")
	cmd.Flags().StringSliceVar(&f.departments, "department", nil, "where they work; several with commas")
	cmd.Flags().StringSliceVar(&f.careGroups, "care-group", nil, "wards or teams; several with commas")
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "identity provider, as its tokens name it")
	cmd.Flags().StringVar(&f.subject, "subject", "", "who they are there, as its tokens name them")
}

func (f memberFlags) roleList() []clinical.Role {
	out := make([]clinical.Role, len(f.roles))
	for i, r := range f.roles {
		out[i] = clinical.Role(r)
	}
	return out
}

func (p *program) memberAddCommand() *cobra.Command {
	var f memberFlags
	var kind string
	cmd := &cobra.Command{
		Use:   "add --name NAME",
		Short: "Let somebody in",
		Long:  "Lets a person, an AI agent or a device in, and prints the new member's id, alone on the last line.\nPeople come with a login of the identity provider, agents and devices with a key (bonfire key create).",
		Args:  cobra.NoArgs,
	}
	f.on(cmd)
	cmd.Flags().StringVar(&kind, "kind", "user", "user, agent or device")
	cmd.RunE = p.inOffice(&f.clinic, func(ctx context.Context, o office, _ []string) error {
		m, err := o.AddMember(ctx, o.operator, records.AddMember{
			Kind: clinical.ActorKind(kind), Display: f.name, Roles: f.roleList(), Clearance: f.clearance,
			Departments: f.departments, CareGroups: f.careGroups, Login: clinical.Login{Issuer: f.issuer, Subject: f.subject},
		})
		if err == nil {
			_, err = fmt.Fprintln(p.out, m.ID)
		}
		return err
	})
	return cmd
}

func (p *program) memberUpdateCommand() *cobra.Command {
	var f memberFlags
	var noLogin bool
	cmd := &cobra.Command{
		Use: "update MEMBER", Short: "Change what somebody is; what is not named stays", Args: cobra.ExactArgs(1),
	}
	f.on(cmd)
	cmd.Flags().BoolVar(&noLogin, "no-login", false, "take the login away")
	cmd.MarkFlagsMutuallyExclusive("no-login", "issuer")
	cmd.MarkFlagsRequiredTogether("issuer", "subject")
	cmd.RunE = p.inOffice(&f.clinic, func(ctx context.Context, o office, args []string) error {
		in := records.UpdateMember{Member: clinical.ActorID(args[0])}
		roles, login := f.roleList(), clinical.Login{Issuer: f.issuer, Subject: f.subject}
		whenNamed(cmd, "name", &in.Display, &f.name)
		whenNamed(cmd, "role", &in.Roles, &roles)
		whenNamed(cmd, "clearance", &in.Clearance, &f.clearance)
		whenNamed(cmd, "department", &in.Departments, &f.departments)
		whenNamed(cmd, "care-group", &in.CareGroups, &f.careGroups)
		whenNamed(cmd, "issuer", &in.Login, &login)
		whenNamed(cmd, "no-login", &in.Login, &clinical.Login{})
		_, err := o.UpdateMember(ctx, o.operator, in)
		return err
	})
	return cmd
}

// whenNamed passes on what a flag said, if it was given.
func whenNamed[T any](cmd *cobra.Command, flag string, to **T, value *T) {
	if cmd.Flags().Changed(flag) {
		*to = value
	}
}

func (p *program) memberEndCommand() *cobra.Command {
	var clinic string
	cmd := &cobra.Command{
		Use: "end MEMBER", Short: "End a membership at once, with its keys and links", Args: cobra.ExactArgs(1),
		RunE: p.inOffice(&clinic, func(ctx context.Context, o office, args []string) error {
			_, err := o.EndMember(ctx, o.operator, clinical.ActorID(args[0]))
			return err
		}),
	}
	clinicFlag(cmd, &clinic)
	return cmd
}

func (p *program) memberPanelCommand() *cobra.Command {
	var clinic string
	var add, remove []string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "panel MEMBER",
		Short: "Say which patients are in somebody's care, or granted to an agent or a device",
		Long:  "Adds patients to a panel and takes others off, and prints the panel as it then is.",
		Args:  cobra.ExactArgs(1),
	}
	clinicFlag(cmd, &clinic)
	cmd.Flags().StringSliceVar(&add, "add", nil, "patients to put on it; several with commas")
	cmd.Flags().StringSliceVar(&remove, "remove", nil, "patients to take off; several with commas")
	cmd.Flags().DurationVar(&life, "for", 0, "how long those added stay, such as 8h (default: until removed)")
	cmd.RunE = p.inOffice(&clinic, func(ctx context.Context, o office, args []string) error {
		in := records.SetPanel{Member: clinical.ActorID(args[0])}
		for _, id := range add {
			in.Add = append(in.Add, records.PanelChange{Patient: clinical.PatientID(id), Until: after(life)})
		}
		for _, id := range remove {
			in.Remove = append(in.Remove, clinical.PatientID(id))
		}
		read := func() ([]clinical.PanelEntry, error) { return o.Panel(ctx, o.operator, in.Member) }
		if len(add)+len(remove) > 0 {
			read = func() ([]clinical.PanelEntry, error) { return o.SetPanel(ctx, o.operator, in) }
		}
		panel, err := read()
		if err != nil {
			return err
		}
		rows := [][]string{{"PATIENT", "SINCE", "UNTIL"}}
		for _, e := range panel {
			rows = append(rows, []string{string(e.Patient), when(&e.Since), when(e.Until)})
		}
		p.table(rows)
		return nil
	})
	return cmd
}

func (p *program) memberListCommand() *cobra.Command {
	var clinic string
	var ended bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the members", Args: cobra.NoArgs,
		RunE: p.inOffice(&clinic, func(ctx context.Context, o office, _ []string) error {
			all, err := pages(func(page clinical.Page) (clinical.Slice[clinical.Member], error) {
				return o.Members(ctx, o.operator, records.MemberQuery{Ended: ended, Page: page})
			})
			if err != nil {
				return err
			}
			rows := [][]string{{"ID", "KIND", "NAME", "ROLES", "CLEARANCE", "LOGIN", "ENDED"}}
			for _, m := range all {
				rows = append(rows, []string{
					string(m.ID), string(m.Kind), m.Display, roleNames(m.Roles), fmt.Sprint(m.Clearance), loginName(m.Login), when(m.EndedAt),
				})
			}
			p.table(rows)
			return nil
		}),
	}
	clinicFlag(cmd, &clinic)
	cmd.Flags().BoolVar(&ended, "ended", false, "also those whose membership has ended")
	return cmd
}

func roleNames(roles []clinical.Role) string {
	if len(roles) == 0 {
		return "-"
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ",")
}

func loginName(l clinical.Login) string {
	if l == (clinical.Login{}) {
		return "-"
	}
	return l.Subject + " at " + l.Issuer
}
