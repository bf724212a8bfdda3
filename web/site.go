package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// site serves one built web application. Its files are kept only gzipped, as the build left
// them, and unpacked for the rare client that does not take gzip. Addresses are looked up in a
// map of what was built, so nothing else can be reached by any spelling of a path.
type site map[string]asset

// asset is one file of a site, ready to send.
type asset struct {
	gzipped     []byte
	size        int64 // unpacked, bytes
	contentType string
	caching     string // Cache-Control
	digest      string // of the gzipped bytes; names both representations
}

const (
	// Names below assets/ hold a digest of the content: they never change.
	cacheForever = "public, max-age=31536000, immutable"
	// The rest keeps its name from build to build: ask each time, by ETag.
	cacheAndAsk = "no-cache"

	// A gzip file's header and trailer; the last four bytes give the unpacked size
	// (RFC 1952, section 2.3).
	gzipFrame = 18
)

// contentTypes does not rest on the machine's own table, as package mime does.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".ttf":   "font/ttf",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// mustLoadSite reads the *.gz files of an embedded build; index.html answers for the directory.
// It panics when the build is not whole, which the tests of this package rule out for a commit.
func mustLoadSite(build fs.FS) site {
	s := site{}
	err := fs.WalkDir(build, ".", func(name string, entry fs.DirEntry, err error) error {
		address, packed := strings.CutSuffix(name, ".gz")
		if err != nil || entry.IsDir() || !packed {
			return err
		}
		s[address], err = loadAsset(build, name, address)
		return err
	})
	page, found := s["index.html"]
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	if err != nil {
		panic("web: the embedded build is not whole: " + err.Error())
	}
	s[""] = page
	return s
}

func loadAsset(build fs.FS, name, address string) (asset, error) {
	gzipped, err := fs.ReadFile(build, name)
	if err != nil {
		return asset{}, err
	}
	contentType, known := contentTypes[path.Ext(address)]
	if !known {
		return asset{}, fmt.Errorf("%s: no content type for this extension", address)
	}
	caching := cacheAndAsk
	if strings.HasPrefix(address, "assets/") {
		caching = cacheForever
	}
	digest := sha256.Sum256(gzipped)
	a := asset{
		gzipped:     gzipped,
		contentType: contentType,
		caching:     caching,
		digest:      hex.EncodeToString(digest[:16]),
	}
	if _, err := a.unpack(); err != nil || len(gzipped) < gzipFrame {
		return asset{}, fmt.Errorf("%s: not a gzip file", name)
	}
	a.size = int64(binary.LittleEndian.Uint32(gzipped[len(gzipped)-4:]))
	return a, nil
}

// ServeHTTP answers for the path below the mount point, without a leading slash.
func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	file, found := s[r.URL.Path]
	if !found {
		w.Header().Set("Cache-Control", cacheAndAsk)
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	file.serve(w, r)
}

// serve sends the representation the client takes. The two have different ETags, as
// RFC 9110, section 8.8.3.3, asks of strong ones.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	asIs := acceptsGzip(r.Header.Values("Accept-Encoding"))
	etag, length := `"`+a.digest+`"`, a.size
	if asIs {
		etag, length = `"`+a.digest+`-gzip"`, int64(len(a.gzipped))
	}

	h := w.Header()
	h.Set("Cache-Control", a.caching)
	h.Set("ETag", etag)
	h.Add("Vary", "Accept-Encoding")
	if matches(r.Header.Values("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}

	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	if asIs {
		h.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodHead {
		return
	}
	// What fails from here on is the connection: the client left.
	if asIs {
		_, _ = w.Write(a.gzipped)
	} else if plain, err := a.unpack(); err == nil {
		_, _ = io.Copy(w, plain)
	}
}

func (a asset) unpack() (io.Reader, error) {
	return gzip.NewReader(bytes.NewReader(a.gzipped))
}
