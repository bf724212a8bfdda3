package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
)

func (p *program) devCommand() *cobra.Command {
	return group("dev", "Help with development", p.devTokenCommand())
}

type devTokenFlags struct {
	data    string
	ttl     time.Duration
	noMFA   bool
	purpose string
}

func (p *program) devTokenCommand() *cobra.Command {
	var f devTokenFlags
	cmd := &cobra.Command{
		Use:   "token NAME",
		Short: "Print a token of a demo principal, for servers that run with --dev",
		Long:  "Prints a token of a demo principal, alone on the last line. Servers that run with --dev on the same\ndata take it.\n\nPrincipals: " + strings.Join(demo.Names(), ", "),
		Args:  cobra.ExactArgs(1),
		RunE:  do(func(_ context.Context, args []string) error { return p.devToken(args[0], f) }),
	}
	cmd.Flags().StringVar(&f.data, "data", dataDir, "data directory of the server")
	cmd.Flags().DurationVar(&f.ttl, "ttl", 12*time.Hour, "how long the token lives")
	cmd.Flags().BoolVar(&f.noMFA, "no-mfa", false, "a login without a second factor")
	cmd.Flags().StringVar(&f.purpose, "purpose", "", "purpose of use, such as BTG (default: the request's)")
	return cmd
}

var purposes = []clinical.PurposeOfUse{
	clinical.Treatment, clinical.Payment, clinical.Operations, clinical.PatientRequest,
	clinical.EmergencyTreat, clinical.BreakTheGlass, clinical.Research,
}

func (p *program) devToken(name string, f devTokenFlags) error {
	switch {
	case !slices.Contains(demo.Names(), name):
		return &misused{fmt.Errorf("there is no demo principal %q; there is: %s", name, strings.Join(demo.Names(), ", "))}
	case f.ttl <= 0:
		return &misused{fmt.Errorf("--ttl must be above zero")}
	case f.purpose != "" && !slices.Contains(purposes, clinical.PurposeOfUse(f.purpose)):
		return &misused{fmt.Errorf("there is no purpose of use %q; there is: %v", f.purpose, purposes)}
	}
	if _, err := p.load(); err != nil { // a key that is too short, for one
		return err
	}
	key, err := p.devKey(f.data)
	if err != nil {
		return err
	}
	now := time.Now()
	token, err := auth.DevToken{
		Name: name, Expires: now.Add(f.ttl), MFA: !f.noMFA, Purpose: clinical.PurposeOfUse(f.purpose),
	}.Sign(key, now)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, token)
	return err
}
