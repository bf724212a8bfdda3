package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// What administrators read and write of memberships; every read demands a
// decision about the clinic itself. What a request needs to know of its own
// principal is in member.go.

func (m memberRow) member() clinical.Member {
	return clinical.Member{
		ID: m.ID, Tenant: m.Tenant, Kind: m.Kind, Display: m.Display, Roles: m.Roles, Clearance: m.Clearance,
		Departments: m.Departments, CareGroups: m.CareGroups, Login: Login{Issuer: m.Issuer, Subject: m.Subject},
		CreatedAt: m.CreatedAt.UTC(), EndedAt: utc(m.EndedAt),
	}
}

// administered refuses a decision that is not about this transaction's clinic.
func (tx *Tx) administered(d policy.Decision) error {
	return covered(d, policy.Tenant, string(tx.tenant))
}

// MemberQuery narrows a list of members.
type MemberQuery struct {
	// Ended also lists memberships that are no longer in force.
	Ended bool
}

func (tx *Tx) selectMembers(model any) *bun.SelectQuery {
	return tx.bun.NewSelect().Model(model).ColumnExpr("?TableColumns").ColumnExpr("m.created_at, m.ended_at").
		Where("m.tenant_id = ?", tx.tenant)
}

// Members lists the clinic's members in the order of their ids, which is that
// in which they joined.
func (tx *Tx) Members(ctx context.Context, d policy.Decision, mq MemberQuery, p clinical.Page) (clinical.Slice[clinical.Member], error) {
	if err := tx.administered(d); err != nil {
		return clinical.Slice[clinical.Member]{}, err
	}
	q := tx.selectMembers((*memberRow)(nil))
	if !mq.Ended {
		q.Where("m.ended_at IS NULL")
	}
	rows, err := page(ctx, tx, q, order[memberRow]{id: "m.id"}, shapeOf("members", tx.tenant, d.Actor().ID, mq), p,
		func(m memberRow) string { return string(m.ID) }, scanAll)
	return mapSlice(rows, memberRow.member), err
}

// Member reads one membership, in force or not. NotFound when there is none.
func (tx *Tx) Member(ctx context.Context, d policy.Decision, id clinical.ActorID) (clinical.Member, error) {
	if err := tx.administered(d); err != nil {
		return clinical.Member{}, err
	}
	if !wellFormed(id) {
		return clinical.Member{}, clinical.Missing()
	}
	var m memberRow
	err := fail(tx.selectMembers(&m).Where("m.id = ?", id).Scan(ctx))
	return m.member(), err
}

// UpdateMember writes what may change of a membership in force: all but id and
// kind. NotFound when it has ended or never was, Conflict when the login is
// another member's.
func (tx *Tx) UpdateMember(ctx context.Context, d policy.Decision, m clinical.Member) error {
	if err := tx.administered(d); err != nil {
		return err
	}
	row := memberRow{
		Tenant: tx.tenant, ID: m.ID, Display: m.Display, Roles: present(m.Roles), Clearance: m.Clearance,
		Departments: present(m.Departments), CareGroups: present(m.CareGroups), Issuer: m.Login.Issuer, Subject: m.Login.Subject,
	}
	res, err := tx.bun.NewUpdate().Model(&row).
		Column("display", "roles", "clearance", "departments", "care_groups", "issuer", "subject").
		Where("m.tenant_id = ? AND m.id = ? AND m.ended_at IS NULL", tx.tenant, m.ID).Exec(ctx)
	if violates(err, uniqueViolation, "member_login") {
		return clinical.Fail(clinical.Conflict, "this login is another member's", discreet(err))
	}
	return changed(res, err)
}

// changed is NotFound when a statement of bun's changed no row.
func changed(res sql.Result, err error) error {
	if err != nil {
		return fail(err)
	}
	n, err := res.RowsAffected()
	return one(n, fail(err))
}

// Panel lists the patients on a principal's panel now, in the order of their ids.
func (tx *Tx) Panel(ctx context.Context, d policy.Decision, member clinical.ActorID) ([]clinical.PanelEntry, error) {
	if err := tx.administered(d); err != nil {
		return nil, err
	}
	if !wellFormed(member) {
		return nil, clinical.Missing()
	}
	rows, err := tx.query(ctx, `SELECT patient_id, since, until FROM panel
		WHERE tenant_id = $1 AND member_id = $2 AND (until IS NULL OR until > now()) ORDER BY patient_id`,
		string(tx.tenant), string(member))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []clinical.PanelEntry
	for rows.Next() {
		var e clinical.PanelEntry
		if err := rows.Scan(&e.Patient, &e.Since, &e.Until); err != nil {
			return nil, fail(err)
		}
		e.Since, e.Until = e.Since.UTC(), utc(e.Until)
		out = append(out, e)
	}
	return out, fail(rows.Err())
}

// SetCareGroups replaces the care groups of a patient. NotFound when there is no
// such patient.
func (tx *Tx) SetCareGroups(ctx context.Context, d policy.Decision, patient clinical.PatientID, groups []string) error {
	if err := tx.administered(d); err != nil {
		return err
	}
	if !wellFormed(patient) {
		return clinical.Missing()
	}
	res, err := tx.bun.NewUpdate().Model((*patientRow)(nil)).Set("care_groups = ?", array(groups)).
		Where("p.tenant_id = ? AND p.id = ?", tx.tenant, patient).Exec(ctx)
	return changed(res, err)
}

// EndKeyGrants takes a patient off every bound key of a principal.
func (tx *Tx) EndKeyGrants(ctx context.Context, member clinical.ActorID, patient clinical.PatientID, at time.Time) error {
	if !wellFormed(member) || !wellFormed(patient) {
		return nil
	}
	_, err := tx.exec(ctx, `UPDATE key_grant SET until = $4 WHERE tenant_id = $1 AND patient_id = $3 AND until > $4
		AND key_id IN (SELECT id FROM api_key WHERE tenant_id = $1 AND member_id = $2)`,
		string(tx.tenant), string(member), string(patient), at)
	return err
}
