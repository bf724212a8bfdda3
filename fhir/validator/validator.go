package validator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// ErrNotInstalled says that Node.js or the check's two packages are missing.
var ErrNotInstalled = errors.New("the FHIR validator is not installed: run `make test`, which runs `npm ci --prefix fhir/validator` (Node.js 20 or newer) before the tests")

// Report is what was found in one resource, its Bundle entries included.
type Report struct {
	File string `json:"file"`
	// Index is the resource's place in the file: its line, in NDJSON without empty lines.
	Index    int      `json:"index"`
	Resource string   `json:"resource"`
	Findings []string `json:"findings"`
}

// Files checks files of one resource, a JSON array or NDJSON each.
func Files(ctx context.Context, files ...string) ([]Report, error) {
	return run(ctx, nil, files)
}

// Reader checks one resource, a JSON array or NDJSON.
func Reader(ctx context.Context, r io.Reader) ([]Report, error) {
	return run(ctx, r, []string{"-"})
}

func run(ctx context.Context, stdin io.Reader, files []string) ([]Report, error) {
	dir, err := home()
	if err != nil {
		return nil, err
	}
	args := append([]string{filepath.Join(dir, "validate.mjs"), "--json"}, files...)
	cmd := exec.CommandContext(ctx, "node", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return nil, fmt.Errorf("validate.mjs: %w: %.2000s", err, stderr.String())
	}
	var reports []Report
	if err := json.Unmarshal(stdout.Bytes(), &reports); err != nil {
		return nil, fmt.Errorf("validate.mjs: %w: %.2000s", err, stderr.String())
	}
	return reports, nil
}

// home is this directory, once everything the check needs is there.
func home() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return "", errors.New("the FHIR validator does not know its own directory: build the tests without -trimpath")
	}
	dir := filepath.Dir(file)
	for _, pkg := range []string{"core", "definitions"} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", "@medplum", pkg, "package.json")); err != nil {
			return "", fmt.Errorf("%w (%v)", ErrNotInstalled, err)
		}
	}
	if _, err := exec.LookPath("node"); err != nil {
		return "", fmt.Errorf("%w (%v)", ErrNotInstalled, err)
	}
	return dir, nil
}
