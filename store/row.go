package store

import (
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bonfiredb/bonfire/clinical"
)

// What rows and nouns have in common: NULL and the zero value, ids, instants.

// scanner is a row of database/sql.
type scanner interface{ Scan(dest ...any) error }

// wellFormed reports whether an id can be one of ours. Any other names nothing,
// and would be an error to Postgres.
func wellFormed[ID ~string](id ID) bool {
	_, ok := clinical.ParseID[ID](string(id))
	return ok
}

func onlyWellFormed[ID ~string](ids []ID) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if wellFormed(id) {
			out = append(out, string(id))
		}
	}
	return out
}

// refers restricts an id column to one id. By = and not by ANY: only then do rows
// come out of an index in its order, and a page is read without its whole chart.
// An id that is none matches nothing.
func refers[Q wherer[Q], ID ~string](q Q, column string, id ID) {
	if !wellFormed(id) {
		q.Where("FALSE")
		return
	}
	q.Where("? = ?::uuid", bun.Safe(column), string(id))
}

// mayRefer is refers, where an id is given.
func mayRefer[Q wherer[Q], ID ~string](q Q, column string, id ID) {
	if id != "" {
		refers(q, column, id)
	}
}

// refersToOneOf restricts an id column to the ids, if there are any.
func refersToOneOf[Q wherer[Q], ID ~string](q Q, column string, ids []ID) {
	switch len(ids) {
	case 0:
	case 1:
		refers(q, column, ids[0])
	default:
		q.Where("? = ANY(?::uuid[])", bun.Safe(column), array(onlyWellFormed(ids)))
	}
}

// isOneOf restricts a text column to the values, if there are any.
func isOneOf[Q wherer[Q], S ~string](q Q, column string, values []S) {
	switch len(values) {
	case 0:
	case 1:
		q.Where("? = ?::text", bun.Safe(column), string(values[0]))
	default:
		q.Where("? = ANY(?::text[])", bun.Safe(column), array(values))
	}
}

// array is the literal of a Postgres array.
func array[S ~string](in []S) *pgdialect.ArrayValue {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return pgdialect.Array(out)
}

// present is in, or an empty slice for nil: the column is NOT NULL.
func present[S any](in []S) []S {
	if in == nil {
		return []S{}
	}
	return in
}

// utc is an instant read from the database, nil for NULL.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// null is NULL for the zero value, for statements with $n placeholders.
func null[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}
