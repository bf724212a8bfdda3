package uploads_test

import (
	"context"
	"database/sql"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bonfiredb/bonfire/records"
)

// What tests look at behind the server's back: rows, as a superuser whom no
// tenant's wall holds, and the bucket.

// sql runs one statement and gives its first column.
func (s *server) sql(query string, args ...any) []string {
	s.t.Helper()
	rows, err := s.admin().QueryContext(context.Background(), query, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var v sql.NullString
		if err := rows.Scan(&v); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, v.String)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// admins are the superuser's connections, by database.
var admins sync.Map

func (s *server) admin() *sql.DB {
	s.t.Helper()
	if db, ok := admins.Load(s.Env.AdminURL); ok {
		return db.(*sql.DB)
	}
	db, err := sql.Open("pgx", s.Env.AdminURL)
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxIdleConns(1)
	db.SetConnMaxIdleTime(time.Second)
	kept, _ := admins.LoadOrStore(s.Env.AdminURL, db)
	return kept.(*sql.DB)
}

// one is sql for a single value.
func (s *server) one(query string, args ...any) string {
	s.t.Helper()
	got := s.sql(query, args...)
	if len(got) != 1 {
		s.t.Fatalf("%s: %d rows", query, len(got))
	}
	return got[0]
}

func (s *server) state(url string) string {
	s.t.Helper()
	return s.one(`SELECT state FROM upload WHERE id = $1`, path.Base(url))
}

func (s *server) wantState(url, state string) {
	s.t.Helper()
	if got := s.state(url); got != state {
		s.t.Fatalf("the upload is %s, want %s", got, state)
	}
}

// calls counts the S3 calls that do makes, by operation, retries apart.
func (s *server) calls(do func()) map[string]int64 {
	before := s.Bucket.Calls()
	do()
	out := map[string]int64{}
	for name, n := range s.Bucket.Calls() {
		if d := n - before[name]; d != 0 && !strings.HasSuffix(name, ".attempts") {
			out[name] = d
		}
	}
	return out
}

// sweep is what the sweeper does in the course of time: a first round as soon as
// it may, and, when what was under way has settled, rounds until nothing is left
// to be deleted.
func (s *server) sweep() {
	s.t.Helper()
	round := func() {
		if err := s.Records.Sweep(context.Background()); err != nil {
			s.t.Fatal(err)
		}
	}
	if s.one(`SELECT count(*) FROM blob_garbage WHERE settles > now()`) != "0" {
		s.sql(`UPDATE blob_garbage SET not_before = now() - interval '1 second'`)
		round()
		time.Sleep(300 * time.Millisecond) // for the 25 minutes in which a request that was given up may arrive
	}
	for n := 0; n == 0 || n < 50 && s.one(`SELECT count(*) FROM blob_garbage`) != "0"; n++ {
		s.sql(`UPDATE blob_garbage SET not_before = now() - interval '1 second', settles = now() - interval '1 second'`)
		round()
	}
}

// drift compares bucket and database both ways (P3) and tells what does not fit.
func (s *server) drift() (found []string) {
	s.t.Helper()
	ctx := context.Background()
	files := s.sql(`SELECT object_key || ' ' || size FROM file`)
	unfinished := s.sql(`SELECT object_key FROM upload WHERE state IN ('open', 'receiving', 'assembling', 'stored')`)
	scratch := s.sql(`SELECT scratch_key FROM upload_tail WHERE scratch_key IS NOT NULL`)
	multiparts := s.sql(`SELECT multipart FROM upload WHERE state IN ('open', 'receiving', 'assembling') AND multipart <> ''`)
	for o, err := range s.Bucket.List(ctx, "") {
		if err != nil {
			s.t.Fatal(err)
		}
		if i := slices.Index(files, fmt.Sprint(o.Key, " ", o.Size)); i >= 0 {
			files = slices.Delete(files, i, i+1)
		} else if !slices.Contains(unfinished, o.Key) && !slices.Contains(scratch, o.Key) {
			found = append(found, fmt.Sprintf("object %s of %d bytes belongs to nothing", o.Key, o.Size))
		}
	}
	for _, f := range files {
		found = append(found, "file without its object: "+f)
	}
	for m, err := range s.Bucket.ListMultiparts(ctx, "") {
		if err != nil {
			s.t.Fatal(err)
		}
		if !slices.Contains(multiparts, m.UploadID) {
			found = append(found, "multipart of nothing under "+m.Key)
		}
	}
	if g := s.sql(`SELECT object_key || ' ' || multipart FROM blob_garbage`); len(g) > 0 {
		found = append(found, "garbage left: "+strings.Join(g, ", "))
	}
	for _, leftover := range []string{
		`SELECT 'part of ended upload ' || u.id FROM upload_part p JOIN upload u ON u.id = p.upload_id WHERE u.state NOT IN ('open', 'receiving', 'assembling', 'stored')`,
		`SELECT 'tail of ended upload ' || u.id FROM upload_tail p JOIN upload u ON u.id = p.upload_id WHERE u.state NOT IN ('open', 'receiving', 'assembling')`,
		`SELECT 'digest state of ended upload ' || id FROM upload WHERE hash_state IS NOT NULL AND state NOT IN ('open', 'receiving', 'assembling', 'stored')`,
		`SELECT 'completed upload without its file ' || u.id FROM upload u WHERE state = 'completed' AND NOT EXISTS (SELECT FROM file f WHERE f.upload_id = u.id AND f.id = u.file_id)`,
		`SELECT 'file of an upload that is not completed ' || f.id FROM file f JOIN upload u ON u.id = f.upload_id WHERE u.state <> 'completed'`,
	} {
		found = append(found, s.sql(leftover)...)
	}
	return append(found, s.fsck()...)
}

// fsck is what the program itself finds, with every byte read.
func (s *server) fsck() (found []string) {
	s.t.Helper()
	if _, err := s.Records.CompareBucket(context.Background(), records.DriftCheck{Deep: true, Grace: time.Nanosecond}, func(d records.Drift) error {
		found = append(found, fmt.Sprintf("fsck: %+v", d))
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return found
}

// wantClean sweeps, and fails the test when anything is left that should not be.
func (s *server) wantClean() {
	s.t.Helper()
	s.sweep()
	for _, d := range s.drift() {
		s.t.Errorf("P3: %s", d)
	}
}

// wantNothing is wantClean for a bucket that must be empty.
func (s *server) wantNothing() {
	s.t.Helper()
	s.wantClean()
	for o, err := range s.Bucket.List(context.Background(), "") {
		s.t.Fatalf("left in the bucket: %s (%v)", o.Key, err)
	}
}
