package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bonfiredb/bonfire/clinical"
)

// releaseChannel carries "tenant/upload/nonce" of leases that another writer wants.
const releaseChannel = "bonfire_release"

// Lease names one writer's hold on an upload. The nonce stands in every commit,
// so that a writer which lost its lease can do no harm.
type Lease struct {
	Tenant clinical.TenantID
	Upload clinical.UploadID
	Nonce  int64
}

// ScratchPrefix is what the keys of an upload's scratch objects begin with; it
// ends in a slash.
func (l Lease) ScratchPrefix() string {
	return string(l.Tenant) + "/scratch/" + string(l.Upload) + "/"
}

func (l Lease) args(more ...any) []any {
	return append([]any{string(l.Tenant), string(l.Upload), l.Nonce}, more...)
}

// ErrLeaseLost: the lease is another writer's now. Kind Busy.
var ErrLeaseLost error = clinical.Fail(clinical.Busy, "another connection took this upload over", nil)

// Held is the cause of a Busy claim: who holds the lease. A wish is addressed to
// that holder, so that one which arrives late disturbs nobody who came after.
type Held struct{ Nonce int64 }

// Error implements error.
func (h *Held) Error() string { return "the lease is held" }

// Claim asks for a lease.
type Claim struct {
	Lease
	// Life is how long the lease lasts unless it is renewed.
	Life time.Duration
	// TokenHash is that of the upload's capability, where one was presented: the
	// lease is given to its bearer only. nil when somebody else has decided.
	TokenHash []byte
	// Ask a holder to let go; without it, a holder is left in peace.
	Ask bool
	// Numbers is how many part numbers are wanted with the lease. They are handed
	// out, durably, where a multipart has begun, no bytes wait behind its parts and
	// the upload can become at most Plenty bytes long; see Ledger.Numbers.
	Numbers int32
	Plenty  int64
}

// Ledger is an upload with what only the moving of its bytes needs.
type Ledger struct {
	clinical.Upload
	// PartsEnd is the offset up to which bytes are in S3 parts; the rest are tails.
	PartsEnd int64
	// ScratchUsed: scratch objects of it may be in the bucket.
	ScratchUsed bool
	// CareGroups are the patient's, which the gate looks at.
	CareGroups []string
	// Numbers is how many part numbers came with the lease: those just below NextPart.
	Numbers int32
}

// ledgerColumns are uploadColumns and what Ledger adds, for RETURNING.
const ledgerColumns = uploadColumns + `, parts_end, scratch_used,
	(SELECT p.care_groups FROM patient p WHERE p.tenant_id = upload.tenant_id AND p.id = upload.patient_id)`

// numbered tells whether a claim is given part numbers; the claim changes nothing of it.
const numbered = `multipart <> '' AND at_offset = parts_end AND state IN ('open', 'receiving') AND coalesce(length, max_size) <= $7::bigint`

// TakeLease takes a free or expired lease and reads the row, in one round trip.
// Busy (cause *Held) when another writer holds it; NotFound when there is no such upload,
// Unauthenticated when the token is not its capability.
func (db *DB) TakeLease(ctx context.Context, c Claim) (Ledger, error) {
	if !wellFormed(c.Upload) {
		return Ledger{}, clinical.Missing()
	}
	var got Ledger
	taken := false
	_, err := db.alone(ctx, c.Tenant, statement{
		// A lease that a crash of the database forgets was never used to commit
		// anything; a part number may have been used.
		relaxed: c.Numbers == 0,
		text: `UPDATE upload
			   SET lease = $3, lease_until = now() + $4 * interval '1 microsecond', lease_wanted = false,
			       next_part = next_part + CASE WHEN ` + numbered + ` THEN $6::integer ELSE 0 END
			 WHERE tenant_id = $1 AND id = $2 AND (lease IS NULL OR lease_until < now() OR lease = $3)
			   AND ($5::bytea IS NULL OR token_hash = $5)
			RETURNING ` + ledgerColumns + `, CASE WHEN ` + numbered + ` THEN $6::integer ELSE 0 END`,
		args: c.args(c.Life.Microseconds(), c.TokenHash, c.Numbers, c.Plenty),
		row: func(r pgx.Rows) (err error) {
			got.Upload, err = scanUpload(r, &got.PartsEnd, &got.ScratchUsed, &got.CareGroups, &got.Numbers)
			taken = err == nil
			return err
		},
	})
	if err != nil || taken {
		return got, err
	}
	return got, db.whyNot(ctx, c)
}

// whyNot tells what stands in the way of a claim, and asks the holder to let go
// when that is wished.
func (db *DB) whyNot(ctx context.Context, c Claim) error {
	found, known := false, false
	var holder *int64
	_, err := db.alone(ctx, c.Tenant, statement{
		relaxed: true,
		text: `WITH it AS (SELECT lease, $3::bytea IS NULL OR coalesce(token_hash = $3, false) AS known
			  FROM upload WHERE tenant_id = $1 AND id = $2),
			asked AS (UPDATE upload u SET lease_wanted = true FROM it
			  WHERE u.tenant_id = $1 AND u.id = $2 AND u.lease = it.lease AND NOT u.lease_wanted AND it.known AND $4)
			SELECT lease, known, CASE WHEN known AND $4 THEN pg_notify($5, $6 || lease)::text END FROM it`,
		args: []any{
			string(c.Tenant), string(c.Upload), c.TokenHash, c.Ask,
			releaseChannel, string(c.Tenant) + "/" + string(c.Upload) + "/",
		},
		row: func(r pgx.Rows) error {
			found = true
			return r.Scan(&holder, &known, new(*string))
		},
	})
	switch {
	case err != nil:
		return err
	case !found && c.TokenHash == nil:
		return clinical.Missing()
	case !known:
		return clinical.Fail(clinical.Unauthenticated, "this upload token is not valid", nil)
	}
	held := &Held{}
	if holder != nil { // else it was given back just now
		held.Nonce = *holder
	}
	return clinical.Fail(clinical.Busy, "another connection is sending this upload", held)
}

// RenewLease prolongs a lease and reports whether another writer wants it.
// ErrLeaseLost when it is no longer ours.
func (db *DB) RenewLease(ctx context.Context, l Lease, life time.Duration) (wanted bool, err error) {
	ours := false
	_, err = db.alone(ctx, l.Tenant, statement{
		relaxed: true,
		text: `UPDATE upload SET lease_until = now() + $4 * interval '1 microsecond'
			 WHERE tenant_id = $1 AND id = $2 AND lease = $3 RETURNING lease_wanted`,
		args: l.args(life.Microseconds()),
		row: func(r pgx.Rows) error {
			ours = true
			return r.Scan(&wanted)
		},
	})
	if err == nil && !ours {
		return false, ErrLeaseLost
	}
	return wanted, err
}

// ReleaseLease gives a lease back; nothing happens when it is no longer ours.
func (db *DB) ReleaseLease(ctx context.Context, l Lease) error {
	_, err := db.alone(ctx, l.Tenant, statement{
		relaxed: true,
		text: `UPDATE upload SET lease = NULL, lease_wanted = false
			 WHERE tenant_id = $1 AND id = $2 AND lease = $3`,
		args: l.args(),
	})
	return err
}

// ListenRelease calls wanted for each lease that another writer asks for, until
// ctx ends or the connection breaks. It uses a connection of its own.
func (db *DB) ListenRelease(ctx context.Context, wanted func(Lease)) error {
	return db.subscribe(ctx, releaseChannel, nil, func(payload string) {
		part := strings.Split(payload, "/")
		if len(part) != 3 {
			return
		}
		if nonce, err := strconv.ParseInt(part[2], 10, 64); err == nil {
			wanted(Lease{Tenant: clinical.TenantID(part[0]), Upload: clinical.UploadID(part[1]), Nonce: nonce})
		}
	})
}
