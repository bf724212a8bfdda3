package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"pgregory.net/rapid"

	"github.com/bonfiredb/bonfire/clinical"
)

// check holds the rows, and the object once it is there, against the model.
func (m *machine) check(t *rapid.T) {
	var offset, partsEnd int64
	var state, key string
	var length *int64
	err := m.h.admin.QueryRow(`SELECT at_offset, parts_end, state, object_key, length FROM upload WHERE id = $1`, string(m.up.ID)).
		Scan(&offset, &partsEnd, &state, &key, &length)
	if err != nil {
		t.Fatalf("%v", err)
	}
	known := int64(-1)
	if length != nil {
		known = *length
	}
	if got, is := fmt.Sprint(offset, known, state), fmt.Sprint(m.model.offset, m.model.length, m.model.state); got != is {
		t.Fatalf("the row is %s, the model %s", got, is)
	}
	if m.model.receives() {
		m.covered(t, `SELECT at_offset, size FROM upload_part WHERE upload_id = $1 ORDER BY at_offset`, 0, partsEnd)
		m.covered(t, `SELECT at_offset, size FROM upload_tail WHERE upload_id = $1 ORDER BY at_offset`, partsEnd, offset)
	}
	if m.model.state == clinical.UploadStored {
		m.sameBytes(t, key)
	}
}

// covered checks that pieces follow one another from one offset to another.
func (m *machine) covered(t *rapid.T, query string, from, to int64) {
	rows, err := m.h.admin.Query(query, string(m.up.ID))
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer func() { _ = rows.Close() }()
	at := from
	for rows.Next() {
		var begin, size int64
		if err := rows.Scan(&begin, &size); err != nil || begin != at {
			t.Fatalf("a piece at %d, want %d (%v)", begin, at, err)
		}
		at += size
	}
	if at != to {
		t.Fatalf("pieces end at %d, want %d", at, to)
	}
}

func (m *machine) sameBytes(t *rapid.T, key string) {
	r, err := m.h.Bucket.Get(context.Background(), key, 0, -1)
	if err != nil && m.model.offset > 0 {
		t.Fatalf("%v", err)
	} else if err != nil {
		return
	}
	defer func() { _ = r.Close() }()
	got, err := io.ReadAll(r)
	wanted, _ := io.ReadAll(piece(0, m.model.offset))
	if err != nil || !bytes.Equal(got, wanted) {
		t.Fatalf("P1: the object has %d bytes, %v, and is not what was sent", len(got), err)
	}
}
