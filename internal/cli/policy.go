package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/records"
)

func (p *program) policyCommand() *cobra.Command {
	return group("policy", "Look at the rules of who may do what", p.policyCheckCommand(), p.policyTestCommand(), p.policyExplainCommand())
}

func (p *program) policyCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check DIR",
		Short: "Say what is wrong with a policy set, where, and how to mend it",
		Long: "Examines the *.cedar files in a directory as a server does that is told to use them (BONFIRE_POLICY_DIR).\n" +
			"Exit code 1 when something is wrong with them.",
		Args: cobra.ExactArgs(1),
		RunE: do(func(_ context.Context, args []string) error { return p.policyCheck(args[0]) }),
	}
}

func (p *program) policyCheck(dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return &misused{fmt.Errorf("%s is not a directory", dir)}
	}
	findings := policy.Check(os.DirFS(dir))
	for _, f := range findings {
		_, _ = fmt.Fprintln(p.out, f)
	}
	switch len(findings) {
	case 0:
		_, err := fmt.Fprintf(p.out, "%s is sound: BONFIRE_POLICY_DIR=%s and a restart put it in force\n", dir, dir)
		return err
	case 1:
		_, _ = fmt.Fprintln(p.out, "1 thing to mend; a server would not start with it")
	default:
		_, _ = fmt.Fprintf(p.out, "%d things to mend; a server would not start with them\n", len(findings))
	}
	return &found{}
}

func (p *program) policyTestCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Ask the questions of a truth table",
		Long: "Asks the policies every question of a truth table: who may do what to which, and what the answer has to be.\n" +
			"The guide to access describes such tables. Exit code 1 when an answer is another one.",
		Args: cobra.ExactArgs(1),
		RunE: do(func(_ context.Context, args []string) error { return p.policyTest(args[0], dir) }),
	}
	cmd.Flags().StringVar(&dir, "policies", "", "directory of the policy set (default: BONFIRE_POLICY_DIR, and without it the shipped one)")
	return cmd
}

func (p *program) policyTest(table, dir string) error {
	if dir == "" {
		dir = p.vars["BONFIRE_POLICY_DIR"]
	}
	gate, err := server.Gate(dir)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "BONFIRE_POLICY_DIR: "))
	}
	f, err := os.Open(table)
	if err != nil {
		return &misused{err}
	}
	defer f.Close()
	report, err := policy.Test(gate, f)
	if err != nil {
		return fmt.Errorf("%s: %w", table, errors.Unwrap(err))
	}
	for _, failure := range report.Failures {
		_, _ = fmt.Fprintf(p.out, "%s: %s\n", table, failure)
	}
	_, _ = fmt.Fprintf(p.out, "%d questions asked, %d answered otherwise than the table says\n", report.Checks, len(report.Failures))
	if !report.OK() {
		return &found{}
	}
	return nil
}

// explainFlags are a question.
type explainFlags struct {
	clinic, who, action, id, kind, purpose string
	noMFA                                  bool
}

func (p *program) policyExplainCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain --who MEMBER --action ACTION --id ID",
		Short: "Say which policies decide a question",
		Long: "Asks the policies whether a member may do something now, and says which of them decide. Nothing is done,\n" +
			"and nothing is shown of what is asked about.\n\nActions: " + actionNames(),
		Args: cobra.NoArgs,
	}
	clinicFlag(cmd, &f.clinic)
	cmd.Flags().StringVar(&f.who, "who", "", "the member's id (required)")
	cmd.Flags().StringVar(&f.action, "action", "", "what they would do (required)")
	cmd.Flags().StringVar(&f.id, "id", "", "to what; of what is yet to be made, of an audit trail and a Bundle: the patient; of the clinic: its id")
	cmd.Flags().StringVar(&f.kind, "kind", "", "the kind of a file to be uploaded")
	cmd.Flags().StringVar(&f.purpose, "purpose", "", "purpose of use, such as ETREAT (default: the member's usual one)")
	cmd.Flags().BoolVar(&f.noMFA, "no-mfa", false, "as if the login had used no second factor")
	for _, name := range []string{"who", "action"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag was defined above
		}
	}
	cmd.RunE = p.inOffice(&f.clinic, func(ctx context.Context, o office, _ []string) error { return p.policyExplain(ctx, o, f) })
	return cmd
}

func actionNames() string {
	var names []string
	for _, a := range policy.Actions() {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}

func (p *program) policyExplain(ctx context.Context, o office, f explainFlags) error {
	if !slices.Contains(policy.Actions(), policy.Action(f.action)) {
		return &misused{fmt.Errorf("there is no action %q; there is: %s", f.action, actionNames())}
	}
	e, err := o.Explain(ctx, o.operator, records.Explain{
		Principal: clinical.ActorID(f.who), Action: policy.Action(f.action), ID: f.id, Kind: f.kind,
		Purpose: clinical.PurposeOfUse(f.purpose), NoSecondFactor: f.noMFA,
	})
	if err != nil {
		return err
	}
	verdict := "denied"
	if e.Allowed {
		verdict = "allowed"
	}
	_, _ = fmt.Fprintln(p.out, verdict)
	for _, id := range e.Policies {
		_, _ = fmt.Fprintln(p.out, "  by", ruleWords(id))
	}
	for _, words := range e.Errors {
		_, _ = fmt.Fprintln(p.out, "  because", words)
	}
	return nil
}

// ruleWords says what the names mean that are no policy's.
func ruleWords(id string) string {
	switch id {
	case policy.RuleDefaultDeny:
		return id + ": no policy permits it"
	case policy.RuleScope:
		return id + ": the token is too narrow"
	case policy.RuleError:
		return id + ": a policy failed"
	}
	return id
}
