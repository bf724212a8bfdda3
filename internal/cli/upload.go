package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/internal/sender"
)

// defaultServer is where `serve --dev` listens.
const defaultServer = "http://localhost:8080"

func (p *program) uploadCommand() *cobra.Command {
	var job sender.Job
	cmd := &cobra.Command{
		Use:   "upload FILE --patient ID --kind KIND",
		Short: "File a document; interrupted and run again, it goes on where it was",
		Long: "Sends a file to a server and prints the record that it became. Interrupted and run again with the same file,\n" +
			"it goes on where it was. FILE may be - for standard input, which can't be resumed.",
		Args: cobra.ExactArgs(1),
		RunE: do(func(ctx context.Context, args []string) error {
			job.Path = args[0]
			return p.upload(ctx, job)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&job.Patient, "patient", "", "the patient's id (required)")
	flags.StringVar(&job.Kind, "kind", "", "what it is, such as intake-form or session-audio (required)")
	flags.StringVar(&job.Encounter, "encounter", "", "id of the visit it belongs to")
	flags.StringVar(&job.Title, "title", "", "a title for the record")
	flags.StringVar(&job.ContentType, "content-type", "", "media type (default: as the first bytes look)")
	flags.StringVar(&job.Server, "server", defaultServer, "the server's address")
	flags.StringVar(&job.Token, "token", "", "bearer token (default: BONFIRE_TOKEN, where other users of this machine can't see it)")
	for _, name := range []string{"patient", "kind"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag was defined above
		}
	}
	return cmd
}

func (p *program) upload(ctx context.Context, job sender.Job) error {
	if job.Token == "" {
		job.Token = p.vars["BONFIRE_TOKEN"]
	}
	if job.Token == "" {
		return &misused{errors.New("no token: set BONFIRE_TOKEN or give --token; for a server with --dev: " + p.name + " dev token clinician")}
	}
	job.Stream = p.in
	job.StateDir = stateDir(p.vars)
	progress := p.progress()
	job.Watch = progress.watch()
	record, err := job.Send(ctx)
	progress.end()
	if err != nil {
		if ctx.Err() != nil && job.Path != "-" {
			return errors.New("interrupted; run it again to go on")
		}
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s/%s\nsize    %d\nsha256  %s\n", record.ResourceType, record.ID, record.Size, record.SHA256)
	return err
}

// stateDir is where notes of unfinished uploads are kept (XDG Base Directory
// Specification: XDG_STATE_HOME); "" when the environment names no home.
func stateDir(vars map[string]string) string {
	if dir := vars["XDG_STATE_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "bonfire")
	}
	if home := vars["HOME"]; home != "" {
		return filepath.Join(home, ".local", "state", "bonfire")
	}
	return ""
}
