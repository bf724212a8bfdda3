package e2e

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bonfiredb/bonfire/blob"
)

// named are the keys that the database knows of: of records, with their size; of
// what is unfinished; and of what is noted to be deleted, where a star or a slash
// at the end stands for all that begin so.
const named = `
SELECT object_key, size::text FROM file
UNION ALL SELECT object_key, '' FROM upload WHERE state IN ('open', 'receiving', 'assembling', 'stored')
UNION ALL SELECT scratch_key, '' FROM upload_tail WHERE scratch_key IS NOT NULL
UNION ALL SELECT object_key, '' FROM blob_garbage`

// agree compares bucket and database both ways (P3), and counts the records (P2).
func (s *tempest) agree(records int) {
	s.t.Helper()
	db, err := sql.Open("pgx", s.setting("BONFIRE_MIGRATE_DATABASE_URL"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // the setting is of the connection
	if _, err := db.Exec(`SELECT set_config('app.background', 'on', false)`); err != nil {
		s.t.Fatal(err)
	}
	rows, err := db.Query(named)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	files, others := map[string]string{}, []string{}
	for rows.Next() {
		var key, size string
		if err := rows.Scan(&key, &size); err != nil {
			s.t.Fatal(err)
		}
		if size != "" {
			files[key] = size
		} else {
			others = append(others, key)
		}
	}
	if len(files) != records {
		s.t.Errorf("P2: %d records of %d uploads", len(files), records)
	}
	for key, size := range s.objects() {
		switch want, ok := files[key]; {
		case ok && size != want:
			s.t.Errorf("P3: %s has %s bytes, its record %s", key, size, want)
		case !ok && !covered(key, others):
			s.t.Errorf("P3: object %s of %s bytes belongs to nothing", key, size)
		}
		delete(files, key)
	}
	for key := range files {
		s.t.Errorf("P3: record without its object %s", key)
	}
}

// covered reports whether a key is one of these, or under one that ends in a slash.
func covered(key string, by []string) bool {
	for _, b := range by {
		if key == b || strings.HasSuffix(b, "/") && strings.HasPrefix(key, b) {
			return true
		}
	}
	return false
}

// objects are the sizes of what is in the bucket, by key.
func (s *tempest) objects() map[string]string {
	s.t.Helper()
	ctx := context.Background()
	bucket, err := blob.Open(ctx, blob.Config{
		Bucket: s.setting("BONFIRE_S3_BUCKET"), Endpoint: s.setting("BONFIRE_S3_ENDPOINT"), Region: s.setting("BONFIRE_S3_REGION"),
		PathStyle: true, FullObjectCRC: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.setting("AWS_ACCESS_KEY_ID"), s.setting("AWS_SECRET_ACCESS_KEY"), ""),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]string{}
	for o, err := range bucket.List(ctx, "") {
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.HasPrefix(o.Key, ".audit/") { // seals of the audit trail are their own evidence
			continue
		}
		found[o.Key] = strconv.FormatInt(o.Size, 10)
	}
	return found
}
