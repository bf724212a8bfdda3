package fhir

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// BundleKind is Bundle.type (http://hl7.org/fhir/R4/valueset-bundle-type.html).
type BundleKind string

// The kinds which are written: an export, and the answer to a search.
const (
	Collection BundleKind = "collection"
	Searchset  BundleKind = "searchset"
)

// SearchMode says why an entry is in a searchset
// (http://hl7.org/fhir/R4/valueset-search-entry-mode.html); "" in a collection.
type SearchMode string

// The modes.
const (
	Match   SearchMode = "match"
	Include SearchMode = "include"
	Notice  SearchMode = "outcome"
)

// BundleOptions is what a Bundle says of itself.
type BundleOptions struct {
	// ID is a UUID; "" leaves out the id and the identifier.
	ID string
	// Timestamp is when the Bundle was put together; the zero time leaves it out.
	Timestamp time.Time
	// Self is the request's own URL, of a searchset.
	Self string
	// Total is the number of matches over all pages; nil when it was not
	// counted. A collection never says it (bdl-1).
	Total *int
}

// BundleWriter writes a Bundle entry by entry (http://hl7.org/fhir/R4/bundle.html).
// It holds one entry at a time, however many there are. It is for one goroutine.
type BundleWriter struct {
	w     *bufio.Writer
	kind  BundleKind
	head  bundleHead
	entry bytes.Buffer
	n     int
	next  string
	self  string
	done  bool
	err   error // the first error of the writer beneath; nothing is written after it
}

type bundleHead struct {
	ResourceType string      `json:"resourceType"`
	ID           string      `json:"id,omitempty"`
	Meta         *Meta       `json:"meta,omitempty"`
	Identifier   *Identifier `json:"identifier,omitempty"`
	Type         BundleKind  `json:"type"`
	Timestamp    *time.Time  `json:"timestamp,omitempty"`
	Total        *int        `json:"total,omitempty"`
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type bundleEntry struct {
	FullURL  string        `json:"fullUrl"`
	Resource Resource      `json:"resource"`
	Search   *bundleSearch `json:"search,omitempty"`
}

type bundleSearch struct {
	Mode SearchMode `json:"mode"`
}

// NewBundleWriter begins a Bundle on w. Nothing reaches w before the first
// entry or Close.
func NewBundleWriter(w io.Writer, kind BundleKind, opt BundleOptions) *BundleWriter {
	b := &BundleWriter{w: bufio.NewWriterSize(w, 32<<10), kind: kind}
	b.head = bundleHead{ResourceType: "Bundle", Type: kind, Timestamp: instant(opt.Timestamp)}
	if b.head.Timestamp != nil {
		b.head.Meta = &Meta{LastUpdated: b.head.Timestamp}
	}
	if validID(opt.ID) {
		b.head.ID = opt.ID
		b.head.Identifier = &Identifier{System: uri, Value: "urn:uuid:" + opt.ID}
	}
	if kind == Searchset {
		b.head.Total, b.self = opt.Total, opt.Self
	}
	return b
}

// Entry adds a resource at its absolute address. mode is required in a
// searchset and must be "" in a collection. An entry which cannot be written
// leaves the Bundle as it was, unless the writer beneath failed.
func (b *BundleWriter) Entry(fullURL string, res Resource, mode SearchMode) error {
	if err := b.check(fullURL, res, mode); err != nil {
		return err
	}
	e := bundleEntry{FullURL: fullURL, Resource: res}
	if mode != "" {
		e.Search = &bundleSearch{Mode: mode}
	}
	b.entry.Reset()
	if err := encoder(&b.entry).Encode(e); err != nil {
		return fmt.Errorf("bundle: entry %d: %w", b.n, err)
	}
	if b.n == 0 {
		b.open()
		b.write([]byte(`,"entry":[` + "\n"))
	} else {
		b.write([]byte(","))
	}
	b.write(b.entry.Bytes())
	b.n++
	return b.err
}

// check refuses what no reader could make sense of (bdl-3, bdl-4, bdl-8).
func (b *BundleWriter) check(fullURL string, res Resource, mode SearchMode) error {
	if b.err != nil {
		return b.err
	}
	if b.done {
		return errors.New("bundle: entry after Close")
	}
	if (mode != "") != (b.kind == Searchset) {
		return fmt.Errorf("bundle: search mode %q in a %s", mode, b.kind)
	}
	resourceType, id := res.Key()
	web := strings.HasPrefix(fullURL, "https://") || strings.HasPrefix(fullURL, "http://")
	if web && strings.HasSuffix(fullURL, "/"+resourceType+"/"+id) || strings.HasPrefix(fullURL, "urn:uuid:") {
		return nil
	}
	return fmt.Errorf("bundle: full URL of entry %d is not the absolute address of a %s", b.n, resourceType)
}

// Next sets the address of the next page of a searchset. It may come as late
// as just before Close: whether there is another page is often known last.
func (b *BundleWriter) Next(url string) { b.next = url }

// Len is the number of entries so far.
func (b *BundleWriter) Len() int { return b.n }

// Close ends the Bundle and hands the rest to the writer beneath, which it does
// not close. A Bundle without Close is not JSON: a reader sees that it was cut short.
func (b *BundleWriter) Close() error {
	if b.done || b.err != nil {
		return b.err
	}
	b.done = true
	if b.n == 0 {
		b.open()
	} else {
		b.write([]byte("]"))
	}
	if links := b.links(); len(links) > 0 {
		b.write([]byte(`,"link":`))
		b.write(b.encode(links))
	}
	b.write([]byte("}\n"))
	if b.err == nil {
		b.err = b.w.Flush()
	}
	return b.err
}

func (b *BundleWriter) links() []bundleLink {
	var out []bundleLink
	for _, l := range []bundleLink{{"self", b.self}, {"next", b.next}} {
		if b.kind == Searchset && l.URL != "" {
			out = append(out, l)
		}
	}
	return out
}

// open writes the head without its closing brace: the entries go inside.
func (b *BundleWriter) open() {
	b.write(bytes.TrimSuffix(b.encode(b.head), []byte("}")))
}

func (b *BundleWriter) encode(v any) []byte {
	out, err := encode(v)
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("bundle: %w", err)
	}
	return out
}

func (b *BundleWriter) write(p []byte) {
	if b.err == nil {
		_, b.err = b.w.Write(p)
	}
}
