package server

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/config"
)

// kindEntry is one kind as BONFIRE_KINDS_FILE writes it:
//
//	kinds:
//	  - code: gait-video
//	    display: Gait video
//	    resource: Media
//	    category: media
//	    contentTypes: [video/mp4, video/webm]
//	    maxSize: 2GiB
//	    type: {system: "http://terminology.hl7.org/CodeSystem/media-type", code: video}
//
// An entry with the code of a shipped kind takes its place as a whole.
type kindEntry struct {
	Code              string   `yaml:"code"`
	Display           string   `yaml:"display"`
	Resource          string   `yaml:"resource"` // empty: by the category of each file
	Category          string   `yaml:"category"`
	ContentTypes      []string `yaml:"contentTypes"`
	MaxSize           string   `yaml:"maxSize"`
	RequiresEncounter bool     `yaml:"requiresEncounter"`
	AllowEmpty        bool     `yaml:"allowEmpty"`
	Scan              string   `yaml:"scan"`      // none (default), advisory or required
	Mismatch          string   `yaml:"mismatch"`  // refuse (default) or quarantine
	Retention         string   `yaml:"retention"` // a duration, such as 3650d; empty: without end
	PurgeSigned       bool     `yaml:"purgeSigned"`
	UploadTTL         string   `yaml:"uploadTtl"` // a duration; empty: the server's
	Type              *coding  `yaml:"type"`
	CategoryCoding    *coding  `yaml:"categoryCoding"`
	Modality          *coding  `yaml:"modality"`
}

type coding struct {
	System  string `yaml:"system"`
	Code    string `yaml:"code"`
	Display string `yaml:"display"`
}

// kindsOf is the registry: the shipped kinds, and those of the file in the place of, or beside, them.
func kindsOf(path string) ([]clinical.FileKind, error) {
	kinds := clinical.DefaultKinds()
	if path == "" {
		return kinds, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("BONFIRE_KINDS_FILE: %w", err)
	}
	var file struct {
		Kinds []kindEntry `yaml:"kinds"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&file); err != nil {
		return nil, fmt.Errorf("BONFIRE_KINDS_FILE: %w", err)
	}
	var wrong []error
	named := map[string]bool{}
	for i, entry := range file.Kinds {
		kind, faults := entry.kind()
		if named[entry.Code] {
			faults = append(faults, errors.New("code: named twice"))
		}
		for _, fault := range faults {
			wrong = append(wrong, fmt.Errorf("BONFIRE_KINDS_FILE: entry %d, kind %q: %w", i+1, entry.Code, fault))
		}
		named[kind.Code] = true
		if at := slices.IndexFunc(kinds, func(k clinical.FileKind) bool { return k.Code == kind.Code }); at >= 0 {
			kinds[at] = kind
		} else {
			kinds = append(kinds, kind)
		}
	}
	return kinds, errors.Join(wrong...)
}

// kind is the entry as the registry knows it, and all that is wrong with it.
func (e kindEntry) kind() (_ clinical.FileKind, wrong []error) {
	unread := map[string]bool{}
	misread := func(err error, field, words string) {
		if err != nil {
			unread[field] = true
			wrong = append(wrong, errors.New(field+": "+words))
		}
	}
	var size config.Size
	misread(size.UnmarshalText([]byte(e.MaxSize)), "maxSize", "write it like 500MiB")
	k := clinical.FileKind{
		Code: e.Code, Display: e.Display, Resource: clinical.ResourceType(e.Resource), Category: e.Category,
		MaxSize: int64(size), RequiresEncounter: e.RequiresEncounter, AllowEmpty: e.AllowEmpty, PurgeSigned: e.PurgeSigned,
		Scan: clinical.ScanRule(cmp.Or(e.Scan, string(clinical.ScanNone))), Mismatch: clinical.MismatchRule(cmp.Or(e.Mismatch, string(clinical.RefuseMismatch))),
		Type: e.Type.coding(), CategoryCoding: e.CategoryCoding.coding(), Modality: e.Modality.coding(),
	}
	for _, t := range e.ContentTypes {
		if canonical := clinical.MediaType(t); canonical != "" && !strings.Contains(t, ";") {
			t = canonical // as browsers spell it
		}
		k.ContentTypes = append(k.ContentTypes, t)
	}
	var err error
	k.Retention, err = lifetime(e.Retention)
	misread(err, "retention", "write it like 3650d or 87600h")
	k.UploadTTL, err = lifetime(e.UploadTTL)
	misread(err, "uploadTtl", "write it like 48h")
	for _, f := range k.Check() {
		if !unread[f.Field] {
			wrong = append(wrong, errors.New(f.Field+": "+f.Words))
		}
	}
	return k, wrong
}

func (c *coding) coding() *clinical.Coding {
	if c == nil {
		return nil
	}
	return &clinical.Coding{System: c.System, Code: c.Code, Display: c.Display}
}

// lifetime reads a duration, in days, too; "" is none.
func lifetime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n <= 0 || n > 36500 {
			return 0, errors.New("not a number of days up to 36500")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("not positive")
	}
	return d, err
}
