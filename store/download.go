package store

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
)

// LinkServed finds the link that a line of the bucket's access log names, and
// what its document is. The line is the receipt: the bucket has served this object
// under a URL that we signed for this link. NotFound when there is no such link,
// or it is to another object.
func (tx *Tx) LinkServed(ctx context.Context, id clinical.LinkID, objectKey string) (clinical.Link, clinical.ResourceType, error) {
	if !wellFormed(id) {
		return clinical.Link{}, "", clinical.Missing()
	}
	var r struct {
		linkRow
		Resource clinical.ResourceType `bun:"resource_type"`
	}
	err := tx.bun.NewSelect().Table("link").TableExpr("link AS l").ColumnExpr("l.*, coalesce(f.resource_type, ?) AS resource_type", clinical.DocumentReference).
		Join("LEFT JOIN file AS f ON f.tenant_id = l.tenant_id AND f.id = l.file_id AND f.object_key = ?", objectKey).
		Join("LEFT JOIN note_object AS o ON o.tenant_id = l.tenant_id AND o.object_key = ? AND o.note_id = l.note_id AND o.version = l.file_version",
			objectKey).
		Where("l.tenant_id = ? AND l.id = ? AND (f.id IS NOT NULL OR o.note_id IS NOT NULL)", tx.tenant, id).Scan(ctx, &r)
	return r.link(), r.Resource, fail(err)
}

// NoteDownload notes that a line of the access log, by its digest, has the
// event; false when it has one already.
func (tx *Tx) NoteDownload(ctx context.Context, line []byte, event clinical.AuditEventID) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO audit_download (tenant_id, line, event_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		string(tx.tenant), line, string(event))
	return n == 1, err
}
