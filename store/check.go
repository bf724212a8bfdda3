package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/bonfiredb/bonfire/policy"
)

// Check tells whether this database, and the role we are in it, may be served
// from: it is asked before the first request. The role must be held by
// row-level security and own nothing, every migration must be applied, every
// table of a tenant must have its wall, evidence must be append-only, and every
// attribute that policies require must have a column that cannot be NULL.
//
// The error, of kind Internal, lists what was found; Unavailable when the
// database does not answer.
func (db *DB) Check(ctx context.Context) error {
	for _, checks := range [][]func(context.Context) ([]string, error){
		{db.checkRole, db.checkOwnership}, // to such a role, everything else looks wrong as well
		{db.checkMigrations, db.checkWalls, db.checkAppendOnly, db.checkAttributes},
	} {
		var findings []string
		for _, check := range checks {
			found, err := check(ctx)
			if err != nil {
				return fail(err)
			}
			findings = append(findings, found...)
		}
		if len(findings) > 0 {
			return internal(fmt.Errorf("this database must not be served from: %s", strings.Join(findings, "; ")))
		}
	}
	return nil
}

// names runs a query for one column of text.
func (db *DB) names(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := db.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (db *DB) checkRole(ctx context.Context) ([]string, error) {
	return db.names(ctx, `
		SELECT format('role %s is a superuser: row-level security does not hold it', rolname)
		  FROM pg_roles WHERE rolname IN (current_user, session_user) AND rolsuper
		UNION ALL
		SELECT format('role %s has BYPASSRLS: row-level security does not hold it', rolname)
		  FROM pg_roles WHERE rolname IN (current_user, session_user) AND rolbypassrls AND NOT rolsuper`)
}

// checkOwnership: an owner could take the walls down, and so could whoever is a
// member of the owning role.
func (db *DB) checkOwnership(ctx context.Context) ([]string, error) {
	return db.names(ctx, `
		SELECT format('role %s owns, or is a member of the owner of, %s', current_user, string_agg(c.relname, ', ' ORDER BY c.relname))
		  FROM pg_class c
		 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'MEMBER')
		HAVING count(*) > 0`)
}

func (db *DB) checkMigrations(ctx context.Context) ([]string, error) {
	all, err := migrationStatus(ctx, db.bun)
	if err != nil {
		return nil, err
	}
	if missing := pending(all); len(missing) > 0 {
		return []string{"migrations are pending (run bonfire migrate up): " + strings.Join(missing, ", ")}, nil
	}
	return nil, nil
}

// checkWalls: row-level security enabled and forced, the policy tenant_wall on
// reading and writing, and no other permissive policy that applies to us:
// permissive policies are ORed.
func (db *DB) checkWalls(ctx context.Context) ([]string, error) {
	return db.names(ctx, `
		SELECT 'table ' || c.relname || ' has no tenant wall'
		  FROM pg_class c
		  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
		 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
		   AND NOT (c.relrowsecurity AND c.relforcerowsecurity
		     AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_wall'
		       AND p.polcmd = '*' AND p.polpermissive AND p.polroles = '{0}'
		       AND pg_get_expr(p.polqual, p.polrelid) ~ '^\(tenant_id = \( ?SELECT app_tenant\(\)( AS app_tenant)?\)\)$'
		       AND pg_get_expr(p.polwithcheck, p.polrelid) = pg_get_expr(p.polqual, p.polrelid))
		     AND NOT EXISTS (SELECT FROM pg_policy p, unnest(p.polroles) r WHERE p.polrelid = c.oid
		       AND p.polname <> 'tenant_wall' AND p.polpermissive AND (r = 0 OR pg_has_role(r, 'MEMBER'))))
		 ORDER BY c.relname`)
}

// appendOnly are the tables whose rows are evidence.
var appendOnly = []string{"audit_event", "provenance", "note_version", "scan", "kind", "audit_seal", "audit_download"}

func (db *DB) checkAppendOnly(ctx context.Context) ([]string, error) {
	return db.names(ctx, `
		SELECT format('role %s may %s in %s, which is append-only', current_user, privilege, tab)
		  FROM unnest($1::text[]) tab, unnest('{UPDATE,DELETE,TRUNCATE}'::text[]) privilege
		 WHERE to_regclass(tab) IS NOT NULL AND has_table_privilege(tab, privilege)`, appendOnly)
}

// columnTypes are the types that serve an attribute of each kind.
var columnTypes = map[policy.AttributeKind][]string{
	policy.KindUUID: {"uuid"}, policy.KindText: {"text"}, policy.KindInt: {"smallint", "integer", "bigint"},
	policy.KindBool: {"boolean"}, policy.KindTime: {"timestamp with time zone"}, policy.KindTextSet: {"text[]"},
}

func (db *DB) checkAttributes(ctx context.Context) ([]string, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT c.relname || '.' || a.attname, format_type(a.atttypid, NULL), a.attnotnull
		  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`)
	if err != nil {
		return nil, err
	}
	type column struct {
		sqlType string
		notNull bool
	}
	schema := map[string]column{}
	var name string
	var c column
	if _, err := pgx.ForEachRow(rows, []any{&name, &c.sqlType, &c.notNull}, func() error { schema[name] = c; return nil }); err != nil {
		return nil, err
	}
	var found []string
	for t, table := range tables {
		for _, a := range policy.Attributes(t) {
			_, column, _ := strings.Cut(columns[t][a.Name], ".")
			switch c, ok := schema[table+"."+column]; {
			case !ok:
				found = append(found, fmt.Sprintf("attribute %s of %s has no column", a.Name, t))
			case !slices.Contains(columnTypes[a.Kind], c.sqlType):
				found = append(found, fmt.Sprintf("attribute %s of %s has a column of type %s", a.Name, t, c.sqlType))
			case !a.Optional && !c.notNull:
				found = append(found, fmt.Sprintf("attribute %s of %s is required, but its column may be NULL", a.Name, t))
			}
		}
	}
	slices.Sort(found)
	return found, nil
}
