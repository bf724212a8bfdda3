package records

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/seal"
	"github.com/bonfiredb/bonfire/store"
)

// DriftCode says in what bucket and database differ (P3). Codes are stable.
type DriftCode string

// What may differ.
const (
	// DriftNoRow: an object of ours that no row names.
	DriftNoRow DriftCode = "object-without-row"
	// DriftNoObject: a row whose bytes are not there.
	DriftNoObject DriftCode = "row-without-object"
	// DriftSize: an object is shorter or longer than its row says.
	DriftSize DriftCode = "size-differs"
	// DriftDigest: the bytes of an object are not those that were stored.
	DriftDigest DriftCode = "digest-differs"
	// DriftMultipart: an open multipart upload of ours that no row names.
	DriftMultipart DriftCode = "multipart-without-upload"
	// DriftNoMultipart: an upload whose acknowledged bytes were in a multipart
	// upload that is not there any more.
	DriftNoMultipart DriftCode = "upload-without-multipart"
	// DriftScratch: a scratch object whose upload has ended.
	DriftScratch DriftCode = "stranded-scratch"
	// DriftNoRecord: an upload is stored and nobody made its record.
	DriftNoRecord DriftCode = "stored-without-record"
	// DriftWaiting: an upload has been received, or has expired, and nobody ended it.
	DriftWaiting DriftCode = "upload-not-finished"
	// DriftForeign: something below our prefix that is not named as we name
	// things. It is never touched, and is no finding.
	DriftForeign DriftCode = "foreign-object"
)

// DriftCodes are the codes of findings.
func DriftCodes() []DriftCode {
	return []DriftCode{
		DriftNoRow, DriftNoObject, DriftSize, DriftDigest, DriftMultipart, DriftNoMultipart, DriftScratch, DriftNoRecord, DriftWaiting,
	}
}

// Drift is one difference between bucket and database, in ids and keys (P10).
type Drift struct {
	Code   DriftCode         `json:"code"`
	Tenant clinical.TenantID `json:"tenant,omitempty"`
	// Key is relative to the bucket's prefix; one that ends in a slash stands for
	// all below it.
	Key string `json:"key,omitempty"`
	// Row is "File", "Upload", "Tail" (acknowledged bytes of an upload) or "Note"
	// (a copy of its text, for links), ID that file's, upload's or note's id.
	Row string `json:"row,omitempty"`
	ID  string `json:"id,omitempty"`
	// Multipart is S3's id of an upload in parts.
	Multipart string `json:"multipart,omitempty"`
	// Want is what the row says, Got what there is: bytes, or a SHA-256 in hex.
	Want string `json:"want,omitempty"`
	Got  string `json:"got,omitempty"`
	// Repaired: it was removed or finished in this check.
	Repaired bool `json:"repaired,omitempty"`
	// Problem is why a repair did not succeed.
	Problem string `json:"problem,omitempty"`
}

// Repairable reports whether a repair can end it. The rest needs a person:
// nothing is invented for bytes that are not there. A note's row is its text, and
// the object a copy.
func (d Drift) Repairable() bool {
	switch d.Code {
	case DriftNoObject, DriftSize, DriftDigest:
		return d.Row == string(store.MentionNote)
	case DriftNoRow, DriftScratch, DriftMultipart, DriftNoRecord, DriftWaiting:
		return true
	}
	return false
}

// DriftCheck says what is compared, and what becomes of what is found.
type DriftCheck struct {
	// Tenant is the only one to look at; "" all of them, and what is foreign.
	Tenant clinical.TenantID
	// Deep reads each object and compares its SHA-256.
	Deep bool
	// Repair removes what is ours, named by no row and older than Grace, forgets
	// copies of notes that are not as they should be, and finishes uploads.
	Repair bool
	// Force repairs though most of the bucket would go.
	Force bool
	// Grace is for how long nothing is said about what is new or has just
	// changed; default DriftGrace.
	Grace time.Duration
	// Step is told how many objects were looked at; it may be nil.
	Step func(objects int64)
}

// DriftGrace is longer than anything that is under way takes.
const DriftGrace = time.Hour

// DriftReport is what a check has seen.
type DriftReport struct {
	Started    time.Time         `json:"started"`
	Finished   time.Time         `json:"finished"`
	Objects    int64             `json:"objects"`
	Bytes      int64             `json:"bytes"`
	Multiparts int64             `json:"multiparts"`
	Uploads    int64             `json:"uploads"` // not ended
	Found      map[DriftCode]int `json:"found"`
	Repaired   int               `json:"repaired"`
	Foreign    int               `json:"foreign"`
}

// Left is how many findings were not repaired.
func (r DriftReport) Left() (n int) {
	for _, found := range r.Found {
		n += found
	}
	return n - r.Repaired
}

// drift is a check under way.
type drift struct {
	DriftCheck
	r      *Records
	tell   func(Drift) error
	report DriftReport
}

// CompareBucket compares bucket and database both ways and tells each
// difference, while uploads and deletions go on: whatever does not fit is asked
// again, and is no finding while it may be under way. Memory does not grow with
// the bucket, no transaction is open while the bucket is asked. What tell
// returns ends the check.
//
// Kinds: Conflict when a repair would remove most of the bucket: that looks like
// another database's. Unavailable.
func (r *Records) CompareBucket(ctx context.Context, o DriftCheck, tell func(Drift) error) (DriftReport, error) {
	def(&o.Grace, DriftGrace)
	if o.Repair && !o.Force {
		if err := r.mayRepair(ctx, o); err != nil {
			return DriftReport{}, err
		}
	}
	d := &drift{DriftCheck: o, r: r, tell: tell, report: DriftReport{Started: r.Now().UTC(), Found: map[DriftCode]int{}}}
	err := d.run(ctx)
	d.report.Finished = r.Now().UTC()
	return d.report, err
}

func (d *drift) run(ctx context.Context) error {
	tenants, err := d.r.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		if d.Tenant != "" && d.Tenant != t {
			continue
		}
		for _, look := range []func(context.Context, clinical.TenantID) error{d.objects, d.multiparts, d.uploads} {
			if err := look(ctx, t); err != nil {
				return err
			}
		}
	}
	if d.Tenant != "" {
		return nil
	}
	return d.foreign(ctx)
}

// foreign tells what stands beside the folders of tenants and our own.
func (d *drift) foreign(ctx context.Context) error {
	var names []string
	for name, err := range d.r.Bucket.Top(ctx) {
		if err != nil {
			return err
		}
		if names = append(names, name); len(names) == driftBatch {
			if err := d.tellForeign(ctx, names); err != nil {
				return err
			}
			names = names[:0]
		}
	}
	return d.tellForeign(ctx, names)
}

// tellForeign asks for the tenants after the names were listed: one may have
// come meanwhile.
func (d *drift) tellForeign(ctx context.Context, names []string) error {
	tenants, err := d.r.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	ours := map[string]bool{seal.Folder: true, blob.Namespace: true}
	for _, t := range tenants {
		ours[string(t)+"/"] = true
	}
	for _, name := range names {
		if ours[name] {
			continue
		}
		if err := d.found(ctx, Drift{Code: DriftForeign, Key: name}); err != nil {
			return err
		}
	}
	return nil
}

// found counts a difference, repairs it where that is wished, and tells it.
func (d *drift) found(ctx context.Context, f Drift) error {
	if f.Code == DriftForeign {
		d.report.Foreign++
		return d.tell(f)
	}
	d.report.Found[f.Code]++
	if d.Repair && f.Repairable() {
		if err := d.repair(ctx, f); err != nil {
			if ctx.Err() != nil {
				return err
			}
			d.r.Log.WarnContext(ctx, "not repaired", "code", f.Code, "tenant", f.Tenant, "key", f.Key, "error", err)
			f.Problem = "not repaired"
			if words := clinical.AsFailure(err); words != nil {
				f.Problem = words.Words
			}
		} else {
			f.Repaired = true
			d.report.Repaired++
		}
	}
	return d.tell(f)
}

// old reports whether nothing can be under way any more that began then.
func (d *drift) old(then time.Time) bool { return d.r.Now().Sub(then) > d.Grace }
