package fhir

import (
	"slices"

	"github.com/bonfiredb/bonfire/clinical"
)

// Token is a value of a search parameter of type token
// (http://hl7.org/fhir/R4/search.html#token). AnySystem is a value without "|".
type Token struct {
	System, Code string
	AnySystem    bool
}

func (t Token) among(codings []Coding) bool {
	return slices.ContainsFunc(codings, func(c Coding) bool {
		return (t.AnySystem || t.System == c.System) && (t.Code == "" || t.Code == c.Code)
	})
}

// A search is answered by what would be rendered, so that what is found by a
// code is what shows it.

// KindHasType reports whether files of the kind show the token as their type.
func (r Renderer) KindHasType(k clinical.FileKind, t Token) bool {
	f := clinical.File{Kind: k.Code}
	if k.Resource == clinical.Media {
		c := concept(mediaType(f, k), r.kindCoding(f, k))
		return c != nil && t.among(c.Coding)
	}
	return t.among(r.documentType(f, k).Coding)
}

// NoteHasType reports whether notes show the token as their type.
func (Renderer) NoteHasType(t Token) bool { return t.among([]Coding{progressNote}) }

// KindHasCategory reports whether files of the kind, filed under the category,
// show the token as their category.
func (r Renderer) KindHasCategory(k clinical.FileKind, category string, t Token) bool {
	c := r.category(category, k)
	return c != nil && t.among(c.Coding)
}

// NoteHasCategory reports whether notes show the token as their category.
func (r Renderer) NoteHasCategory(t Token) bool {
	return r.KindHasCategory(clinical.FileKind{}, "clinical-note", t)
}
