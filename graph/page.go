package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Sizes of a page.
const (
	defaultPage = 25
	maxPage     = 100
)

// pageOf reads the arguments of a connection: first with after, or last with
// before, the first 25 when neither is given. Nothing is clamped: a client
// that asks for 1,000 and gets 100 would take them for all.
func pageOf(first *int, after *string, last *int, before *string) (clinical.Page, error) {
	page := clinical.Page{First: deref(first), Last: deref(last), After: deref(after), Before: deref(before)}
	switch {
	case first != nil && last != nil:
		return page, clinical.Bad("last", "cannot be combined with first")
	case first != nil && (page.First < 1 || page.First > maxPage):
		return page, clinical.Bad("first", "must be from 1 to 100")
	case last != nil && (page.Last < 1 || page.Last > maxPage):
		return page, clinical.Bad("last", "must be from 1 to 100")
	case last == nil && page.Before != "":
		return page, clinical.Bad("before", "needs last")
	case last != nil && page.After != "":
		return page, clinical.Bad("after", "cannot be combined with last")
	case first == nil && last == nil:
		page.First = defaultPage
	}
	return page, nil
}

func pageInfo[T any](s clinical.Slice[T]) *model.PageInfo {
	info := &model.PageInfo{HasNextPage: s.HasNext, HasPreviousPage: s.HasPrev}
	if n := len(s.Cursors); n > 0 {
		info.StartCursor, info.EndCursor = &s.Cursors[0], &s.Cursors[n-1]
	}
	return info
}

// selected reports whether the current field's selection asks for the field,
// of an object of the type given, under whatever alias.
func selected(ctx context.Context, objectType, field string) bool {
	for _, f := range graphql.CollectFieldsCtx(ctx, []string{objectType}) {
		if f.Name == field {
			return true
		}
	}
	return false
}

// deref is what p points at, the zero value for nil.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional is nil for the zero value, by which the nouns say "none".
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
