package store

import (
	"context"
	"encoding/json"
	"slices"
)

// birth inserts the first version of notes that are not there, as drafts; the
// final encounter and confidentiality hold from the beginning.
const birth = `WITH born AS (INSERT INTO note (tenant_id, id, patient_id, encounter_id, status, version, title, text, text_sha256, sources,
		confidentiality, author_id, author_kind, amends, created_at, updated_at)
	  SELECT $1, n.id, n.patient_id, n.encounter_id, 'draft', 1, v.title, v.text, v.text_sha256, v.sources,
		n.confidentiality, n.author_id, n.author_kind, n.amends, n.created_at, v.made_at
	    FROM jsonb_array_elements($2::jsonb) e, jsonb_populate_record(NULL::note, e) n, jsonb_populate_record(NULL::note_version, e->'versions'->0) v
	    ON CONFLICT DO NOTHING RETURNING id)
	INSERT INTO note_version (tenant_id, note_id, version, status, title, text, text_sha256, sources, made_by, made_kind, made_at)
	  SELECT $1, born.id, v.version, v.status, v.title, v.text, v.text_sha256, v.sources, v.made_by, v.made_kind, v.made_at
	    FROM jsonb_array_elements($2::jsonb) e JOIN born ON born.id::text = e->>'id', jsonb_array_elements(e->'versions') ve,
		jsonb_populate_record(NULL::note_version, ve) v
	  RETURNING note_id::text`

// growth takes one note to its version $3. Which amendment made it an amended
// one is known of the last only: of an earlier one, long retracted, its own id stands in.
const growth = `UPDATE note o SET version = v.version, status = v.status, title = v.title, text = v.text, text_sha256 = v.text_sha256,
		sources = v.sources, updated_at = v.made_at,
		signer_id = CASE WHEN o.status = 'draft' AND v.status = 'signed' THEN n.signer_id ELSE o.signer_id END,
		signed_at = CASE WHEN o.status = 'draft' AND v.status = 'signed' THEN n.signed_at ELSE o.signed_at END,
		amended_by = CASE v.status WHEN 'amended' THEN coalesce(n.amended_by, n.id) WHEN 'signed' THEN NULL ELSE o.amended_by END
	  FROM jsonb_populate_record(NULL::note, $2::jsonb) n, jsonb_populate_record(NULL::note_version, $2::jsonb->'versions'->($3::int - 1)) v
	  WHERE o.tenant_id = $1 AND o.id = n.id AND v.version = $3`

// reliveNotes restores notes that are not there, version by version: the rules
// that hold for notes written here (note_stays) hold for these.
func (tx *Tx) reliveNotes(ctx context.Context, rows []json.RawMessage) (restored []string, err error) {
	born, err := tx.texts(ctx, birth, string(tx.tenant), jsonArray(rows)) // each as often as it has versions
	if err != nil {
		return nil, unfit(notes, err)
	}
	for _, row := range rows {
		var n struct {
			ID       string            `json:"id"`
			Versions []json.RawMessage `json:"versions"`
		}
		if err := json.Unmarshal(row, &n); err != nil || !slices.Contains(born, n.ID) {
			continue // there already; check has read it
		}
		for version := 2; version <= len(n.Versions); version++ {
			if err := one(tx.exec(ctx, growth, string(tx.tenant), string(row), version)); err != nil {
				return nil, unfit(notes, err)
			}
		}
		restored = append(restored, n.ID)
	}
	return restored, nil
}
