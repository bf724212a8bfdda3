package records

import (
	"context"
	"iter"
	"slices"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/seal"
	"github.com/bonfiredb/bonfire/store"
)

// Sizes of what a check reads at a time.
const (
	sealPage = 50
	rowPage  = 2000
)

// AuditTenants lists the tenants whose trails are to be checked: those of the
// database, and those that only the bucket still knows.
func (r *Records) AuditTenants(ctx context.Context) ([]clinical.TenantID, error) {
	tenants, err := r.Store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	names, err := r.Bucket.Folders(ctx, seal.Folder)
	for _, name := range names {
		if t := clinical.TenantID(name); t.Valid() && !slices.Contains(tenants, t) {
			tenants = append(tenants, t)
		}
	}
	return tenants, err
}

// VerifyAudit holds a tenant's trail against its seals, and the seals against
// their anchors in the bucket. It changes nothing, and shows ids and numbers, no
// event. watch, if any, hears how many seals of how many were checked. An error
// means that it could not be checked; what was found is in the report.
func (r *Records) VerifyAudit(ctx context.Context, t clinical.TenantID, watch func(done, of int64)) (seal.Report, error) {
	c := &auditCheck{r: r, tenant: t, v: seal.NewVerifier(string(t)), watch: watch}
	if err := c.count(ctx); err != nil {
		return c.v.Report, err
	}
	if err := c.seals(ctx); err != nil {
		return c.v.Report, err
	}
	for {
		more, err := c.rest(ctx)
		if err != nil || !more {
			return c.v.Report, err
		}
		if err := c.newer(ctx); err != nil {
			return c.v.Report, err
		}
	}
}

// auditCheck is the check of one tenant's trail under way.
type auditCheck struct {
	r      *Records
	tenant clinical.TenantID
	v      *seal.Verifier
	watch  func(done, of int64)
	of     int64
	read   []store.StoredSeal // from the database, not checked yet
}

func (c *auditCheck) in(ctx context.Context, ask func(ctx context.Context, tx *store.Tx) error) error {
	return c.r.Store.InTx(ctx, c.tenant, ask)
}

func (c *auditCheck) count(ctx context.Context) error {
	return c.in(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		c.of, err = tx.LastSeal(ctx)
		return err
	})
}

// seals goes through the seals of database and bucket, in the order of their numbers.
func (c *auditCheck) seals(ctx context.Context) error {
	next, stop := iter.Pull2(c.r.anchors(ctx, c.tenant))
	defer stop()
	anchor, err, more := next()
	for {
		if err != nil {
			return err
		}
		stored, failed := c.peek(ctx)
		switch {
		case failed != nil:
			return failed
		case !more && stored == nil:
			return nil
		case more && anchor.number <= c.v.End.Number:
			c.v.Stray(anchor.number)
			anchor, err, more = next()
		case more && (stored == nil || anchor.number <= stored.Number):
			if err := c.step(ctx, anchor.number, anchor.Anchor); err != nil {
				return err
			}
			anchor, err, more = next()
		default:
			if err := c.unlisted(ctx, *stored); err != nil {
				return err
			}
		}
	}
}

// unlisted checks a seal whose anchor was not there when they were listed: it
// may have been written since.
func (c *auditCheck) unlisted(ctx context.Context, s store.StoredSeal) error {
	a, err := c.r.anchorOf(ctx, s.Seal)
	if err != nil {
		return err
	}
	return c.step(ctx, s.Number, a)
}

// newer checks the seals that were written since seals was done.
func (c *auditCheck) newer(ctx context.Context) error {
	for {
		s, err := c.peek(ctx)
		if err != nil || s == nil {
			return err
		}
		if err := c.unlisted(ctx, *s); err != nil {
			return err
		}
	}
}

// peek is the next stored seal; nil when there is none.
func (c *auditCheck) peek(ctx context.Context) (*store.StoredSeal, error) {
	for len(c.read) > 0 && c.read[0].Number <= c.v.End.Number {
		c.read = c.read[1:]
	}
	if len(c.read) == 0 {
		if err := c.in(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			c.read, err = tx.Seals(ctx, c.v.End.Number, sealPage)
			return err
		}); err != nil || len(c.read) == 0 {
			return nil, err
		}
	}
	return &c.read[0], nil
}

// step checks the seal of one number. A seal is committed before it is
// anchored, so one that peek does not give is not there.
func (c *auditCheck) step(ctx context.Context, number int64, a seal.Anchor) error {
	stored, err := c.peek(ctx)
	if err != nil {
		return err
	}
	var known *seal.Seal
	if stored != nil && stored.Number == number {
		known, a.Due = &stored.Seal, stored.Due
	}
	s := c.v.Trust(number, known, a)
	if s == nil {
		return nil
	}
	if err := c.load(ctx, s); err != nil {
		return err
	}
	c.v.Check(s)
	if c.watch != nil {
		c.watch(s.Number, max(c.of, s.Number))
	}
	return nil
}

// load reads the rows up to the seal's last one, and those before that were
// committed only after we had passed their place.
func (c *auditCheck) load(ctx context.Context, s *seal.Seal) error {
	for after := store.PastSeq(c.v.Loaded()); after.Seq < s.ToSeq(); {
		rows, err := c.rows(ctx, after, s.ToSeq())
		if err != nil {
			return err
		}
		c.v.Load(rows)
		if len(rows) < rowPage {
			break
		}
		after = store.Mark{Seq: rows[len(rows)-1].Seq, ID: rows[len(rows)-1].ID}
	}
	missing := c.v.Missing(s)
	if len(missing) == 0 {
		return nil
	}
	var late []seal.Row
	err := c.in(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		late, err = tx.RowsOf(ctx, missing)
		return err
	})
	c.v.Load(late)
	return err
}

func (c *auditCheck) rows(ctx context.Context, after store.Mark, to int64) (rows []seal.Row, err error) {
	err = c.in(ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err = tx.RowsUpTo(ctx, after, to, rowPage)
		return err
	})
	return rows, err
}
