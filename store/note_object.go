package store

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// The text of a version of a note, as an object that links lead to. The version's
// row is the truth, the object a copy of it that can be made anew.

// NoteObject is the key of the copy of one version's text, of the note that the
// decision is about; "" while there is none.
func (tx *Tx) NoteObject(ctx context.Context, d policy.Decision, version int) (key string, err error) {
	id := d.Resource().ID
	if err := covered(d, policy.Note, id); err != nil {
		return "", err
	}
	err = tx.queryRow(ctx, `SELECT object_key FROM note_object WHERE tenant_id = $1 AND note_id = $2 AND version = $3 AND gone_at IS NULL`,
		string(tx.tenant), id, version).Scan(&key)
	if clinical.Is(err, clinical.NotFound) {
		return "", nil
	}
	return key, err
}

// AwaitNoteObject lists a fresh key as what no row needs, to be removed after a
// day should no row claim it.
func (tx *Tx) AwaitNoteObject(ctx context.Context, d policy.Decision, key string) error {
	if err := covered(d, policy.Note, d.Resource().ID); err != nil {
		return err
	}
	return tx.await(ctx, key)
}

// ClaimNoteObject makes the object under an awaited key the copy of a version's
// text. Of several who made a copy the first one's counts, whose key is
// returned; the others' go. Gone when the note was entered in error meanwhile.
// Conflict when the key has waited for too long.
func (tx *Tx) ClaimNoteObject(ctx context.Context, d policy.Decision, version int, key string, at time.Time) (string, error) {
	id := d.Resource().ID
	if err := covered(d, policy.Note, id); err != nil {
		return "", err
	}
	n, err := tx.noteRow(ctx, clinical.NoteID(id), shared) // whoever retracts it finds this copy, or was here before
	switch {
	case err != nil:
		return "", err
	case n.Status == clinical.NoteEnteredInError:
		return "", clinical.Fail(clinical.Gone, "this note was entered in error", nil)
	}
	made, err := tx.exec(ctx, `INSERT INTO note_object (tenant_id, object_key, note_id, version, size, sha256, put_at)
		SELECT tenant_id, $4, note_id, version, octet_length(text), text_sha256, $5
		  FROM note_version WHERE tenant_id = $1 AND note_id = $2 AND version = $3
		ON CONFLICT (tenant_id, note_id, version) WHERE gone_at IS NULL DO NOTHING`, string(tx.tenant), id, version, key, at)
	if err != nil {
		return "", err
	}
	if made == 1 {
		return key, tx.claim(ctx, 1, key)
	}
	if err := tx.AddGarbage(ctx, key, ""); err != nil {
		return "", err
	}
	return tx.NoteObject(ctx, d, version)
}

// GiveUpNoteObjects gives up all copies of the text of the note that the decision
// is about: no link leads to them any more.
func (tx *Tx) GiveUpNoteObjects(ctx context.Context, d policy.Decision, at time.Time) error {
	id := d.Resource().ID
	if err := covered(d, policy.Note, id); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `WITH gone AS (UPDATE note_object SET gone_at = $3
		  WHERE tenant_id = $1 AND note_id = $2 AND gone_at IS NULL RETURNING tenant_id, object_key)
		INSERT INTO blob_garbage (tenant_id, object_key) SELECT tenant_id, object_key FROM gone ON CONFLICT DO NOTHING`,
		string(tx.tenant), id, at)
	return err
}

// ForgetNoteObject takes note that the copy under a key is missing, or spoilt: it
// goes, and the next link makes another. Conflict when no row claims it.
func (tx *Tx) ForgetNoteObject(ctx context.Context, key string, at time.Time) error {
	n, err := tx.exec(ctx, `UPDATE note_object SET gone_at = $3 WHERE tenant_id = $1 AND object_key = $2 AND gone_at IS NULL`,
		string(tx.tenant), key, at)
	if err == nil && n == 0 {
		err = clinical.Fail(clinical.Conflict, "it was given up meanwhile", nil)
	}
	return err
}
