package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// withoutTenant are the tables that have no tenant_id, and why.
var withoutTenant = map[string]string{
	"bun_migrations":      "which migrations were applied: about the schema, not about a clinic",
	"bun_migration_locks": "bun makes it; the advisory lock does its work",
}

// Every table is of a tenant, or says why not.
func TestP9_EveryTableHasATenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bare, err := h.db.names(h.Context(), `
		SELECT c.relname FROM pg_class c
		 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'f')
		   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') ORDER BY 1`)
	check(t, err)
	if want := slices.Sorted(maps.Keys(withoutTenant)); !slices.Equal(bare, want) {
		t.Errorf("tables without tenant_id: %v, want %v", bare, want)
	}
	// Keys begin with the tenant, so that no id of one clinic can get in the way of another's.
	loose, err := h.db.names(h.Context(), `
		SELECT c.relname FROM pg_class c
		  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
		 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
		   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indkey[0] = a.attnum)`)
	check(t, err)
	if len(loose) > 0 {
		t.Errorf("primary keys that do not begin with the tenant: %v", loose)
	}
	if err := h.db.Check(h.Context()); err != nil {
		t.Errorf("a database as the migrations leave it is refused: %v", err)
	}
}

// tenantTables are all tables with the wall.
func (h *house) tenantTables() []string {
	h.Helper()
	tables, err := h.db.names(h.Context(), `
		SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
		 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`)
	check(h, err)
	return tables
}

// furnish puts a row into every table of the tenant.
func (h *house) furnish(tenant clinical.TenantID) clinical.File {
	h.Helper()
	p := h.patient(tenant)
	f := h.file(p)
	n := h.note(p, h.clinician(tenant, p.ID), func(n *clinical.Note) {
		n.Sources = []clinical.NoteSource{{File: f.ID, Type: clinical.Media, Version: 1}}
	})
	h.in(tenant, func(ctx context.Context, tx *Tx) error {
		e := clinical.Encounter{ID: clinical.NewID[clinical.EncounterID](noon), Tenant: tenant, Patient: p.ID, CreatedAt: noon, CreatedBy: p.CreatedBy}
		check(h, tx.InsertEncounter(ctx, e))
		check(h, tx.InsertLink(ctx, newLink(f)))
		_, err := tx.AppendDenial(ctx, newAudit(f))
		check(h, err)
		check(h, tx.AppendProvenance(ctx, newProvenance(f)))
		check(h, tx.AppendOutbox(ctx, newEvent(f)))
		_, err = tx.Remember(ctx, f.UploadedBy, "test", "key-of-a-call", []byte("sha"), string(f.ID))
		check(h, err)
		check(h, tx.AddGarbage(ctx, string(tenant)+"/gone", ""))
		return nil
	})
	h.furnishLife(f)
	h.furnishAccess(p)
	h.furnishSeals(f)
	admin := h.as(h.env.AdminURL)
	h.exec(admin, `INSERT INTO note_object (tenant_id, object_key, note_id, version, size, sha256, put_at) VALUES ($1, $1 || '/text', $2, 1, 0, 's', now())`,
		string(tenant), string(n.ID))
	h.exec(admin, `INSERT INTO upload_part (tenant_id, upload_id, number, at_offset, size, etag, crc32c) VALUES ($1, $2, 1, 0, 1, 'e', 1)`,
		string(tenant), string(f.Upload))
	h.exec(admin, `INSERT INTO upload_tail (tenant_id, upload_id, at_offset, size, bytes) VALUES ($1, $2, 1, 1, 'b')`,
		string(tenant), string(f.Upload))
	return f
}

func (tx *Tx) countRows(ctx context.Context, table string) (n int, err error) {
	err = tx.queryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n)
	return n, err
}

// A tenant sees its own rows of every table, another's never, and without a
// tenant there are none, whatever a statement asks for.
func TestP9_RowsOfAnotherTenantAreNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(north)
	tables := h.tenantTables()
	if len(tables) < 15 {
		t.Fatalf("only %v: the walk sees too little", tables)
	}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		for _, table := range tables {
			if n, err := tx.countRows(ctx, table); err != nil || n == 0 {
				t.Errorf("%s: %d rows of our own (%v): the test tests nothing", table, n, err)
			}
		}
		return nil
	})
	app := h.as(h.env.AppURL)
	for _, table := range tables {
		for name, settings := range map[string][]string{
			"another tenant":                  {`SET LOCAL app.tenant = 'south'`},
			"no tenant":                       {},
			"an empty tenant":                 {`SET LOCAL app.tenant = ''`},
			"app.background":                  {`SET LOCAL app.background = 'on'`},
			"another tenant, app.background":  {`SET LOCAL app.tenant = 'south'`, `SET LOCAL app.background = 'on'`},
			"row_security off":                {`SET LOCAL app.tenant = 'south'`, `SET LOCAL row_security = off`},
			"a tenant that looks like a glob": {`SET LOCAL app.tenant = '%'`},
		} {
			btx, err := app.BeginTx(h.Context(), nil)
			check(t, err)
			for _, s := range settings {
				_, err := btx.Exec(s)
				check(t, err)
			}
			var n int
			err = btx.QueryRow(`SELECT count(*) FROM ` + table + ` WHERE tenant_id = 'north'`).Scan(&n)
			if refused := sqlState(err) == insufficientPrivilege && name == "row_security off"; !refused && (err != nil || n != 0) {
				t.Errorf("%s, %s: sees %d rows (%v)", table, name, n, err)
			}
			_ = btx.Rollback()
		}
	}
}

// A forged tenant in a row does not get it through the wall, nor does a change
// or a deletion reach a row behind it.
func TestP9_WritesStayWithinTheTenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.furnish(north)
	p := h.patient(south)
	forged := p
	forged.ID, forged.Tenant = clinical.NewID[clinical.PatientID](noon), north
	smuggled := newUpload(p)
	smuggled.Tenant = north
	for name, write := range map[string]func(ctx context.Context, tx *Tx) error{
		"patient":    func(ctx context.Context, tx *Tx) error { return tx.InsertPatient(ctx, forged, nil) },
		"upload":     func(ctx context.Context, tx *Tx) error { return tx.InsertUpload(ctx, smuggled, nil) },
		"link":       func(ctx context.Context, tx *Tx) error { return tx.InsertLink(ctx, newLink(f)) },
		"audit":      func(ctx context.Context, tx *Tx) error { return tx.AppendAudit(ctx, newAudit(f)) },
		"provenance": func(ctx context.Context, tx *Tx) error { return tx.AppendProvenance(ctx, newProvenance(f)) },
		"outbox":     func(ctx context.Context, tx *Tx) error { return tx.AppendOutbox(ctx, newEvent(f)) },
		"clinic": func(ctx context.Context, tx *Tx) error {
			return tx.UpsertClinic(ctx, Clinic{Tenant: north, Display: "taken over"})
		},
		"move": func(ctx context.Context, tx *Tx) error {
			_, err := tx.exec(ctx, `UPDATE patient SET tenant_id = 'north'`)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := h.db.InTx(h.Context(), south, write)
			wantKind(t, err, clinical.Internal)
			if state := sqlState(err); state != insufficientPrivilege {
				t.Errorf("refused for another reason: SQLSTATE %s", state)
			}
		})
	}
	// A patient of another clinic cannot be referred to.
	abroad := newUpload(p)
	abroad.Patient = f.Patient
	wantKind(t, h.db.InTx(h.Context(), south, func(ctx context.Context, tx *Tx) error {
		return tx.InsertUpload(ctx, abroad, nil)
	}), clinical.NotFound)
	// Nor can rows be changed or deleted.
	for _, statement := range []string{
		`UPDATE file SET title = 'x'`, `UPDATE upload SET state = 'failed'`, `UPDATE link SET revoked_at = now()`,
		`UPDATE outbox SET delivered_at = now()`, `DELETE FROM upload_part`, `DELETE FROM upload_tail`, `DELETE FROM panel`,
		`DELETE FROM idempotency`, `DELETE FROM blob_garbage`, `DELETE FROM audit_denial`,
	} {
		h.in(south, func(ctx context.Context, tx *Tx) error {
			if n, err := tx.exec(ctx, statement+` WHERE tenant_id = 'north'`); err != nil || n != 0 {
				t.Errorf("%s reaches %d rows of another clinic (%v)", statement, n, err)
			}
			return nil
		})
	}
}

// The questions that span tenants are answered, with ids, by the functions made
// for them, even though the wall holds for their owner.
func TestP9_BackgroundFunctionsSeeEveryTenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, tenant := range []clinical.TenantID{north, south} {
		f := h.furnish(tenant)
		h.exec(h.as(h.env.AdminURL), `UPDATE upload SET state = 'stored', updated_at = now() - interval '1 hour' WHERE id = $1`, string(f.Upload))
	}
	ctx := h.Context()
	for name, ask := range map[string]func() (int, error){
		"tenants":    func() (int, error) { all, err := h.db.Tenants(ctx); return len(all), err },
		"uploads":    func() (int, error) { all, err := h.db.UploadWork(ctx, 100); return len(all), err },
		"garbage":    func() (int, error) { all, err := h.db.GarbageWork(ctx, 100); return len(all), err },
		"seals":      func() (int, error) { all, err := h.db.SealWork(ctx); return len(all), err },
		"outbox":     func() (int, error) { all, err := h.db.OutboxWork(ctx, 100); return len(all), err },
		"partitions": func() (int, error) { return 2, h.db.AuditPartitions(ctx, 6) },
	} {
		if n, err := ask(); err != nil || n != 2 {
			t.Errorf("%s: %d (%v), want one of each clinic", name, n, err)
		}
	}
	// The setting does not outlive the function, nor serve its owner outside of one...
	owner := h.as(h.env.OwnerURL)
	btx, err := owner.BeginTx(ctx, nil)
	check(t, err)
	defer func() { _ = btx.Rollback() }()
	var tenants, patients int
	check(t, btx.QueryRow(`SELECT count(*) FROM all_tenants()`).Scan(&tenants))
	check(t, btx.QueryRow(`SELECT count(*) FROM patient`).Scan(&patients))
	if tenants != 2 || patients != 0 {
		t.Errorf("the owner sees %d tenants through the function and %d patients without it, want 2 and 0", tenants, patients)
	}
	// ... and nobody but the server may call them.
	for _, f := range []string{"member_of_login('a', 'b')", "all_tenants()", "upload_work(1)", "garbage_work(1)", "outbox_work(1)", "seal_work()", "audit_partitions(1)", "wall('file')"} {
		var public bool
		check(t, btx.QueryRow(`SELECT EXISTS (SELECT FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
			WHERE p.proname = $1 AND a.grantee = 0)`, f[:strings.IndexByte(f, '(')]).Scan(&public))
		if public {
			t.Errorf("anybody may call %s", f)
		}
	}
}

// A temporary table does not stand in for a real one inside these functions.
func TestP9_BackgroundFunctionsIgnoreTemporaryTables(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.exec(h.as(h.env.AdminURL), `GRANT TEMPORARY ON DATABASE `+h.env.Database+` TO bonfire_app`)
	conn, err := h.as(h.env.AppURL).Conn(h.Context())
	check(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.ExecContext(h.Context(), `CREATE TEMP TABLE tenant (tenant_id text); INSERT INTO tenant VALUES ('forged')`)
	check(t, err)
	var forged int
	check(t, conn.QueryRowContext(h.Context(), `SELECT count(*) FROM all_tenants() t WHERE t = 'forged'`).Scan(&forged))
	if forged != 0 {
		t.Error("the function read the temporary table")
	}
}

// Evidence is added to and never changed: the server's role has no right to (P5).
func TestP5_EvidenceIsAppendOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(north)
	partitions, err := h.db.names(h.Context(), `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_event'::regclass`)
	check(t, err)
	for _, table := range append([]string{"audit_event", "provenance", "note_version"}, partitions...) {
		for _, statement := range []string{"UPDATE %s SET tenant_id = tenant_id", "DELETE FROM %s", "TRUNCATE %s"} {
			statement = strings.Replace(statement, "%s", table, 1)
			err := h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
				_, err := tx.exec(ctx, statement)
				return err
			})
			if sqlState(err) != insufficientPrivilege {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		for _, table := range []string{"audit_event", "provenance"} {
			if n, err := tx.countRows(ctx, table); err != nil || n != 1 {
				t.Errorf("%s has %d rows (%v)", table, n, err)
			}
		}
		return nil
	})
}

// Whoever could walk around the wall, or serve from a house without one, is
// refused before the first request.
func TestP9_CheckRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url  func(h *house) string
		harm string
		says string
	}{
		"a superuser":          {func(h *house) string { return h.env.AdminURL }, ``, "is a superuser"},
		"the owner":            {func(h *house) string { return h.env.OwnerURL }, ``, "owns, or is a member of the owner of, api_key"},
		"a missing wall":       {app, `ALTER TABLE link DISABLE ROW LEVEL SECURITY`, "table link has no tenant wall"},
		"an unforced wall":     {app, `ALTER TABLE link NO FORCE ROW LEVEL SECURITY`, "table link has no tenant wall"},
		"a dropped policy":     {app, `DROP POLICY tenant_wall ON patient`, "table patient has no tenant wall"},
		"a hollow policy":      {app, `ALTER POLICY tenant_wall ON file USING (true)`, "table file has no tenant wall"},
		"writing past it":      {app, `ALTER POLICY tenant_wall ON file WITH CHECK (true)`, "table file has no tenant wall"},
		"a second policy":      {app, `CREATE POLICY more ON file USING (true)`, "table file has no tenant wall"},
		"background for us":    {app, `ALTER POLICY background ON file TO bonfire_app`, "table file has no tenant wall"},
		"a new table":          {app, `CREATE TABLE fresh (tenant_id text, id int)`, "table fresh has no tenant wall"},
		"an audit that yields": {app, `GRANT UPDATE ON audit_event TO bonfire_app`, "may UPDATE in audit_event"},
		"a nullable attribute": {app, `ALTER TABLE file ALTER COLUMN confidentiality DROP NOT NULL`, "attribute confidentiality of File is required"},
		"a missing attribute":  {app, `ALTER TABLE upload RENAME COLUMN kind TO sort`, "attribute kind of Upload has no column"},
		"a mistyped attribute": {app, `ALTER TABLE file ALTER COLUMN kind TYPE varchar(9)`, "attribute kind of File has a column of type character varying"},
		"a pending migration":  {app, `DELETE FROM bun_migrations WHERE name = '20261123000003'`, "migrations are pending (run bonfire migrate up): 20261123000003_record"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			if c.harm != "" {
				h.exec(h.as(h.env.OwnerURL), c.harm)
			}
			err := h.open(c.url(h)).Check(h.Context())
			wantKind(t, err, clinical.Internal)
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("says %q, want %q", err, c.says)
			}
		})
	}
}

func app(h *house) string { return h.env.AppURL }

// BYPASSRLS and membership in the owner's role are as good as being it.
func TestP9_CheckRefusesPowerfulRoles(t *testing.T) {
	t.Parallel()
	env := devtestPrivate(t)
	h := settleIn(t, env)
	admin := h.as(env.AdminURL)
	for _, c := range []struct{ harm, mend, says string }{
		{`ALTER ROLE bonfire_app BYPASSRLS`, `ALTER ROLE bonfire_app NOBYPASSRLS`, "has BYPASSRLS"},
		{`GRANT bonfire_owner TO bonfire_app`, `REVOKE bonfire_owner FROM bonfire_app`, "is a member of the owner of"},
	} {
		h.exec(admin, c.harm)
		if err := h.db.Check(h.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("after %s: %v", c.harm, err)
		}
		h.exec(admin, c.mend)
		if err := h.db.Check(h.Context()); err != nil {
			t.Errorf("after %s: %v", c.mend, err)
		}
	}
}

// Every attribute that lists may be filtered by has a column, and no column
// stands for an attribute that there is not.
func TestColumnsMapAttributes(t *testing.T) {
	listed := map[policy.Type]bool{}
	for _, a := range policy.Actions() {
		if a.Listed() {
			for _, typ := range a.Types() {
				listed[typ] = true
			}
		}
	}
	for typ := range listed {
		var names []string
		for _, a := range policy.Attributes(typ) {
			names = append(names, a.Name)
		}
		slices.Sort(names)
		if mapped := slices.Sorted(maps.Keys(columns[typ])); !slices.Equal(names, mapped) {
			t.Errorf("%s has the attributes %v, the columns are of %v", typ, names, mapped)
		}
		if tables[typ] == "" {
			t.Errorf("%s has no table", typ)
		}
	}
}
