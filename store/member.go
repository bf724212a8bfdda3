package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
)

// memberRow is a principal as our own records describe it.
type memberRow struct {
	bun.BaseModel `bun:"table:member,alias:m"`

	Tenant      clinical.TenantID    `bun:"tenant_id,pk"`
	ID          clinical.ActorID     `bun:"id,pk"`
	Kind        clinical.ActorKind   `bun:"kind"`
	Display     string               `bun:"display"`
	Roles       []clinical.Role      `bun:"roles,array"`
	Clearance   int                  `bun:"clearance"`
	Departments []string             `bun:"departments,array"`
	CareGroups  []string             `bun:"care_groups,array"`
	Issuer      string               `bun:"issuer,nullzero"`
	Subject     string               `bun:"subject,nullzero"`
	Panel       []clinical.PatientID `bun:"panel,array,scanonly"`
	Glass       []glassGrant         `bun:"glass,type:jsonb,scanonly"`
	CreatedAt   time.Time            `bun:"created_at,scanonly"`
	EndedAt     *time.Time           `bun:"ended_at,scanonly"`
}

func (m memberRow) actor() clinical.Actor {
	a := clinical.Actor{
		ID: m.ID, Kind: m.Kind, Tenant: m.Tenant, Display: m.Display, Roles: m.Roles, Clearance: m.Clearance,
		Departments: m.Departments, CareGroups: m.CareGroups, Panel: m.Panel,
	}
	for _, g := range m.Glass {
		g.Expires = g.Expires.UTC()
		a.Session.BreakGlass = append(a.Session.BreakGlass, clinical.BreakGlassGrant(g))
	}
	return a
}

func unknownLogin(cause error) error {
	return clinical.Fail(clinical.Unauthenticated, "this login is not a member of any clinic", cause)
}

// MemberOfLogin finds whom an identity provider's subject is, and where: the
// one question that has to be asked before a tenant is known. Unauthenticated
// when it is nobody, or nobody any more.
func (db *DB) MemberOfLogin(ctx context.Context, issuer, subject string) (tenant clinical.TenantID, id clinical.ActorID, err error) {
	err = db.across(ctx, func() error {
		return db.pool.QueryRow(ctx, `SELECT tenant_id, id::text FROM member_of_login($1, $2)`, issuer, subject).
			Scan((*string)(&tenant), (*string)(&id))
	})
	if clinical.Is(err, clinical.NotFound) {
		err = unknownLogin(err)
	}
	return tenant, id, err
}

// Actor loads a principal with its roles, care groups, the patients that are on
// its panel now and the glass it has broken. Unauthenticated when the membership
// has ended or never was.
func (tx *Tx) Actor(ctx context.Context, id clinical.ActorID) (clinical.Actor, error) {
	if !wellFormed(id) {
		return clinical.Actor{}, unknownLogin(nil)
	}
	var m memberRow
	err := fail(tx.bun.NewSelect().Model(&m).
		ColumnExpr("?TableColumns").
		ColumnExpr(`ARRAY(SELECT n.patient_id::text FROM panel AS n WHERE n.tenant_id = m.tenant_id
			AND n.member_id = m.id AND (n.until IS NULL OR n.until > now()) ORDER BY n.patient_id) AS panel`).
		ColumnExpr(`(SELECT jsonb_agg(jsonb_build_object('id', b.id, 'patient', b.patient_id, 'expires', b.expires_at) ORDER BY b.id)
			FROM break_glass AS b WHERE b.tenant_id = m.tenant_id AND b.member_id = m.id AND b.expires_at > now()) AS glass`).
		Where("m.tenant_id = ? AND m.id = ? AND m.ended_at IS NULL", tx.tenant, id).Scan(ctx))
	if clinical.Is(err, clinical.NotFound) {
		return clinical.Actor{}, unknownLogin(err)
	}
	return m.actor(), err
}

// ActorDisplays gives what may be shown of principals, members still or not: id,
// kind, tenant, display and roles. Unknown ids are left out.
func (tx *Tx) ActorDisplays(ctx context.Context, ids []clinical.ActorID) (map[clinical.ActorID]clinical.Actor, error) {
	var rows []memberRow
	err := tx.bun.NewSelect().Model(&rows).Column("tenant_id", "id", "kind", "display", "roles").
		Where("m.tenant_id = ? AND m.id = ANY(?::uuid[])", tx.tenant, array(onlyWellFormed(ids))).Scan(ctx)
	out := make(map[clinical.ActorID]clinical.Actor, len(rows))
	for _, m := range rows {
		out[m.ID] = m.actor()
	}
	return out, fail(err)
}

// Login is how a member signs in.
type Login = clinical.Login

// UpsertMember writes a principal and its login, if any; the panel is AddToPanel's
// business. A membership that had ended begins again. Conflict when the login is
// another member's.
func (tx *Tx) UpsertMember(ctx context.Context, a clinical.Actor, login Login) error {
	m := memberRow{
		Tenant: tx.tenant, ID: a.ID, Kind: a.Kind, Display: a.Display, Roles: present(a.Roles), Clearance: a.Clearance,
		Departments: present(a.Departments), CareGroups: present(a.CareGroups), Issuer: login.Issuer, Subject: login.Subject,
	}
	q := tx.bun.NewInsert().Model(&m).On("CONFLICT (tenant_id, id) DO UPDATE").Set("ended_at = NULL")
	for _, column := range []string{"kind", "display", "roles", "clearance", "departments", "care_groups", "issuer", "subject"} {
		q.Set("? = excluded.?", bun.Ident(column), bun.Ident(column))
	}
	_, err := q.Exec(ctx)
	if violates(err, uniqueViolation, "member_login") {
		return clinical.Fail(clinical.Conflict, "this login is another member's", discreet(err))
	}
	return fail(err)
}

// EndMember ends a membership now: its logins and keys open nothing any more.
// NotFound when it is not in force.
func (tx *Tx) EndMember(ctx context.Context, id clinical.ActorID) error {
	if !wellFormed(id) {
		return clinical.Missing()
	}
	return one(tx.exec(ctx, `UPDATE member SET ended_at = now()
		 WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL`, string(tx.tenant), string(id)))
}

// AddToPanel puts a patient into a principal's care, or grants it to an agent or
// device, until the given instant; nil means until taken away. Repeating it
// changes the end. NotFound when either does not exist.
func (tx *Tx) AddToPanel(ctx context.Context, member clinical.ActorID, patient clinical.PatientID, until *time.Time) error {
	if !wellFormed(member) || !wellFormed(patient) {
		return clinical.Missing()
	}
	_, err := tx.exec(ctx, `INSERT INTO panel (tenant_id, member_id, patient_id, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, member_id, patient_id) DO UPDATE SET until = excluded.until`,
		string(tx.tenant), string(member), string(patient), until)
	if sqlState(err) == foreignKeyViolation {
		return clinical.Missing()
	}
	return err
}

// RemoveFromPanel takes a patient off a panel; nothing happens when it is not on it.
func (tx *Tx) RemoveFromPanel(ctx context.Context, member clinical.ActorID, patient clinical.PatientID) error {
	_, err := tx.exec(ctx, `DELETE FROM panel WHERE tenant_id = $1 AND member_id = $2 AND patient_id = $3`,
		string(tx.tenant), string(member), string(patient))
	return err
}
