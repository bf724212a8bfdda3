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

// The committed build is that of the committed sources. playground/pack.js writes the digest.
func TestPlaygroundIsBuiltFromItsSources(t *testing.T) {
	built, err := fs.ReadFile(playgroundFiles, "playground/dist/SOURCE.sha256")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := sourceDigest(os.DirFS("playground"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(built)) != sources {
		t.Errorf("web/playground has changed since it was built (%.12s, built from %.12s): "+
			"run `npm ci && npm run build` there and commit dist", sources, built)
	}
}

// sourceDigest is the SHA-256 of what sha256sum prints for the sources in the byte order of
// their paths.
func sourceDigest(project fs.FS) (string, error) {
	paths, err := sources(project)
	if err != nil {
		return "", err
	}
	list := sha256.New()
	for _, path := range paths {
		content, err := fs.ReadFile(project, path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(list, "%x  %s\n", sha256.Sum256(content), path)
	}
	return fmt.Sprintf("%x", list.Sum(nil)), nil
}

// sources are all files but the hidden ones, the dependencies, the build and the browser test.
func sources(project fs.FS) ([]string, error) {
	var paths []string
	err := fs.WalkDir(project, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"dist", "node_modules", "test"}, path):
			return fs.SkipDir
		case path != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir():
			paths = append(paths, path)
		}
		return nil
	})
	slices.Sort(paths)
	return paths, err
}

func TestSourceDigestSeesEachChange(t *testing.T) {
	digest := func(project fstest.MapFS) string {
		t.Helper()
		d, err := sourceDigest(project)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	file := func(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }
	base := digest(fstest.MapFS{"src/a.js": file("1"), "src-b.js": file("2")})

	for name, other := range map[string]fstest.MapFS{
		"content": {"src/a.js": file("1"), "src-b.js": file("3")},
		"name":    {"src/a.js": file("1"), "src-c.js": file("2")},
		"removed": {"src/a.js": file("1")},
		"nested":  {"src/a.js": file("1"), "src-b.js": file("2"), "src/dist/x.js": file("4")},
	} {
		if digest(other) == base {
			t.Errorf("%s: a change the digest does not see", name)
		}
	}
	same := digest(fstest.MapFS{
		"src/a.js": file("1"), "src-b.js": file("2"),
		"dist/x": file("built"), "node_modules/x": file("fetched"), "test/x": file("test"), ".x": file("hidden"),
	})
	if same != base {
		t.Error("the digest covers what is no source")
	}
}

// Everything the page names is there, and everything there unpacks to the size it is announced
// with.
func TestPlaygroundBuildIsWhole(t *testing.T) {
	dist, err := fs.Sub(playgroundFiles, "playground/dist")
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
