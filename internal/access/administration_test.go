package access_test

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// admins is what only administrators do. Nobody else is told what there is.
var (
	admins      = only(no, want{"admin": yes})
	adminsThere = only("no no no no", want{"admin": "yes yes"})
)

// someone gives a fresh member of the chart's clinic.
func someone(kind clinical.ActorKind) func(w *world, p principal, at chart) vars {
	return func(w *world, _ principal, at chart) vars { return vars{"id": w.member(at, kind)} }
}

func administration() []operation {
	const (
		update = `mutation($id: ID!) { updateMember(input: {memberId: $id, clearance: 1}) { member { id } } }`
		end    = `mutation($id: ID!) { endMember(input: {memberId: $id}) { member { id } } }`
		panel  = `mutation($id: ID!, $patient: ID!) { setPanel(input: {memberId: $id, add: [{patientId: $patient}]}) { panel { patientId } } }`
		groups = `mutation($id: ID!) { setCareGroups(input: {patientId: $id, careGroups: []}) { patientId } }`
		key    = `mutation($id: ID!, $patient: ID!, $until: Instant!) {
			createKey(input: {memberId: $id, label: "x", grants: [{patientId: $patient, until: $until}]}) { secret } }`
		revoke = `mutation($id: ID!) { revokeKey(input: {keyId: $id}) { key { id } } }`
		review = `mutation($id: ID!) { reviewBreakGlass(input: {grantId: $id, verdict: JUSTIFIED}) { grant { id } } }`
	)
	empanelling := func(w *world, p principal, at chart) vars {
		return vars{"id": w.member(at, clinical.User), "patient": at.patient}
	}
	return []operation{
		{"clinic", "clinic", true, query(`{ clinic { id } }`, ofNothing), admins},
		{"updateClinic", "updateClinic", true, query(`mutation { updateClinic(input: {linkTtlMax: 900}) { clinic { id } } }`, ofNothing), admins},
		{"members", "members", true, query(`{ members(first: 1) { nodes { id } } }`, ofNothing), admins},
		{"member", "member", false, query(`query($id: ID!) { member(id: $id) { id panel { patientId } keys { id } } }`, someone(clinical.User)), adminsThere},
		{"addMember", "addMember", true, query(`mutation { addMember(input: {kind: DEVICE, display: "Recorder"}) { member { id } } }`, ofNothing), admins},
		{"updateMember", "updateMember", false, query(update, someone(clinical.User)), adminsThere},
		{"endMember", "endMember", false, query(end, someone(clinical.User)), adminsThere},
		{"setPanel", "setPanel", false, query(panel, empanelling), adminsThere},
		{"setCareGroups", "setCareGroups", false, query(groups, ofPatient), adminsThere},
		{"keys", "keys", true, query(`{ keys { id } }`, ofNothing), admins},
		{"createKey", "createKey", false, query(key, func(w *world, _ principal, at chart) vars {
			return vars{"id": w.member(at, clinical.Agent), "patient": at.patient, "until": soon()}
		}), adminsThere},
		{"revokeKey", "revokeKey", false, query(revoke, func(w *world, _ principal, at chart) vars { return vars{"id": w.key(at)} }), adminsThere},
		{"setKind", "setKind", true, query(`mutation { setKind(input: {code: "x-form", display: "Form", resourceType: DocumentReference, category: "administrative", contentTypes: ["application/pdf"], maxSize: 1000}) { kind { code } } }`, ofNothing), admins},
		{"retireKind", "retireKind", true, query(`mutation($code: String!) { retireKind(input: {code: $code}) { kind { code } } }`,
			func(w *world, p principal, _ chart) vars { return vars{"code": w.kind(p.Actor.Tenant)} }), admins},
		{"breakGlassReviews", "breakGlassReviews", true, query(`{ breakGlassReviews(first: 1) { nodes { id } } }`, ofNothing), only(no, want{"admin": yes, "auditor": yes})},
		{"reviewBreakGlass", "reviewBreakGlass", false, query(review, func(w *world, _ principal, at chart) vars { return vars{"id": w.brokenGlass(at)} }), adminsThere},
	}
}

// kind puts a fresh kind into a clinic's registry.
func (w *world) kind(tenant clinical.TenantID) string {
	w.Helper()
	code := "x-" + fresh[string]()
	_, err := w.rooms.Records.SetKind(w.Context(), records.Operator(tenant), clinical.FileKind{
		Code: code, Display: "Form", Category: "administrative", ContentTypes: []string{"application/pdf"}, MaxSize: 1000,
		Resource: clinical.DocumentReference, Scan: clinical.ScanNone, Mismatch: clinical.RefuseMismatch,
	})
	w.must(err)
	return code
}

// key makes a key of a fresh agent in the chart's clinic.
func (w *world) key(at chart) clinical.KeyID {
	w.Helper()
	k := clinical.Key{ID: fresh[clinical.KeyID](), Tenant: at.tenant, Member: w.member(at, clinical.Agent), Label: "x", CreatedAt: time.Now(), CreatedBy: w.nurses[at.tenant].ID}
	if at.exists() {
		_, hash := clinical.NewKeySecret(at.tenant)
		w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error { return tx.InsertKey(ctx, k, clinical.Agent, hash) })
	}
	return k.ID
}

// brokenGlass is a grant of the nurse's in the chart.
func (w *world) brokenGlass(at chart) clinical.GrantID {
	w.Helper()
	now := time.Now().UTC()
	b := clinical.BreakGlass{
		ID: fresh[clinical.GrantID](), Tenant: at.tenant, Member: w.nurses[at.tenant].ID, Patient: at.patient, Reason: "collapsed in the waiting room",
		GrantedAt: now, ExpiresAt: now.Add(time.Minute), Audit: fresh[clinical.AuditEventID](),
	}
	if !at.exists() {
		return b.ID
	}
	nurse := w.nurses[at.tenant]
	nurse.Session = clinical.Session{Purpose: clinical.Treatment, MFA: true}
	gate, err := policy.Default()
	w.must(err)
	w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error {
		subject, err := tx.PatientSubject(ctx, at.patient)
		if err != nil {
			return err
		}
		d, err := gate.Authorize(ctx, policy.Request{Actor: nurse, Action: policy.BreakGlass, Resource: subject, Now: now})
		if err != nil {
			return err
		}
		return tx.InsertBreakGlass(ctx, d, b)
	})
	return b.ID
}
