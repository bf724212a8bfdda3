package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/signing"
)

// noteFlags are what an exported note is held to.
type noteFlags struct {
	keys, bytes string
	notes       []string
}

func (p *program) verifyCommand() *cobra.Command {
	return group("verify", "Check, offline, what was exported", p.verifyNoteCommand())
}

func (p *program) verifyNoteCommand() *cobra.Command {
	var f noteFlags
	cmd := &cobra.Command{
		Use:   "note FILE.json --keys jwks.json",
		Short: "Check that signed notes came from exactly these bytes",
		Long: "Holds every signed note in a file to its signature: the text, title, patient, author and signer, and the bytes\n" +
			"of the recordings and documents that it came from. The file is any JSON that holds the FHIR resources: a\n" +
			"Bundle, or a GraphQL answer with fhir and provenance { fhir }; \"-\" reads it from the input. It asks no server:\n" +
			"the keys are those that the server publishes at /.well-known/jwks.json, kept by you.\n\n" +
			"Exit code 1 when anything is not as it was signed, or could not be checked.",
		Args: cobra.ExactArgs(1),
		RunE: do(func(_ context.Context, args []string) error { return p.verifyNote(args[0], f) }),
	}
	cmd.Flags().StringVar(&f.keys, "keys", "", "JSON Web Key Set of the keys to trust (required)")
	cmd.Flags().StringVar(&f.bytes, "bytes", "", "directory of the sources' bytes, under any names (default: only the digests in the file are compared)")
	cmd.Flags().StringSliceVar(&f.notes, "note", nil, "id of a note to check (default: every signed note in the file)")
	if err := cmd.MarkFlagRequired("keys"); err != nil {
		panic(err) // the flag was defined above
	}
	return cmd
}

func (p *program) verifyNote(file string, f noteFlags) error {
	text, err := os.ReadFile(f.keys)
	if err != nil {
		return &misused{err}
	}
	trusted, err := signing.ParseTrusted(text)
	if err != nil {
		return &misused{fmt.Errorf("%s: %w", f.keys, err)}
	}
	export := io.Reader(p.in)
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return &misused{err}
		}
		defer opened.Close()
		export = opened
	}
	var dir fs.FS
	if f.bytes != "" {
		dir = os.DirFS(f.bytes)
	}
	findings, err := signing.Check(export, trusted, dir, f.notes...)
	if err != nil {
		return err
	}
	return p.tell(findings)
}

// tell prints one line for each check.
func (p *program) tell(findings []signing.Finding) error {
	wrong := 0
	for _, f := range findings {
		verdict := "ok  "
		switch {
		case f.Unchecked:
			verdict = "?   "
			wrong++
		case !f.OK:
			verdict = "FAIL"
			wrong++
		}
		_, _ = fmt.Fprintf(p.out, "%s  %s  %s: %s\n", verdict, f.Note, f.What, f.Words)
	}
	if wrong > 0 {
		return &found{}
	}
	_, err := fmt.Fprintln(p.out, "everything is as it was signed")
	return err
}
