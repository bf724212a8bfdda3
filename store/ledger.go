package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Part is a piece of an upload in an S3 multipart.
type Part struct {
	Number       int32
	Offset, Size int64
	ETag         string
	CRC32C       uint32
}

// Tail is a committed piece that is not in a part yet: its bytes, or the key of
// the scratch object that holds them.
type Tail struct {
	Offset, Size int64
	Bytes        []byte
	ScratchKey   string
}

// Tails lists the committed bytes that are not in parts, in order, without the
// bytes themselves.
func (db *DB) Tails(ctx context.Context, l Lease) (tails []Tail, err error) {
	_, err = db.alone(ctx, l.Tenant, statement{
		relaxed: true,
		text: `SELECT at_offset, size, coalesce(scratch_key, '') FROM upload_tail
			 WHERE tenant_id = $1 AND upload_id = $2 ORDER BY at_offset`,
		args:  []any{string(l.Tenant), string(l.Upload)},
		begin: func() { tails = nil },
		row: func(r pgx.Rows) error {
			var t Tail
			err := r.Scan(&t.Offset, &t.Size, &t.ScratchKey)
			tails = append(tails, t)
			return err
		},
	})
	return tails, err
}

// TailBytes hands the bytes of the tails which begin in [from, to) and are rows
// to w, in order and one row in memory at a time. begin is called before the
// first one, and again when the connection broke and all of them come again.
func (db *DB) TailBytes(ctx context.Context, l Lease, from, to int64, begin func(), w func([]byte) error) error {
	_, err := db.alone(ctx, l.Tenant, statement{
		relaxed: true,
		text: `SELECT bytes FROM upload_tail
			 WHERE tenant_id = $1 AND upload_id = $2 AND at_offset >= $3 AND at_offset < $4 AND bytes IS NOT NULL ORDER BY at_offset`,
		args:  []any{string(l.Tenant), string(l.Upload), from, to},
		begin: begin,
		row: func(r pgx.Rows) error {
			var b pgtype.DriverBytes
			if err := r.Scan(&b); err != nil {
				return err
			}
			return w(b)
		},
	})
	return err
}

// Parts lists the parts of the multipart, in order.
func (db *DB) Parts(ctx context.Context, l Lease) (parts []Part, err error) {
	_, err = db.alone(ctx, l.Tenant, statement{
		relaxed: true,
		text: `SELECT number, at_offset, size, etag, crc32c FROM upload_part
			 WHERE tenant_id = $1 AND upload_id = $2 ORDER BY at_offset`,
		args:  []any{string(l.Tenant), string(l.Upload)},
		begin: func() { parts = nil },
		row: func(r pgx.Rows) error {
			var p Part
			var crc int64
			err := r.Scan(&p.Number, &p.Offset, &p.Size, &p.ETag, &crc)
			p.CRC32C = uint32(crc)
			parts = append(parts, p)
			return err
		},
	})
	return parts, err
}
