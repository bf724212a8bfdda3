package clinical

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// slug is the form of codes and categories: they stand in file names and URLs.
var slug = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// maxObject is the largest object that S3 holds.
const maxObject = 5 << 40

// Check finds everything that is wrong with an entry, each a Failure of kind
// Invalid that names the field as the registry spells it; nil when nothing is.
func (k FileKind) Check() (wrong []*Failure) {
	expect := func(ok bool, field, words string) {
		if !ok {
			wrong = append(wrong, Bad(field, words))
		}
	}
	expect(slug.MatchString(k.Code), "code", "write 1 to 63 lower-case letters, digits and hyphens, a letter first")
	expect(strings.TrimSpace(k.Display) != "" && utf8.RuneCountInString(k.Display) <= 100, "display", "write 1 to 100 characters")
	expect(slices.Contains([]ResourceType{"", DocumentReference, Media, Binary}, k.Resource), "resource",
		"write DocumentReference, Media or Binary, or leave it out to go by the category")
	expect(slug.MatchString(k.Category), "category", "write 1 to 63 lower-case letters, digits and hyphens, a letter first")
	expect(len(k.ContentTypes) > 0 && len(k.ContentTypes) <= 100, "contentTypes", "name 1 to 100")
	for _, t := range k.ContentTypes {
		expect(t == "*/*" || MediaType(t) == t, "contentTypes", "write type/subtype, or */* for anything")
	}
	expect(k.MaxSize > 0 && k.MaxSize <= maxObject, "maxSize", "choose up to 5TiB")
	expect(slices.Contains([]ScanRule{ScanNone, ScanAdvisory, ScanRequired}, k.Scan), "scan", "write none, advisory or required")
	expect(slices.Contains([]MismatchRule{RefuseMismatch, QuarantineMismatch}, k.Mismatch), "mismatch", "write refuse or quarantine")
	expect(k.Retention == 0 || k.Retention >= time.Hour, "retention", "choose an hour or more, or leave it out to keep files without end")
	expect(k.UploadTTL == 0 || k.UploadTTL >= time.Minute, "uploadTtl", "choose a minute or more, or leave it out")
	for field, c := range map[string]*Coding{"type": k.Type, "categoryCoding": k.CategoryCoding, "modality": k.Modality} {
		expect(c == nil || codeOf(c), field, "name a code and the URI of its system")
	}
	return wrong
}

// codeOf reports whether a coding is one of a terminology system.
func codeOf(c *Coding) bool {
	return c.Code != "" && !strings.ContainsAny(c.Code, " \t\n") && strings.Contains(c.System, ":") && !strings.ContainsAny(c.System, " \t\n")
}
