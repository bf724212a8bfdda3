package adopt

import (
	"encoding/hex"
	"time"
)

type row map[string]any

// time is when a resource was last changed there.
func (m *making) time(e *entry) time.Time {
	if t := instant(e.resource.Meta.LastUpdated); t != nil {
		return *t
	}
	return m.at.UTC().Truncate(time.Microsecond)
}

func (r row) with(more row) row {
	out := row{}
	for _, part := range []row{r, more} {
		for k, v := range part {
			out[k] = v
		}
	}
	return out
}

// stamp is an instant as Postgres writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999+00:00") }

func maybe(t *time.Time) any {
	if t == nil {
		return nil
	}
	return stamp(*t)
}

func hexed(b []byte) string { return `\x` + hex.EncodeToString(b) }
