package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// envFile is where a running embedded stack says how it is reached.
const envFile = "env"

// shareEnv writes settings to a file of the data directory, as lines that a shell
// reads, so that the other commands can be pointed at a stack which runs. They are
// secrets: the file is for its owner alone. withdraw removes it; after a kill it
// stays until the next start writes it anew.
func shareEnv(dir string, settings []string) (withdraw func(), err error) {
	var b strings.Builder
	for _, line := range settings {
		name, value, _ := strings.Cut(line, "=")
		fmt.Fprintf(&b, "%s=%s\n", name, quote(value))
	}
	path := filepath.Join(dir, envFile)
	if err := os.WriteFile(path+".new", []byte(b.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write the settings of the embedded stack: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, fmt.Errorf("write the settings of the embedded stack: %w", err)
	}
	return func() { _ = os.Remove(path) }, nil
}

// sharedEnv reads that file: the settings of the stack that runs on dir, without
// those which the environment names itself.
func sharedEnv(dir string, environ []string) (settings []string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, envFile))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, name+"=") }) {
			settings = append(settings, name+"="+unquote(value))
		}
	}
	return settings, nil
}

// shellEnv is the command that reads that file.
func shellEnv(dir string) string {
	path := filepath.Join(dir, envFile)
	if !filepath.IsAbs(path) {
		path = "./" + path // without a slash a shell looks along its PATH
	}
	return "set -a; . " + quote(path) + "; set +a"
}
