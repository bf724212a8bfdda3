package records

import (
	"context"
	"errors"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// call is one verb under way: a transaction, who acts in it, and the instant
// that everything in it happens at.
type call struct {
	*store.Tx
	r     *Records
	actor clinical.Actor
	verb  string
	now   time.Time
}

// act runs a verb: one transaction of the actor's tenant. What was refused in it
// is rolled back and then recorded on its own, before the error returns; a
// refusal that cannot be recorded is an error of ours (P5).
func (r *Records) act(ctx context.Context, actor clinical.Actor, verb string, fn func(context.Context, *call) error) error {
	return r.actIn(ctx, actor, verb, r.Store.InTx, fn)
}

// transaction is a method of the store that opens one.
type transaction func(context.Context, clinical.TenantID, func(context.Context, *store.Tx) error) error

// actIn is act in another sort of transaction.
func (r *Records) actIn(ctx context.Context, actor clinical.Actor, verb string, in transaction, fn func(context.Context, *call) error) error {
	if actor.Anonymous() {
		return clinical.Fail(clinical.Unauthenticated, "sign in first", nil)
	}
	c := &call{r: r, actor: actor, verb: verb}
	err := in(ctx, actor.Tenant, func(ctx context.Context, tx *store.Tx) error {
		c.Tx, c.now = tx, r.Now().UTC().Truncate(time.Microsecond)
		return fn(ctx, c)
	})
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	if unrecorded := r.recordRefusal(ctx, no.event); unrecorded != nil {
		return errors.Join(unrecorded, err) // the first one is what the caller is told
	}
	return err
}

// recordRefusal writes the audit event of a denial. It outlives the request: a
// caller who hangs up was refused all the same.
func (r *Records) recordRefusal(ctx context.Context, e clinical.AuditEvent) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	return r.Store.InTx(ctx, e.Tenant, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AppendDenial(ctx, e)
		return err
	})
}

// refusal carries the audit event of a denial out of its transaction, as the
// cause of the failure that the caller sees.
type refusal struct{ event clinical.AuditEvent }

// Error implements error.
func (n *refusal) Error() string { return "denied by " + n.event.Rule }

// permit asks the gate. A denial is NotFound where the caller may not even look
// at the resource, else Forbidden; of a file's bytes Quarantined where only a
// scan is missing, and Gone once the file was entered in error.
func (c *call) permit(ctx context.Context, action policy.Action, res policy.Resource) (policy.Decision, error) {
	d, err := c.judge(ctx, action, res)
	if err != nil || d.Allowed() {
		return d, err
	}
	no := &refusal{event: c.event(res, d.Rule())}
	no.event.Outcome = clinical.MinorFailure
	seen, err := c.sees(ctx, action, res)
	switch {
	case err != nil:
		return d, err
	case !seen:
		return d, clinical.Fail(clinical.NotFound, "not found", no)
	case d.Quarantined():
		return d, clinical.Fail(clinical.Quarantined, "waits for its scan", no)
	case action == policy.DownloadFile && res.Status == string(clinical.FileEnteredInError):
		return d, clinical.Fail(clinical.Gone, "this file was entered in error", no)
	}
	return d, clinical.Fail(clinical.Forbidden, "you may see this but not do this", no)
}

// judge asks the gate without consequences.
func (c *call) judge(ctx context.Context, action policy.Action, res policy.Resource) (policy.Decision, error) {
	return c.r.Gate.Authorize(ctx, policy.Request{Actor: c.actor, Action: action, Resource: res, Now: c.now})
}

// sees reports whether the actor may know that the resource exists; of one that
// is to be made, whether there is such a patient.
func (c *call) sees(ctx context.Context, action policy.Action, res policy.Resource) (bool, error) {
	look, about := policy.ReadPatient, patientOf(res)
	switch {
	case action == policy.UploadFile, action == policy.DraftNote:
	case res.Type == policy.File:
		look, about = policy.ReadFile, res
	case res.Type == policy.Note:
		look, about = policy.ReadNote, res
	case res.Type == policy.Upload:
		look, about = policy.ReadUpload, res
	case res.Type == policy.Link:
		look, about = policy.ReadLink, res
	case res.Type == policy.Tenant, res.Type == policy.AuditLog, action == policy.RegisterPatient:
		return true, nil // everybody knows that their clinic exists, and takes patients
	}
	if about.Patient == "" {
		return true, nil
	}
	d, err := c.judge(ctx, look, about)
	return d.Allowed(), err
}

// patientOf is the patient that a resource belongs to, as a resource.
func patientOf(res policy.Resource) policy.Resource {
	return policy.Resource{
		Type: policy.Patient, ID: string(res.Patient), Tenant: res.Tenant,
		Patient: res.Patient, CareGroups: res.CareGroups,
	}
}

// missing is the answer for what does not exist. The attempt is recorded, with
// the id that was asked for and no patient.
func (c *call) missing(t policy.Type, id string, err error) error {
	if !clinical.Is(err, clinical.NotFound) {
		return err
	}
	e := c.event(policy.Resource{Type: t, ID: id}, "not-found")
	e.Outcome = clinical.MinorFailure
	return clinical.Fail(clinical.NotFound, "not found", &refusal{event: e})
}

// subject loads what is decided on; a malformed id is a missing one.
func subject[ID ~string](ctx context.Context, c *call, t policy.Type, id ID,
	load func(context.Context, ID) (policy.Resource, error),
) (policy.Resource, error) {
	if _, ok := clinical.ParseID[ID](string(id)); !ok {
		return policy.Resource{}, c.missing(t, "", clinical.Missing())
	}
	res, err := load(ctx, id)
	if clinical.Is(err, clinical.NotFound) {
		c.judgeNothing(ctx, t, string(id))
	}
	if err != nil {
		return res, c.missing(t, string(id), err)
	}
	return res, nil
}

// judgeNothing spends on what does not exist what permit spends on what is
// hidden: two decisions, which a patient caller with a clock could count.
func (c *call) judgeNothing(ctx context.Context, t policy.Type, id string) {
	nothing := policy.Resource{
		Type: t, ID: id, Tenant: c.actor.Tenant, Patient: clinical.PatientID(id), Owner: clinical.ActorID(id), CreatedAt: c.now,
		Kind: "raw", Status: string(clinical.FileCurrent), ScanStatus: string(clinical.ScanClean),
	}
	action, ok := map[policy.Type]policy.Action{
		policy.Patient: policy.ReadPatient, policy.Encounter: policy.ReadEncounter, policy.File: policy.ReadFile,
		policy.Note: policy.ReadNote, policy.Upload: policy.ReadUpload, policy.Link: policy.ReadLink,
	}[t]
	for range 2 {
		if ok {
			_, _ = c.judge(ctx, action, nothing)
		}
	}
}

// lost is the failure of a permitted act that came too late: Conflict, with the
// problem as its cause. The attempt is recorded like a refusal, under the rule
// given: of two who act at once, both stand in the trail.
func (c *call) lost(d policy.Decision, rule, words string, problem error) error {
	no := &refusal{event: c.event(d.Resource(), rule)}
	no.event.Outcome = clinical.MinorFailure
	return clinical.Fail(clinical.Conflict, words, errors.Join(problem, no))
}

// onField names the input field in a failure of permit or subject.
func onField(field string, err error) error {
	if f := clinical.AsFailure(err); f != nil && f.Field == "" && f.Kind != clinical.Internal {
		return f.WithField(field)
	}
	return err
}
