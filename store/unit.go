package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bonfiredb/bonfire/clinical"
)

// Unit is one step of commit: the bytes [From, To) become durable.
type Unit struct {
	From, To int64
	// Part holds everything from the end of the parts up to To; the tails it
	// replaces go.
	Part *Part
	// Tails hold [From, To) where Part does not.
	Tails []Tail
	// Whole: the finished object exists and has these digests; the tails go and
	// the upload is stored.
	Whole *clinical.Digests
	// HashState is the digest of [0, To).
	HashState []byte
	Sniffed   string // "" leaves it
	Length    *int64 // declared with this unit; nil leaves it
	Release   bool   // give the lease back with this commit
}

// moved advances the offset, from where the unit starts and no other, under the
// lease and only while bytes may arrive: the fence that makes a writer which
// lost its lease harmless. The upload expires its ttl after its last bytes, or up
// to a hundredth later: what is indexed, as that is, should not change with every
// PATCH, or each would write to all indexes of the table.
const moved = `WITH moved AS (UPDATE upload SET at_offset = $5, hash_state = $6, updated_at = now(),
	expires_at = CASE WHEN expires_at < now() + ttl THEN now() + ttl * 1.01 ELSE expires_at END,
	sniffed = CASE WHEN $7::text = '' THEN sniffed ELSE $7::text END, length = coalesce($8::bigint, length),
	lease = CASE WHEN $9::boolean THEN NULL ELSE lease END, `

const fence = ` WHERE tenant_id = $1 AND id = $2 AND lease = $3 AND state IN ('open', 'receiving')`

const unmoved = fence + ` AND at_offset = $4 RETURNING tenant_id, id, object_key, multipart, scratch_used)`

const (
	commitTails = moved + `state = 'receiving'` + unmoved + `,
	added AS (INSERT INTO upload_tail (tenant_id, upload_id, at_offset, size, bytes, scratch_key)
	  SELECT m.tenant_id, m.id, t.* FROM moved m, unnest($10::bigint[], $11::bigint[], $12::bytea[], $13::text[]) t)
	SELECT count(*), NULL::text[] FROM moved`

	commitPart = moved + `state = 'receiving', parts_end = $5` + unmoved + `,
	added AS (INSERT INTO upload_part (tenant_id, upload_id, number, at_offset, size, etag, crc32c)
	  SELECT m.tenant_id, m.id, $10, $11, $12, $13, $14 FROM moved m)` + dropTails

	commitWhole = moved + `state = 'stored', sha256 = $10, sha1 = $11` + unmoved + strays + dropTails

	// dropTails removes the tails of the rows in moved, and lists their scratch
	// objects as garbage in the same transaction: they are deleted after it,
	// whoever dies in between.
	dropTails = `,
	dropped AS (DELETE FROM upload_tail t USING moved m WHERE t.tenant_id = m.tenant_id AND t.upload_id = m.id
	  RETURNING t.tenant_id, t.scratch_key),
	junk AS (INSERT INTO blob_garbage (tenant_id, object_key)
	  SELECT tenant_id, scratch_key FROM dropped WHERE scratch_key IS NOT NULL ON CONFLICT DO NOTHING)
	SELECT (SELECT count(*) FROM moved), (SELECT array_agg(scratch_key) FROM dropped WHERE scratch_key IS NOT NULL)`

	// strays lists what no row will ever name, and a writer without its lease,
	// or a request that was sent twice, may have left or may yet leave behind of
	// an upload that is stored: scratch objects, and multiparts under its key.
	strays = `,
	stray AS (INSERT INTO blob_garbage (tenant_id, object_key, multipart, not_before, settles)
	  SELECT tenant_id, tenant_id || '/scratch/' || id || '/', '` + Everything + `', ` + settled + `, ` + settled + ` FROM moved WHERE scratch_used
	  UNION ALL
	  SELECT tenant_id, object_key, '` + Multiparts + `', ` + settled + `, ` + settled + ` FROM moved WHERE multipart <> ''
	  ON CONFLICT DO NOTHING)`
)

// CommitUnit makes one unit durable, or changes nothing: ErrLeaseLost when the
// lease is no longer ours. It returns the scratch objects nobody needs any
// more; they are in the garbage list already.
func (db *DB) CommitUnit(ctx context.Context, l Lease, u Unit) (scratch []string, err error) {
	s := statement{text: commitTails, args: l.args(u.From, u.To, u.HashState, u.Sniffed, u.Length, u.Release)}
	switch p, d := u.Part, u.Whole; {
	case p != nil:
		s.text, s.args = commitPart, append(s.args, p.Number, p.Offset, p.Size, p.ETag, int64(p.CRC32C))
	case d != nil:
		s.text, s.args = commitWhole, append(s.args, d.SHA256, d.SHA1)
	default:
		s.args = append(s.args, columnsOf(u.Tails)...)
	}
	n := 0
	s.row = func(r pgx.Rows) error { return r.Scan(&n, &scratch) }
	resent, err := db.alone(ctx, l.Tenant, s)
	if err == nil && n == 0 && !(resent && db.committed(ctx, l, u)) {
		return nil, ErrLeaseLost
	}
	return scratch, err
}

// columnsOf turns tails into one array for each column.
func columnsOf(tails []Tail) []any {
	offsets, sizes := make([]int64, len(tails)), make([]int64, len(tails))
	bodies, keys := make([][]byte, len(tails)), make([]*string, len(tails))
	for i, t := range tails {
		offsets[i], sizes[i], bodies[i] = t.Offset, t.Size, t.Bytes
		if t.ScratchKey != "" {
			keys[i] = &tails[i].ScratchKey
		}
	}
	return []any{offsets, sizes, bodies, keys}
}

// committed reports whether a unit whose answer was lost is durable: the digest
// state at an offset belongs to the bytes before it and to no others.
func (db *DB) committed(ctx context.Context, l Lease, u Unit) bool {
	same := false
	_, err := db.alone(ctx, l.Tenant, statement{
		text: `SELECT at_offset = $3 AND hash_state = $4 AND ($5::bigint IS NULL OR length = $5) AND (lease = $6 OR $7::boolean)
			  FROM upload WHERE tenant_id = $1 AND id = $2`,
		args: []any{string(l.Tenant), string(l.Upload), u.To, u.HashState, u.Length, l.Nonce, u.Release},
		row: func(r pgx.Rows) error {
			var is *bool
			err := r.Scan(&is)
			same = is != nil && *is
			return err
		},
	})
	return err == nil && same
}
