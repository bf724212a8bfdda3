package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
)

// order is how a list of rows R is sorted: by a key, then by id.
type order[R any] struct {
	// id is the column of the row's id.
	id string
	// key is the SQL of the sort key; "" sorts by id alone.
	key string
	// of reads the key from a row and arg makes it a value of SQL again. Without
	// them, lookup finds the key of a row by its id: cursors hold no words.
	of     func(R) int64
	arg    func(int64) any
	lookup string
	desc   bool
}

func (o order[R]) keyed() bool { return o.of != nil }

// beyond restricts q to what comes after the position in the list, or before it.
func (o order[R]) beyond(q *bun.SelectQuery, tenant clinical.TenantID, p position, after bool) {
	op := bun.Safe(">")
	if after == o.desc {
		op = "<"
	}
	switch {
	case o.key == "":
		q.Where("? ? ?::uuid", bun.Safe(o.id), op, p.id)
	case o.keyed():
		q.Where("(?, ?) ? (?, ?::uuid)", bun.Safe(o.key), bun.Safe(o.id), op, o.arg(p.key), p.id)
	default:
		q.Where("(?, ?) ? (?)", bun.Safe(o.key), bun.Safe(o.id), op, bun.SafeQuery(o.lookup, string(tenant), p.id))
	}
}

// sort orders q, in the list's order or against it.
func (o order[R]) sort(q *bun.SelectQuery, backward bool) {
	direction := bun.Safe("ASC")
	if o.desc != backward {
		direction = "DESC"
	}
	if o.key != "" {
		q.OrderExpr("? ?", bun.Safe(o.key), direction)
	}
	q.OrderExpr("? ?", bun.Safe(o.id), direction)
}

// fetch runs a query that a list has restricted and sorted.
type fetch[R any] func(ctx context.Context, q *bun.SelectQuery) ([]R, error)

// page reads one page of the list that q selects, by keyset in either
// direction: one statement, whatever the depth. Invalid for a cursor of another
// list.
func page[R any](ctx context.Context, tx *Tx, q *bun.SelectQuery, o order[R], s shape, p clinical.Page,
	id func(R) string, run fetch[R],
) (clinical.Slice[R], error) {
	out := clinical.Slice[R]{Total: -1}
	if err := checkPage(p); err != nil {
		return out, err
	}
	for _, bound := range []struct {
		field, cursor string
		after         bool
	}{{"after", p.After, true}, {"before", p.Before, false}} {
		if bound.cursor == "" {
			continue
		}
		at, err := s.parse(bound.field, bound.cursor, o.keyed())
		if err != nil {
			return out, err
		}
		o.beyond(q, tx.tenant, at, bound.after)
	}
	backward, size := p.Last > 0, max(p.First, p.Last)
	o.sort(q, backward)
	rows, err := run(ctx, q.Limit(int64(size)+1)) // one more tells whether there is more
	if err != nil {
		return out, fail(err)
	}
	more := len(rows) > size
	rows = rows[:min(len(rows), size)]
	// A cursor names a row of the list, so that there is something on its side.
	out.HasNext, out.HasPrev = more || p.Before != "", p.After != ""
	if backward {
		slices.Reverse(rows)
		out.HasNext, out.HasPrev = p.Before != "", more || p.After != ""
	}
	out.Items = rows
	out.Cursors = make([]string, len(rows))
	for i, r := range rows {
		at := position{id: id(r)}
		if o.keyed() {
			at.key = o.of(r)
		}
		out.Cursors[i] = s.cursor(at, o.keyed())
	}
	return out, nil
}

// scanAll is the fetch of a bun model.
func scanAll[R any](ctx context.Context, q *bun.SelectQuery) ([]R, error) {
	var rows []R
	err := q.Scan(ctx, &rows)
	return rows, err
}

// mapSlice turns a page of rows into a page of nouns.
func mapSlice[R, T any](in clinical.Slice[R], noun func(R) T) clinical.Slice[T] {
	return clinical.Slice[T]{
		Items: mapAll(in.Items, noun), Cursors: in.Cursors,
		HasNext: in.HasNext, HasPrev: in.HasPrev, Total: in.Total,
	}
}

func mapAll[R, T any](rows []R, noun func(R) T) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = noun(r)
	}
	return out
}

// instant and count turn the key of a cursor into a value again: microseconds,
// as Postgres counts time, and whole numbers.
func instant(micros int64) any { return time.UnixMicro(micros).UTC() }

func count(n int64) any { return n }

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// containing is the ILIKE pattern of texts that contain s, taken literally.
func containing(s string) string { return "%" + likeEscape.Replace(s) + "%" }
