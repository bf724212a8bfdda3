package cli

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bonfiredb/bonfire/clinical"
)

// exportFormat names the layout of an export; docs/export.md describes it.
const exportFormat = "bonfire-export/1"

const (
	headerFile   = "export.json"
	manifestFile = "manifest.sha256"
	bundlesDir   = "bundles"
	rowsDir      = "rows"
	bytesDir     = "bytes"
	evidenceDir  = "evidence"
	arrivalsDir  = evidenceDir + "/arrivals"
	partial      = ".partial-" // begins the names of files that are being written
)

// exportHeader says what an export is of. It has no time: the same charts make
// the same export.
type exportHeader struct {
	Format  string             `json:"format"`
	Tenant  clinical.TenantID  `json:"tenant"`
	Patient clinical.PatientID `json:"patient,omitempty"` // "" for all
	// Base and Systems are the addresses that the Bundles were rendered with.
	Base    string `json:"base"`
	Systems string `json:"systems"`
}

// exportDir is the directory of an export. Files appear in it whole, and the
// manifest last.
type exportDir struct {
	root string
	mu   sync.Mutex
	sums map[string]string // by path, with slashes
}

// openExport makes the directory, or takes up an earlier export of the same. It
// touches no directory that is anything else.
func openExport(root string, h exportHeader) (*exportDir, error) {
	header, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return nil, err
	}
	header = append(header, '\n')
	entries, err := os.ReadDir(root)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
	case err != nil:
		return nil, err
	default:
		there, err := os.ReadFile(filepath.Join(root, headerFile))
		if err != nil || !bytes.Equal(there, header) {
			return nil, fmt.Errorf("%s: holds something else than this export; name a new directory", root)
		}
	}
	d := &exportDir{root: root, sums: map[string]string{}}
	for _, dir := range []string{"", bundlesDir, rowsDir, bytesDir, evidenceDir, arrivalsDir} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(root, 0o700); err != nil {
		return nil, err
	}
	for _, m := range []string{manifestFile, path.Join(evidenceDir, manifestFile)} { // not complete until it is again
		if err := os.Remove(filepath.Join(root, m)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	d.sweep()
	return d, d.write(headerFile, func(w io.Writer) error { _, err := w.Write(header); return err })
}

// sweep removes what an interrupted export was writing.
func (d *exportDir) sweep() {
	for _, dir := range []string{"", bundlesDir, rowsDir, bytesDir, evidenceDir, arrivalsDir} {
		left, _ := filepath.Glob(filepath.Join(d.root, dir, partial+"*"))
		for _, name := range left {
			_ = os.Remove(name)
		}
	}
}

// exportFile is a file of an export while it is written.
type exportFile struct {
	*bufio.Writer
	d    *exportDir
	name string
	f    *os.File
	sum  hash.Hash
}

// create begins a file, under another name until it is whole.
func (d *exportDir) create(name string) (*exportFile, error) {
	f, err := os.CreateTemp(filepath.Join(d.root, filepath.FromSlash(path.Dir(name))), partial+"*") // mode 0600
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	return &exportFile{Writer: bufio.NewWriterSize(io.MultiWriter(f, sum), 64<<10), d: d, name: name, f: f, sum: sum}, nil
}

// digest is the hexadecimal SHA-256 of what was written.
func (e *exportFile) digest() (string, error) {
	err := e.Flush()
	return hex.EncodeToString(e.sum.Sum(nil)), err
}

// keep gives the file its name.
func (e *exportFile) keep() error {
	sum, err := e.digest()
	if err == nil {
		err = e.f.Sync()
	}
	if err = errors.Join(err, e.f.Close()); err == nil {
		err = os.Rename(e.f.Name(), filepath.Join(e.d.root, filepath.FromSlash(e.name)))
	}
	if err != nil {
		_ = os.Remove(e.f.Name())
		return err
	}
	e.d.record(e.name, sum)
	return nil
}

// drop forgets it; after keep, or of nil, it does nothing.
func (e *exportFile) drop() {
	if e != nil && e.f.Close() == nil {
		_ = os.Remove(e.f.Name())
	}
}

func (d *exportDir) record(name, sum string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sums[name] = sum
}

func (d *exportDir) write(name string, fill func(io.Writer) error) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	defer f.drop()
	if err := fill(f); err != nil {
		return err
	}
	return f.keep()
}

// has reports whether the file is there and has this digest, and records it then.
func (d *exportDir) has(name, sum string, size int64) bool {
	full := filepath.Join(d.root, filepath.FromSlash(name))
	info, err := os.Lstat(full)
	if err != nil || !info.Mode().IsRegular() || info.Size() != size {
		return false
	}
	is, err := sumOf(full)
	if err != nil || is != sum {
		return false
	}
	d.record(name, sum)
	return true
}

// finish writes the manifests: first that of the evidence, then that which says
// that the export is complete.
func (d *exportDir) finish() error {
	record, evidence := map[string]string{}, map[string]string{}
	for name, sum := range d.sums {
		if rest, ok := strings.CutPrefix(name, evidenceDir+"/"); ok {
			evidence[rest] = sum
		} else {
			record[name] = sum
		}
	}
	for _, m := range []struct {
		name string
		sums map[string]string
	}{{path.Join(evidenceDir, manifestFile), evidence}, {manifestFile, record}} {
		if err := d.write(m.name, func(w io.Writer) error {
			for _, name := range slices.Sorted(maps.Keys(m.sums)) {
				if _, err := fmt.Fprintf(w, "%s  %s\n", m.sums[name], name); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// strays are files that are not of the export.
func (d *exportDir) strays() (out []string) {
	_ = filepath.WalkDir(d.root, func(full string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(d.root, full)
			if name = filepath.ToSlash(name); d.sums[name] == "" {
				out = append(out, name)
			}
		}
		return nil
	})
	return out
}

// sumOf is the hexadecimal SHA-256 of a file.
func sumOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
