package graph

import (
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
)

func TestPageRules(t *testing.T) {
	n := func(n int) *int { return &n }
	s := func(s string) *string { return &s }
	tests := map[string]struct {
		first         *int
		after         *string
		last          *int
		before        *string
		want          clinical.Page
		badFieldNamed string
	}{
		"nothing":           {want: clinical.Page{First: 25}},
		"after alone":       {after: s("c"), want: clinical.Page{First: 25, After: "c"}},
		"first":             {first: n(100), want: clinical.Page{First: 100}},
		"first after":       {first: n(1), after: s("c"), want: clinical.Page{First: 1, After: "c"}},
		"last":              {last: n(10), want: clinical.Page{Last: 10}},
		"last before":       {last: n(10), before: s("c"), want: clinical.Page{Last: 10, Before: "c"}},
		"both":              {first: n(1), last: n(1), badFieldNamed: "last"},
		"first too small":   {first: n(0), badFieldNamed: "first"},
		"first too large":   {first: n(101), badFieldNamed: "first"},
		"last too small":    {last: n(-1), badFieldNamed: "last"},
		"last too large":    {last: n(101), badFieldNamed: "last"},
		"before alone":      {before: s("c"), badFieldNamed: "before"},
		"first before":      {first: n(1), before: s("c"), badFieldNamed: "before"},
		"last after":        {last: n(1), after: s("c"), badFieldNamed: "after"},
		"after and before":  {after: s("a"), before: s("b"), badFieldNamed: "before"},
		"cursors are empty": {after: s(""), before: s(""), want: clinical.Page{First: 25}},
	}
	for name, tt := range tests {
		page, err := pageOf(tt.first, tt.after, tt.last, tt.before)
		if tt.badFieldNamed != "" {
			if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != tt.badFieldNamed {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || page != tt.want {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}
