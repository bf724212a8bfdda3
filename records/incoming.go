package records

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/policy"
)

// FinishPatience is how long a caller waits for a received upload to be stored:
// less than the idle time of common load balancers (60 s).
const FinishPatience = 45 * time.Second

// Incoming is an upload held for its next bytes.
type Incoming struct {
	r       *Records
	actor   clinical.Actor
	session *ledger.Session
	// busy: the upload is being finished after its caller stopped waiting, and
	// is let go of then.
	busy bool
}

// Receiving is what the opener of an upload says of the bytes to come.
type Receiving struct {
	// LetGo is called when somebody else wants the upload.
	LetGo func()
	// Announced is how many bytes the request brings; 0 when it does not say.
	Announced int64
}

// want is the wish for an upload to receive bytes; nil when none come.
func (r *Receiving) want(w ledger.Want) ledger.Want {
	if r != nil {
		w.LetGo, w.Announced = r.LetGo, r.Announced
	}
	return w
}

// OpenUpload decides that the actor may go on with an upload, and holds it:
// whoever held it before has let go. Failures: NotFound, Busy. The Incoming must be released.
func (r *Records) OpenUpload(ctx context.Context, actor clinical.Actor, id clinical.UploadID, how *Receiving) (*Incoming, error) {
	err := r.act(ctx, actor, "continueUpload", func(ctx context.Context, c *call) error {
		_, err := c.upload(ctx, policy.ContinueUpload, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	s, err := r.Ledger.Acquire(ctx, how.want(ledger.Want{Tenant: actor.Tenant, Upload: id}))
	if err != nil {
		return nil, err
	}
	return &Incoming{r: r, actor: actor, session: s}, nil
}

// OpenUploadByToken is OpenUpload for the bearer of the upload token, the
// capability that BeginUpload handed out: it stands for the upload's owner as
// our membership rows describe them now. Failures: Unauthenticated, when the
// token is not this upload's or the owner's membership has ended; otherwise
// those of OpenUpload.
func (r *Records) OpenUploadByToken(ctx context.Context, id clinical.UploadID, token, requestID string, how *Receiving) (*Incoming, error) {
	tenant, ok := tokenTenant(token)
	if _, wellFormed := clinical.ParseID[clinical.UploadID](string(id)); !ok || !wellFormed {
		return nil, clinical.Fail(clinical.Unauthenticated, "this upload token is not valid", nil)
	}
	s, err := r.Ledger.Acquire(ctx, how.want(ledger.Want{Tenant: tenant, Upload: id, TokenHash: hashToken(token)}))
	if err != nil {
		return nil, err
	}
	actor, err := r.bearer(ctx, s, requestID)
	if err != nil {
		s.Release()
		return nil, err
	}
	return &Incoming{r: r, actor: actor, session: s}, nil
}

// Actor is who sends it.
func (in *Incoming) Actor() clinical.Actor { return in.actor }

// Upload is the upload as it stands.
func (in *Incoming) Upload() clinical.Upload { return in.session.Upload() }

// Release lets go of the upload.
func (in *Incoming) Release() {
	if !in.busy {
		in.session.Release()
	}
}

// DeclareLength fixes a deferred length; it is durable with the next bytes.
func (in *Incoming) DeclareLength(n int64) error { return in.session.DeclareLength(n) }

// Receive takes bytes at the upload's offset and returns how many are durable.
// See ledger.Session.Write. What no retry can mend ends the upload. Who sends them
// is looked at again while they arrive: Unauthenticated when their membership or
// key has ended, as OpenUpload when they may not go on.
func (in *Incoming) Receive(ctx context.Context, src io.Reader, verify func() error) (int64, error) {
	n, err := in.session.Write(ctx, in.watched(ctx, src), verify)
	if err != nil {
		err = in.endIfTerminal(ctx, err)
	}
	return n, err
}

// Finish makes the object and the record exist, whoever died half-way before,
// and answers the record. declare ends a recording of unknown length.
func (in *Incoming) Finish(ctx context.Context, declare bool) (clinical.File, error) {
	u := in.session.Upload()
	if u.State == clinical.UploadCompleted {
		return in.r.completedFile(ctx, in.actor, u)
	}
	if err := in.session.Assemble(ctx, declare); err != nil {
		return clinical.File{}, in.endIfTerminal(ctx, err)
	}
	return in.r.complete(ctx, in.session)
}

// FinishWithin is Finish for a caller who waits no longer than patience. Busy
// after that: the work goes on, the upload is let go of when it is done, and the
// Incoming is of no further use.
func (in *Incoming) FinishWithin(ctx context.Context, patience time.Duration, declare bool) (clinical.File, error) {
	type result struct {
		file clinical.File
		err  error
	}
	ended := make(chan result, 1)
	go func() {
		f, err := in.Finish(context.WithoutCancel(ctx), declare)
		ended <- result{f, err}
	}()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case r := <-ended:
		return r.file, r.err
	case <-t.C:
		in.busy = true
		go func() {
			<-ended
			in.session.Release()
		}()
		return clinical.File{}, clinical.Fail(clinical.Busy, "received, and being stored: ask again", nil)
	}
}

// Cancel ends an unfinished upload; Conflict when it has been received: it is,
// or is about to be, a record, which is retracted and not deleted.
func (in *Incoming) Cancel(ctx context.Context) error {
	return in.r.endUpload(ctx, in.actor, "cancelUpload", in.session, clinical.UploadCancelled, nil)
}

// endIfTerminal ends the upload after a failure that no retry can mend.
func (in *Incoming) endIfTerminal(ctx context.Context, err error) error {
	f := ledger.Terminal(err)
	if f == nil {
		return err
	}
	ended := in.r.endUpload(ctx, in.actor, "failUpload", in.session, clinical.UploadFailed, f)
	return errors.Join(err, ended)
}

// endUpload brings an upload to a terminal state without a record, audited in
// the same transaction; its bytes become garbage for the sweeper.
func (r *Records) endUpload(ctx context.Context, actor clinical.Actor, verb string, s *ledger.Session,
	state clinical.UploadState, f *clinical.UploadFailure,
) error {
	ctx, stop := detached(ctx)
	defer stop()
	u := s.Upload()
	err := r.act(ctx, actor, verb, func(ctx context.Context, c *call) error {
		if err := c.EndUpload(ctx, s.Lease(), state, f); err != nil {
			return err
		}
		e := c.event(policy.OfUpload(u, nil), "")
		if f != nil {
			e.Outcome = clinical.SeriousFailure
			e.Detail = map[string]string{"failure": string(f.Code)}
		}
		return c.AppendAudit(ctx, e)
	})
	if err == nil {
		s.Ended(state, f)
		r.sweepSoon()
	}
	return err
}
