package records

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// AccessLogReport counts what was in the bucket's access logs.
type AccessLogReport struct {
	// Lines were read. Each is in one of the others.
	Lines int
	// Recorded downloads got their event, Known ones had it already.
	Recorded, Known int
	// Other lines are about something else: other requests, other buckets,
	// downloads without a link of ours.
	Other int
	// Refused: a link was used, and the bucket did not answer with bytes. Anybody
	// can cause such lines, so they are counted and no more.
	Refused int
	// Malformed lines cannot be read; Unknown ones name a link that was never
	// issued for that object.
	Malformed, Unknown int
	// Odd are the numbers, from 1, of the first lines that are Malformed or Unknown.
	Odd []int
}

// Add puts the counts of another report to these; Odd stays.
func (a *AccessLogReport) Add(b AccessLogReport) {
	a.Lines += b.Lines
	a.Recorded += b.Recorded
	a.Known += b.Known
	a.Other += b.Other
	a.Refused += b.Refused
	a.Malformed += b.Malformed
	a.Unknown += b.Unknown
}

const (
	maxOdd = 20
	// maxLine is the longest line that can be one of a log: the request line of
	// S3 has 8 KiB, and so may each header.
	maxLine = 64 << 10
)

// IngestAccessLog reads one of the bucket's server access logs and records each
// download by a link of ours as an event: issuing a link is not proof that it
// was used, the log is. The same line again changes nothing. An error ends the
// reading; what was recorded stays, and the report tells of it.
func (r *Records) IngestAccessLog(ctx context.Context, log io.Reader) (report AccessLogReport, err error) {
	for in := bufio.NewReaderSize(log, maxLine); ; {
		line, err := readLine(in)
		if err == nil || len(line) > 0 {
			if err := r.ingestLine(ctx, string(line), &report); err != nil {
				return report, err
			}
		}
		if errors.Is(err, io.EOF) {
			return report, nil
		}
		if err != nil {
			return report, clinical.Fail(clinical.Unavailable, "the log cannot be read", err)
		}
	}
}

// readLine reads a line; of one that is too long, a stub that is no line of a log.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	return []byte("too long"), err
}

func (r *Records) ingestLine(ctx context.Context, line string, report *AccessLogReport) error {
	report.Lines++
	a, ours, err := r.Bucket.ParseAccess(line)
	count := &report.Other
	switch {
	case err != nil:
		count = &report.Malformed
	case !ours:
	case !a.Served():
		count = &report.Refused
	default:
		count = &report.Recorded
		fresh, err := r.recordDownload(ctx, a)
		switch {
		case clinical.Is(err, clinical.NotFound):
			count = &report.Unknown
		case err != nil:
			return err
		case !fresh:
			count = &report.Known
		}
	}
	if *count++; (count == &report.Malformed || count == &report.Unknown) && len(report.Odd) < maxOdd {
		report.Odd = append(report.Odd, report.Lines)
	}
	return nil
}

// recordDownload writes the event of one download, in the name of the link's
// holder; false when it has one. The address that the bytes went to stays in the
// log: it is not needed to say who fetched, and the request's id leads to it.
func (r *Records) recordDownload(ctx context.Context, a blob.Access) (fresh bool, err error) {
	name, _, _ := strings.Cut(a.Key, "/")
	tenant := clinical.TenantID(name)
	if !tenant.Valid() {
		return false, clinical.Missing()
	}
	line := sha256.Sum256([]byte(a.RequestID + "\n" + a.At.Format(time.RFC3339) + "\n" + a.Key + "\n" + a.Link))
	err = r.Store.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) error {
		l, resource, err := tx.LinkServed(ctx, clinical.LinkID(a.Link), a.Key)
		if err != nil {
			return err
		}
		holders, err := tx.ActorDisplays(ctx, []clinical.ActorID{l.Actor})
		if err != nil {
			return err
		}
		holder := holders[l.Actor]
		holder.ID, holder.Tenant = l.Actor, tenant
		holder.Session = clinical.Session{Purpose: l.Purpose, RequestID: a.RequestID}
		c := &call{Tx: tx, r: r, actor: holder, verb: "download", now: r.Now().UTC().Truncate(time.Microsecond)}
		e := c.event(policy.Resource{Patient: l.Patient}, "")
		e.Entities = []clinical.AuditEntity{
			{Type: string(resource), ID: l.Document(), Version: l.Version}, {Type: "Link", ID: string(l.ID)},
		}
		e.Detail = map[string]string{
			"linkId": string(l.ID), "objectVersion": strconv.Itoa(l.Version), "delivery": string(l.Delivery), "source": "access-log",
			"fetchedAt": a.At.Format(time.RFC3339), "status": strconv.Itoa(a.Status), "bytes": strconv.FormatInt(a.Bytes, 10),
		}
		if fresh, err = tx.NoteDownload(ctx, line[:], e.ID); err != nil || !fresh {
			return err
		}
		return tx.AppendAudit(ctx, e)
	})
	return fresh, err
}
