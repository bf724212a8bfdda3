package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Mention is a row that names a key of the bucket.
type Mention struct {
	Key string
	// Type is what the row is of: a File, an Upload (the object that becomes of
	// it), a Tail (a scratch object that holds acknowledged bytes), a Note (a copy
	// of its text) or Waste, the list of what is to be deleted.
	Type MentionType
	// ID is the file's, the upload's or the note's; "" of Waste.
	ID string
	// Must: the object has to be there, with this size and, where it is known,
	// this digest. Without Must it may.
	Must   bool
	Size   int64
	SHA256 []byte
	// Multipart is what Waste is to be deleted: as Garbage.Multipart.
	Multipart string
}

// MentionType says of what a Mention's row is.
type MentionType string

// The types of a Mention.
const (
	MentionFile   MentionType = "File"
	MentionUpload MentionType = "Upload"
	MentionTail   MentionType = "Tail"
	MentionNote   MentionType = "Note"
	MentionWaste  MentionType = "Waste"
)

// mentioning selects the rows that name keys, those of them that narrow (with KEY
// for the column) leaves.
func mentioning(narrow string) string {
	branch := func(selected, key string) string {
		return `(SELECT ` + key + ` AS key, ` + selected + ` AND ` + strings.ReplaceAll(narrow, "KEY", key) + `)`
	}
	return `SELECT * FROM (` + strings.Join([]string{
		branch(`'File', id::text, true, size, sha256, '' FROM file WHERE tenant_id = $1 AND purged_at IS NULL`, "object_key"),
		branch(`'Upload', id::text, state = 'stored', at_offset, sha256, '' FROM upload WHERE tenant_id = $1
			AND state <> 'completed' AND state IN ('open', 'receiving', 'assembling', 'stored') AND put_tried`, "object_key"),
		branch(`'Tail', upload_id::text, true, size, NULL::bytea, '' FROM upload_tail
			WHERE tenant_id = $1 AND scratch_key IS NOT NULL`, "scratch_key"),
		branch(`'Note', note_id::text, true, size, sha256, '' FROM note_object WHERE tenant_id = $1 AND gone_at IS NULL`, "object_key"),
		branch(`'Waste', '', false, 0, NULL::bytea, multipart FROM blob_garbage WHERE tenant_id = $1`, "object_key"),
	}, " UNION ALL ") + `) m`
}

var (
	mentionsAfter = mentioning(`KEY COLLATE "C" > $2 ORDER BY KEY COLLATE "C" LIMIT $3`) + ` ORDER BY key COLLATE "C" LIMIT $3`
	mentionsOf    = mentioning(`KEY COLLATE "C" = ANY($2)`)
)

// MentionsAfter lists the rows that name the next keys behind one, in the order
// of S3's keys, and the key behind which to go on; "" at the end. All rows of
// one key are in one list, unless they are more than limit.
func (tx *Tx) MentionsAfter(ctx context.Context, key string, limit int) (found []Mention, next string, err error) {
	found, err = tx.mentioned(ctx, mentionsAfter, string(tx.tenant), key, limit)
	if err != nil || len(found) < limit {
		return found, "", err
	}
	// The last key may have more rows than came: it is for the next list.
	last := found[len(found)-1].Key
	whole := slices.IndexFunc(found, func(m Mention) bool { return m.Key == last })
	if whole == 0 {
		return found, last, nil
	}
	return found[:whole], found[whole-1].Key, nil
}

// MentionsOf lists the rows that name any of the keys, in no order. What is
// below the scratch prefix of an unfinished upload counts as named by it, and
// what is below a prefix that is to be deleted as named by that.
func (tx *Tx) MentionsOf(ctx context.Context, keys []string) ([]Mention, error) {
	below := map[string][]string{} // prefix -> keys
	asked := slices.Clone(keys)
	var uploads []string
	for _, key := range keys {
		if id, ok := ScratchUpload(tx.tenant, key); ok {
			prefix := Lease{Tenant: tx.tenant, Upload: id}.ScratchPrefix()
			if below[prefix] == nil {
				asked, uploads = append(asked, prefix), append(uploads, string(id))
			}
			below[prefix] = append(below[prefix], key)
		}
	}
	found, err := tx.mentioned(ctx, mentionsOf, string(tx.tenant), asked)
	if err != nil {
		return nil, err
	}
	if len(uploads) > 0 {
		open, err := tx.mentioned(ctx, `SELECT $1 || '/scratch/' || id || '/', 'Upload', id::text, false, 0, NULL::bytea, '' FROM upload
			WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND state IN ('open', 'receiving', 'assembling')`, string(tx.tenant), uploads)
		if err != nil {
			return nil, err
		}
		found = append(found, open...)
	}
	out := make([]Mention, 0, len(found))
	for _, m := range found {
		if under := below[m.Key]; under != nil {
			for _, key := range under {
				m.Key = key
				out = append(out, m)
			}
			continue
		}
		out = append(out, m)
	}
	return out, nil
}

// ScratchUpload is the upload whose scratch object a key names, if it is one.
func ScratchUpload(tenant clinical.TenantID, key string) (clinical.UploadID, bool) {
	rest, ok := strings.CutPrefix(key, string(tenant)+"/scratch/")
	name, piece, deep := strings.Cut(rest, "/")
	id, formed := clinical.ParseID[clinical.UploadID](name)
	return id, ok && deep && formed && piece != "" && !strings.Contains(piece, "/")
}

func (tx *Tx) mentioned(ctx context.Context, query string, args ...any) (out []Mention, err error) {
	rows, err := tx.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var m Mention
		if err := rows.Scan(&m.Key, &m.Type, &m.ID, &m.Must, &m.Size, &m.SHA256, &m.Multipart); err != nil {
			return nil, fail(err)
		}
		out = append(out, m)
	}
	return out, fail(rows.Err())
}

// Unfinished is an upload that has not ended.
type Unfinished struct {
	Upload clinical.UploadID
	Key    string
	State  clinical.UploadState
	// Multipart is "" when there is none, or when no acknowledged byte is in it.
	Multipart string
	// Waits: nobody holds it and nothing is to come from its client any more; it
	// has been received, or has expired.
	Waits bool
	// Since is when something last happened to it, or for one that has expired,
	// when that was.
	Since time.Time
}

// Unfinished lists uploads that have not ended, in the order of their ids,
// behind one; "" is the beginning.
func (tx *Tx) Unfinished(ctx context.Context, after clinical.UploadID, limit int) ([]Unfinished, error) {
	after = cmp.Or(after, "00000000-0000-0000-0000-000000000000")
	return tx.unfinished(ctx, `id > $2::uuid ORDER BY id LIMIT $3`, string(after), limit)
}

// StillUnfinished lists those of the uploads that have not ended.
func (tx *Tx) StillUnfinished(ctx context.Context, ids []clinical.UploadID) ([]Unfinished, error) {
	return tx.unfinished(ctx, `id = ANY($2::uuid[])`, mapAll(ids, func(id clinical.UploadID) string { return string(id) }))
}

func (tx *Tx) unfinished(ctx context.Context, narrow string, args ...any) (out []Unfinished, err error) {
	rows, err := tx.query(ctx, `SELECT id::text, object_key, state, CASE WHEN parts_end > 0 THEN multipart ELSE '' END,
			(lease IS NULL OR lease_until < now()) AND (state IN ('assembling', 'stored') OR length = at_offset OR expires_at < now()),
			CASE WHEN state IN ('open', 'receiving') AND length IS DISTINCT FROM at_offset AND expires_at < now() THEN expires_at ELSE updated_at END
		FROM upload WHERE tenant_id = $1 AND state IN ('open', 'receiving', 'assembling', 'stored') AND `+narrow,
		append([]any{string(tx.tenant)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var u Unfinished
		var waits *bool
		if err := rows.Scan(&u.Upload, &u.Key, &u.State, &u.Multipart, &waits, &u.Since); err != nil {
			return nil, fail(err)
		}
		u.Waits, u.Since = waits != nil && *waits, u.Since.UTC()
		out = append(out, u)
	}
	return out, fail(rows.Err())
}

// Remains tells whose an object was that no row needs any more, as far as a row
// still knows: a file whose bytes were given up, a note's copy, or an upload that
// ended without a record. Without one all of it is "".
type Remains struct {
	Patient clinical.PatientID
	Type    string // "Upload", or the file's or note's FHIR type
	ID      string
}

// RemainsOf tells whose the object under a key was.
func (tx *Tx) RemainsOf(ctx context.Context, key string) (r Remains, err error) {
	upload, _ := ScratchUpload(tx.tenant, key)
	err = tx.queryRow(ctx, `
		SELECT patient_id::text, resource_type, id::text FROM file WHERE tenant_id = $1 AND object_key COLLATE "C" = $2
		UNION ALL
		SELECT n.patient_id::text, 'DocumentReference', n.id::text FROM note_object o
		  JOIN note n ON n.tenant_id = o.tenant_id AND n.id = o.note_id WHERE o.tenant_id = $1 AND o.object_key COLLATE "C" = $2
		UNION ALL
		SELECT patient_id::text, 'Upload', id::text FROM upload WHERE tenant_id = $1 AND state <> 'completed' AND object_key COLLATE "C" = $2
		UNION ALL
		SELECT patient_id::text, 'Upload', id::text FROM upload WHERE tenant_id = $1 AND id = nullif($3, '')::uuid
		LIMIT 1`, string(tx.tenant), key, string(upload)).Scan(&r.Patient, &r.Type, &r.ID)
	if clinical.Is(err, clinical.NotFound) {
		return Remains{}, nil
	}
	return r, err
}
