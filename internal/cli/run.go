package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/internal/config"
)

// Exit codes of every command.
const (
	exitOK      = 0
	exitFailed  = 1 // it was tried and failed, or found something
	exitMisused = 2 // it was asked for wrongly, or configured wrongly
)

// program is one run of the program.
type program struct {
	name     string   // how it was called, for lines to copy
	environ  []string // NAME=value
	vars     map[string]string
	in       io.Reader
	out, err io.Writer
}

// Run runs the program as a shell would: args are those of main, the name
// included, environ the environment as NAME=value. It ends when the command is
// done or ctx is, and gives the exit code. It takes nothing from the process
// but the clock and the file system, except that the AWS SDK reads the
// process's own AWS_* where environ names no access key.
func Run(ctx context.Context, args, environ []string, in io.Reader, out, errs io.Writer) int {
	p := &program{name: "bonfire", environ: environ, vars: config.Vars(environ), in: in, out: out, err: errs}
	if len(args) > 0 {
		p.name, args = args[0], args[1:]
	}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if errors.As(err, new(*found)) { // already printed
		return exitFailed
	}
	_, _ = fmt.Fprintf(errs, "bonfire: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	if errors.As(err, new(*started)) && !errors.As(err, new(*misused)) {
		return exitFailed
	}
	if !errors.As(err, new(*misused)) {
		_, _ = fmt.Fprintf(errs, "see: %s --help\n", cmd.CommandPath())
	}
	return exitMisused
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "bonfire",
		Short:         "File and attachment storage for clinical data",
		Long:          "Bonfire files keeps clinical files in your own S3 bucket and, for each, a FHIR R4 record,\nan access decision, an audit trail and a provenance chain.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.serveCommand(), p.devstackCommand(), p.migrateCommand(), p.uploadCommand(),
		p.devCommand(), p.doctorCommand(), p.fsckCommand(), p.clinicCommand(), p.memberCommand(), p.keyCommand(), p.policyCommand(), p.auditCommand(), p.verifyCommand(),
		p.exportCommand(), p.importCommand(), p.versionCommand())
	return root
}

// started marks an error of a command that was called rightly.
type started struct{ error }

func (s *started) Unwrap() error { return s.error }

// misused marks an error of the call or the configuration.
type misused struct{ error }

func (m *misused) Unwrap() error { return m.error }

// found is a finding that the command has printed itself.
type found struct{}

func (*found) Error() string { return "found something" }

// do makes a cobra RunE of a command's work.
func do(work func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := work(cmd.Context(), args); err != nil {
			return &started{err}
		}
		return nil
	}
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name())
	}
	g := &cobra.Command{
		Use: use, Short: short,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%s has no command %q; there is: %s", use, args[0], strings.Join(names, ", "))
			}
			return fmt.Errorf("%s what? There is: %s", use, strings.Join(names, ", "))
		},
	}
	g.AddCommand(commands...)
	return g
}

// load reads the configuration, with further lines over the environment's.
func (p *program) load(over ...string) (config.Config, error) {
	c, err := config.Load(append(append([]string{}, p.environ...), over...))
	if err != nil {
		return c, &misused{err}
	}
	return c, nil
}
