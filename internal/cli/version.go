package cli

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print what this program was built from", Args: cobra.NoArgs,
		RunE: do(func(context.Context, []string) error {
			_, err := fmt.Fprintln(p.out, version())
			return err
		}),
	}
}

// version is the module's version, the revision and the compiler, as the
// compiler noted them.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "bonfire (no build information)"
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	out := "bonfire " + info.Main.Version
	if rev := set["vcs.revision"]; rev != "" {
		out += " " + rev[:min(12, len(rev))]
		if set["vcs.modified"] == "true" {
			out += "+changes"
		}
	}
	if tags := set["-tags"]; tags != "" {
		out += " [" + tags + "]"
	}
	return out + " " + info.GoVersion + " " + set["GOOS"] + "/" + set["GOARCH"]
}
