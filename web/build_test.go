package web

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// page is one of those that are built and embedded here.
type page struct {
	name   string
	files  fs.FS
	beside []string // folders of the repository that it is made of, too
}

var pages = []page{
	{"console", consoleFiles, []string{"sdk/typescript/src"}},
	{"playground", playgroundFiles, nil},
}

// The committed builds are those of the committed sources. pack.mjs writes the digests.
func TestPagesAreBuiltFromTheirSources(t *testing.T) {
	for _, p := range pages {
		built, err := fs.ReadFile(p.files, p.name+"/dist/SOURCE.sha256")
		if err != nil {
			t.Fatal(err)
		}
		sources, err := sourceDigest(os.DirFS(".."), append([]string{"web/" + p.name}, p.beside...)...)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(built)) != sources {
			t.Errorf("web/%s has changed since it was built (%.12s, built from %.12s): run `make pages` and commit dist",
				p.name, sources, built)
		}
	}
}

// sourceDigest is the SHA-256 of what sha256sum prints for the sources in the byte order of
// their paths in the repository.
func sourceDigest(repository fs.FS, parts ...string) (string, error) {
	paths := []string{"web/pack.mjs"}
	for _, part := range parts {
		found, err := sources(repository, part)
		if err != nil {
			return "", err
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	list := sha256.New()
	for _, path := range paths {
		content, err := fs.ReadFile(repository, path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(list, "%x  %s\n", sha256.Sum256(content), path)
	}
	return fmt.Sprintf("%x", list.Sum(nil)), nil
}

// sources are all files of a part but the hidden ones, the dependencies, the build and the
// browser test.
func sources(repository fs.FS, part string) ([]string, error) {
	var paths []string
	err := fs.WalkDir(repository, part, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{part + "/dist", part + "/node_modules", part + "/test"}, path):
			return fs.SkipDir
		case path != part && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir():
			paths = append(paths, path)
		}
		return nil
	})
	return paths, err
}

func TestSourceDigestSeesEachChange(t *testing.T) {
	digest := func(repository fstest.MapFS) string {
		t.Helper()
		d, err := sourceDigest(repository, "page", "lib")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	file := func(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }
	changed := func(files ...string) fstest.MapFS {
		repository := fstest.MapFS{
			"web/pack.mjs": file("0"), "page/src/a.js": file("1"), "page/src-b.js": file("2"), "lib/c.ts": file("3"),
		}
		for i := 0; i < len(files); i += 2 {
			if delete(repository, files[i]); files[i+1] != "" {
				repository[files[i]] = file(files[i+1])
			}
		}
		return repository
	}
	base := digest(changed())

	for name, other := range map[string]fstest.MapFS{
		"content": changed("page/src-b.js", "3"),
		"name":    changed("page/src-b.js", "", "page/src-c.js", "2"),
		"removed": changed("page/src-b.js", ""),
		"nested":  changed("page/src/dist/x.js", "4"),
		"beside":  changed("lib/c.ts", "4"),
		"packing": changed("web/pack.mjs", "4"),
	} {
		if digest(other) == base {
			t.Errorf("%s: a change the digest does not see", name)
		}
	}
	same := digest(changed(
		"page/dist/x", "built", "page/node_modules/x", "fetched", "page/test/x", "test", "page/.x", "hidden", "else/x", "not of it",
	))
	if same != base {
		t.Error("the digest covers what is no source")
	}
}

// Everything the page names is there, and everything there unpacks to the size it is announced
// with.
func TestPageBuildsAreWhole(t *testing.T) {
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) { testBuildIsWhole(t, p) })
	}
}

func testBuildIsWhole(t *testing.T, p page) {
	dist, err := fs.Sub(p.files, p.name+"/dist")
	if err != nil {
		t.Fatal(err)
	}
	s := mustLoadSite(dist)
	reference := regexp.MustCompile(`(?:src|href)="\./([^"]+)"`)
	for address, a := range s {
		content := gunzip(t, a.gzipped)
		if int64(len(content)) != a.size {
			t.Errorf("%s: %d bytes, announced as %d", address, len(content), a.size)
		}
		if a.contentType != contentTypes[".html"] {
			continue
		}
		found := reference.FindAllSubmatch(content, -1)
		if len(found) < 2 { // a script and a style sheet
			t.Errorf("%s names %d files", address, len(found))
		}
		for _, name := range found {
			if _, built := s[string(name[1])]; !built {
				t.Errorf("%s names %s, which was not built", address, name[1])
			}
		}
	}
	if _, built := s["licenses.txt"]; !built {
		t.Error("the licences of what is bundled go along with it")
	}
	for address := range s {
		if strings.HasSuffix(address, ".map") {
			t.Errorf("%s: source maps stay out", address)
		}
	}
}

func TestDefectiveBuildsAreRefused(t *testing.T) {
	for name, build := range map[string]fstest.MapFS{
		"no gzip":           {"index.html.gz": {Data: []byte("<!doctype html>, as plain text")}},
		"cut short":         {"index.html.gz": {Data: []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")}},
		"unknown extension": {"page.xyz.gz": {Data: []byte{}}},
		"no page":           {},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: taken", name)
				}
			}()
			mustLoadSite(build)
		}()
	}
}
