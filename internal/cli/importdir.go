package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// readDir is an export that is read.
type readDir struct {
	exportHeader
	root     string
	manifest string            // its own SHA-256
	sums     map[string]string // of all files, by path
	patients []clinical.PatientID
	bytes    map[clinical.FileID]string // where they lie
}

// readExport reads what a directory says of itself.
func readExport(root string) (*readDir, error) {
	e := &readDir{root: root, sums: map[string]string{}, bytes: map[clinical.FileID]string{}}
	header, err := os.ReadFile(e.full(headerFile))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(header, &e.exportHeader); err != nil || e.Format != exportFormat {
		return nil, fmt.Errorf("%s: is no export of the format %s", e.full(headerFile), exportFormat)
	}
	if e.manifest, err = sumOf(e.full(manifestFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: the export was interrupted; run it again where it was made", root, manifestFile)
	} else if err != nil {
		return nil, err
	}
	for _, dir := range []string{"", evidenceDir} {
		if err := e.readManifest(dir); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.sums)) {
		base, _, _ := strings.Cut(path.Base(name), ".")
		switch path.Dir(name) {
		case rowsDir:
			e.patients = append(e.patients, clinical.PatientID(base))
		case bytesDir:
			e.bytes[clinical.FileID(base)] = name
		}
	}
	return e, nil
}

func (e *readDir) full(name string) string { return filepath.Join(e.root, filepath.FromSlash(name)) }

func (e *readDir) readManifest(dir string) error {
	name := path.Join(dir, manifestFile)
	text, err := os.ReadFile(e.full(name))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		sum, file, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || len(sum) != 64 || !filepath.IsLocal(filepath.FromSlash(file)) {
			return fmt.Errorf("%s: is no list of sha256sum", e.full(name))
		}
		e.sums[path.Join(dir, file)] = sum
	}
	return nil
}

// verify names the files that are not as they were exported.
func (e *readDir) verify(ctx context.Context, steps *steps) (wrong []string, err error) {
	defer steps.end()
	for i, name := range slices.Sorted(maps.Keys(e.sums)) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		steps.step(int64(i), int64(len(e.sums)))
		is, err := sumOf(e.full(name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, "missing: "+name)
		case err != nil:
			return nil, err
		case is != e.sums[name]:
			wrong = append(wrong, "changed: "+name)
		}
	}
	return wrong, nil
}

// rowTaker takes rows.
type rowTaker = func(table string, row json.RawMessage) error

// rows gives the rows of a chart, and then those that tell of its earlier imports.
func (e *readDir) rows(patient clinical.PatientID, take rowTaker) error {
	for _, dir := range []string{rowsDir, arrivalsDir} {
		name := path.Join(dir, string(patient)+".ndjson")
		if e.sums[name] == "" {
			continue
		}
		if err := e.lines(name, take); err != nil {
			return err
		}
	}
	return nil
}

func (e *readDir) lines(name string, take rowTaker) error {
	f, err := os.Open(e.full(name))
	if err != nil {
		return err
	}
	defer f.Close()
	for in, n := bufio.NewReaderSize(f, 1<<16), 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var line rowLine
		if err := json.Unmarshal(text, &line); err != nil {
			return clinical.Bad(fmt.Sprintf("%s line %d", name, n), "is no row")
		}
		if err := take(line.Table, line.Row); err != nil {
			return err
		}
	}
}

// open gives the bytes of a file.
func (e *readDir) open(id clinical.FileID) (records.Bytes, error) {
	name, ok := e.bytes[id]
	if !ok {
		return nil, clinical.Bad("file "+string(id), "has no bytes in the manifest")
	}
	return os.Open(e.full(name))
}
