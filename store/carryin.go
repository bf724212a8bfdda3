package store

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// CarryIn restores rows of a patient's chart, as CarryOut read them, and gives
// the keys of those that were missing; what is there already stays as it is, and whether it is
// the same is CarryCheck's to say. Rows come in the order of CarriedTables, at
// most some hundred of one table at a time. Notes live their versions again, so
// that what holds for a note written here holds for one restored. Invalid,
// naming the table, for rows that are none of this chart's.
func (tx *Tx) CarryIn(ctx context.Context, d policy.Decision, patient clinical.PatientID, table string, rows []json.RawMessage) (restored []string, err error) {
	if err := tx.carrying(d); err != nil {
		return nil, err
	}
	t, ok := carriedTable(table)
	if !ok {
		return nil, clinical.Bad(table, "is no table of a chart")
	}
	if rows, err = t.current(rows); err != nil {
		return nil, err
	}
	for _, row := range rows {
		if err := t.check(row, patient); err != nil {
			return nil, err
		}
	}
	// Notes amend each other, in any order.
	if _, err := tx.exec(ctx, `SET CONSTRAINTS note_tenant_id_amends_fkey, note_tenant_id_amended_by_fkey DEFERRED`); err != nil {
		return nil, err
	}
	if t.table == notes {
		return tx.reliveNotes(ctx, rows)
	}
	restored, err = tx.texts(ctx, t.insertion(), string(tx.tenant), jsonArray(rows))
	return restored, unfit(t.table, err)
}

// CarryCheck names the rows that are not as they came: somebody else's, under
// the same id, or the same ones with another content. Call it once everything
// of the chart was restored.
func (tx *Tx) CarryCheck(ctx context.Context, d policy.Decision, patient clinical.PatientID, table string, rows []json.RawMessage) (differ []string, err error) {
	if err := tx.carrying(d); err != nil {
		return nil, err
	}
	if _, err := tx.exec(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil {
		return nil, unfit(notes, err)
	}
	t, ok := carriedTable(table)
	if !ok {
		return nil, clinical.Bad(table, "is no table of a chart")
	}
	if rows, err = t.current(rows); err != nil {
		return nil, err
	}
	query := `SELECT e->>'` + t.key + `' FROM jsonb_array_elements($3::jsonb) e LEFT JOIN (` + t.selection() + `) c ON c.key = e->>'` + t.key + `'
		WHERE c.row IS DISTINCT FROM e`
	if t.shared { // only what would make another of a principal is a difference
		query = `SELECT e->>'` + t.key + `' FROM jsonb_array_elements($3::jsonb) e JOIN ` + t.table + ` c ON c.tenant_id = $1 AND c.` + t.key + `::text = e->>'` + t.key + `'
			WHERE $2 <> '' AND to_jsonb(c)->>'kind' IS DISTINCT FROM e->>'kind'`
	}
	return tx.texts(ctx, query, string(tx.tenant), string(patient), jsonArray(rows))
}

// texts runs one statement for its only column.
func (tx *Tx) texts(ctx context.Context, query string, args ...any) (out []string, err error) {
	rows, err := tx.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fail(err)
		}
		out = append(out, text)
	}
	return out, fail(rows.Err())
}

// insertion adds rows that are not there.
func (t carried) insertion() string {
	into, from := slices.Clone(t.columns), make([]string, len(t.columns))
	for i, c := range t.columns {
		from[i] = "r." + c
		if c == "object_key" {
			from[i] = `$1 || '/' || r.object_key`
		}
	}
	where := ""
	switch t.table {
	case "member": // known by name, and let in nowhere
		into, from = append(into, "ended_at"), append(from, "now()")
	case "kind": // a clinic's own entry stays
		where = ` WHERE NOT EXISTS (SELECT FROM kind k WHERE k.tenant_id = $1 AND k.code = r.code)`
	}
	return `INSERT INTO ` + t.stored() + ` (tenant_id, ` + strings.Join(into, ", ") + `) SELECT $1, ` + strings.Join(from, ", ") +
		` FROM jsonb_array_elements($2::jsonb) e, jsonb_populate_record(NULL::` + t.stored() + `, e) r` + where + ` ON CONFLICT DO NOTHING RETURNING ` + t.key + `::text`
}

var keyOfFile = regexp.MustCompile(`^[0-9]{4}/[0-9]{2}/[0-9a-f-]{36}$`)

// current are rows as this version has them.
func (t carried) current(rows []json.RawMessage) ([]json.RawMessage, error) {
	if len(t.retired) == 0 {
		return rows, nil
	}
	out := make([]json.RawMessage, len(rows))
	for i, row := range rows {
		columns := map[string]json.RawMessage{}
		if err := json.Unmarshal(row, &columns); err != nil {
			return nil, clinical.Fail(clinical.Invalid, "a row is not a JSON object", nil).WithField(t.table)
		}
		for _, c := range t.retired {
			delete(columns, c)
		}
		var err error
		if out[i], err = json.Marshal(columns); err != nil {
			return nil, internal(err)
		}
	}
	return out, nil
}

// check refuses a row with other columns than travel, of another chart, or that
// would claim bytes elsewhere in the bucket.
func (t carried) check(row json.RawMessage, patient clinical.PatientID) error {
	columns := map[string]json.RawMessage{}
	if err := json.Unmarshal(row, &columns); err != nil {
		return clinical.Fail(clinical.Invalid, "a row is not a JSON object", nil).WithField(t.table)
	}
	want := len(t.columns)
	if t.table == notes {
		want++
	}
	for _, c := range t.columns {
		if _, ok := columns[c]; !ok {
			return clinical.Bad(t.table, "a row has no "+c)
		}
	}
	if len(columns) != want {
		return clinical.Bad(t.table, "a row has columns that this version does not know")
	}
	var of, key string
	_ = json.Unmarshal(columns["patient_id"], &of)
	_ = json.Unmarshal(columns["object_key"], &key)
	if _, has := columns["patient_id"]; has && of != string(patient) {
		return clinical.Bad(t.table, "a row is of another patient's chart")
	}
	if _, has := columns["object_key"]; has && !keyOfFile.MatchString(key) {
		return clinical.Bad(t.table, "a row's object_key is none of a file")
	}
	if activity := string(columns["activity"]); activity != "" && (activity == `"import"`) != (t.table == Arrivals) {
		return clinical.Bad(t.table, "evidence of an import is an arrival, and other evidence is not")
	}
	return nil
}

func jsonArray(rows []json.RawMessage) string {
	parts := make([][]byte, len(rows))
	for i, r := range rows {
		parts[i] = r
	}
	return "[" + string(bytes.Join(parts, []byte(","))) + "]"
}

// unfit is the answer for rows that the database refuses: they do not fit
// together, or are not what a row of that table can be.
func unfit(table string, err error) error {
	if code := sqlState(err); strings.HasPrefix(code, "23") || strings.HasPrefix(code, "22") {
		return clinical.Fail(clinical.Invalid, "rows that cannot be: they do not fit together, or break a rule of the record", discreet(err)).WithField(table)
	}
	return err
}
