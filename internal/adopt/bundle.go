package adopt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Lost is something of a Bundle that was not taken, and why.
type Lost struct{ Path, Why string }

// Bundle is one that was read.
type Bundle struct {
	// SHA256 is the hexadecimal digest of the file.
	SHA256  string
	Lost    []Lost
	at      time.Time // of what has no time of its own
	data    []Data
	entries []*entry
	byURL   map[string]*entry
}

// entry is one resource, as far as it is understood.
type entry struct {
	path, url string
	resource  resource
}

type resource struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	Meta         struct {
		LastUpdated string `json:"lastUpdated"`
	} `json:"meta"`
	raw json.RawMessage
}

// bundleTypes are those that hold resources as they are.
var bundleTypes = []string{"collection", "searchset", "transaction", "batch"}

// Read takes a Bundle apart. Bytes of documents go to files in dir, which is the
// caller's to remove. at is the time of what says none.
func Read(in io.Reader, dir string, at time.Time) (*Bundle, error) {
	sum := sha256.New()
	skeleton, err := os.Create(filepath.Join(dir, "skeleton.json"))
	if err != nil {
		return nil, err
	}
	defer skeleton.Close()
	b := &Bundle{at: at, byURL: map[string]*entry{}}
	if b.data, err = split(io.TeeReader(in, sum), skeleton, dir); err != nil {
		return nil, err
	}
	b.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if _, err := skeleton.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return b, b.decode(json.NewDecoder(skeleton))
}

// decode reads the Bundle entry by entry.
func (b *Bundle) decode(dec *json.Decoder) error {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("this is no JSON object")
	}
	var kind, bundleType string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		switch key {
		case "resourceType":
			err = dec.Decode(&kind)
		case "type":
			err = dec.Decode(&bundleType)
		case "entry":
			err = b.decodeEntries(dec)
		case "link":
			err = b.decodeLinks(dec)
		default:
			err = dec.Decode(new(json.RawMessage))
		}
		if err != nil {
			return fmt.Errorf("%v: %w", key, err)
		}
	}
	if kind != "Bundle" || !slices.Contains(bundleTypes, bundleType) {
		return fmt.Errorf("this is no FHIR Bundle of a type among %s", strings.Join(bundleTypes, ", "))
	}
	return nil
}

func (b *Bundle) decodeLinks(dec *json.Decoder) error {
	var links []struct{ Relation string }
	if err := dec.Decode(&links); err != nil {
		return err
	}
	for i, l := range links {
		if l.Relation == "next" {
			b.lose(fmt.Sprintf("link[%d]", i), "there is a further page, which is not in this file")
		}
	}
	return nil
}

func (b *Bundle) decodeEntries(dec *json.Decoder) error {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("is no list")
	}
	for i := 0; dec.More(); i++ {
		var in struct {
			FullURL  string
			Resource json.RawMessage
			Request  *struct{ Method string }
		}
		if err := dec.Decode(&in); err != nil {
			return fmt.Errorf("entry[%d]: %w", i, err)
		}
		path := fmt.Sprintf("entry[%d].resource", i)
		e := &entry{path: path, url: in.FullURL}
		switch err := json.Unmarshal(in.Resource, &e.resource); {
		case in.Request != nil && in.Request.Method != "POST" && in.Request.Method != "PUT":
			b.lose(fmt.Sprintf("entry[%d].request", i), "asks for a change of what is elsewhere")
			continue
		case len(in.Resource) == 0:
			b.lose(fmt.Sprintf("entry[%d]", i), "has no resource")
			continue
		case err != nil || e.resource.ResourceType == "":
			b.lose(path, "is no resource")
			continue
		}
		e.resource.raw = in.Resource
		if e.url == "" {
			e.url = e.resource.ResourceType + "/" + e.resource.ID
		}
		b.entries = append(b.entries, e)
		b.byURL[e.url] = e
		if e.resource.ID != "" {
			b.byURL[e.resource.ResourceType+"/"+e.resource.ID] = e
		}
	}
	_, err := dec.Token()
	return err
}

func (b *Bundle) lose(path, why string) { b.Lost = append(b.Lost, Lost{path, why}) }

// find is the entry of that type that a reference means; nil when it is not in the Bundle.
func (b *Bundle) find(reference, resourceType string) *entry {
	reference, _, _ = strings.Cut(reference, "/_history/")
	e := b.byURL[reference]
	if e == nil {
		if parts := strings.Split(reference, "/"); len(parts) > 2 {
			e = b.byURL[strings.Join(parts[len(parts)-2:], "/")]
			if e != nil && strings.Contains(e.url, "://") && e.url != reference {
				e = nil // of another server
			}
		}
	}
	if e == nil || e.resource.ResourceType != resourceType {
		return nil
	}
	return e
}

// unkept names the elements of a resource that have no place here.
func (b *Bundle) unkept(e *entry, kept ...string) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(e.resource.raw, &all); err != nil {
		return
	}
	kept = append(kept, "resourceType", "id", "meta", "text", "status")
	var names []string
	for name := range all {
		if !slices.Contains(kept, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		b.lose(e.path+"."+name, "is not kept")
	}
}
