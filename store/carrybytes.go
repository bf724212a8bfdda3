package store

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// Bytes of a chart are put into the bucket before its rows are restored. Until
// then they are listed as what no row needs: an import that is broken off and
// never taken up again leaves nothing behind (P3).

// AwaitObjects lists the keys of objects that are about to be put, to be removed
// after a day should no file claim them, and tells which of these files are not
// there yet: only their bytes are wanted.
func (tx *Tx) AwaitObjects(ctx context.Context, d policy.Decision, files map[clinical.FileID]string) (missing map[clinical.FileID]bool, err error) {
	if err := tx.carrying(d); err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(files))
	missing = make(map[clinical.FileID]bool, len(files))
	for id := range files {
		ids, missing[id] = append(ids, string(id)), true
	}
	there, err := tx.texts(ctx, `SELECT id::text FROM file WHERE tenant_id = $1 AND id = ANY($2::uuid[])`, string(tx.tenant), ids)
	if err != nil {
		return nil, err
	}
	for _, id := range there {
		delete(missing, clinical.FileID(id))
	}
	return missing, tx.await(ctx, keysOf(missing, files)...)
}

// await lists keys that are about to be written, to be removed after a day.
func (tx *Tx) await(ctx context.Context, keys ...string) error {
	_, err := tx.exec(ctx, `INSERT INTO blob_garbage (tenant_id, object_key, multipart, not_before, settles)
		SELECT $1, k, '`+Everything+`', now() + interval '1 day', now() + interval '1 day' FROM unnest($2::text[]) k
		ON CONFLICT (tenant_id, object_key, multipart) DO UPDATE SET not_before = excluded.not_before, settles = excluded.settles`,
		string(tx.tenant), keys)
	return err
}

// ClaimObjects takes the keys off the list, in the transaction that restores
// their files. Conflict when one is not on it any more, or so long that it may be
// removed just now: put the bytes again.
func (tx *Tx) ClaimObjects(ctx context.Context, d policy.Decision, missing map[clinical.FileID]bool, files map[clinical.FileID]string) error {
	if err := tx.carrying(d); err != nil {
		return err
	}
	return tx.claim(ctx, len(missing), keysOf(missing, files)...)
}

// claim takes so many awaited keys off the list. Conflict when one is not on it
// any more, or may be removed just now.
func (tx *Tx) claim(ctx context.Context, want int, keys ...string) error {
	n, err := tx.exec(ctx, `DELETE FROM blob_garbage WHERE tenant_id = $1 AND object_key = ANY($2::text[]) AND multipart = '`+Everything+`'
		AND not_before > now() + interval '1 hour'`, string(tx.tenant), keys)
	if err == nil && n < int64(want) {
		return clinical.Fail(clinical.Conflict, "the bytes waited for their rows for too long: do it again", nil)
	}
	return err
}

func keysOf(ids map[clinical.FileID]bool, keys map[clinical.FileID]string) []string {
	out := make([]string, 0, len(ids))
	for id := range ids {
		out = append(out, keys[id])
	}
	return out
}
