package records_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// issue makes a link to a file.
func (c clinic) issue(who string, f clinical.File, in records.SignedURL) (l records.SignedLink, token string) {
	c.t.Helper()
	in.Document = string(f.ID)
	l, err := c.Records.SignedURL(c.t.Context(), c.As(who), in)
	if err != nil {
		c.t.Fatal(err)
	}
	return l, l.URL[strings.LastIndex(l.URL, "/")+1:]
}

// Of two who fetch a single-use link at once, one does.
func TestSingleUseLinkIsFetchedOnce(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	for range 5 {
		_, token := c.issue("clinician", f, records.SignedURL{Delivery: clinical.Gated, SingleUse: true})
		const fetchers = 8
		errs := make([]error, fetchers)
		var start, done sync.WaitGroup
		start.Add(1)
		for i := range fetchers {
			done.Go(func() {
				start.Wait()
				_, errs[i] = c.Records.FollowLink(t.Context(), token, "")
			})
		}
		start.Done()
		done.Wait()
		fetched := 0
		for _, err := range errs {
			switch {
			case err == nil:
				fetched++
			case !clinical.Is(err, clinical.Gone):
				t.Errorf("one who came too late: %v", err)
			}
		}
		if fetched != 1 {
			t.Errorf("%d of %d fetched it", fetched, fetchers)
		}
	}
}

func TestSingleUseNeedsTheGate(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	_, err := c.Records.SignedURL(t.Context(), c.As("clinician"), records.SignedURL{Document: string(f.ID), SingleUse: true})
	c.wantKind(err, clinical.Invalid)
}

// Administrators end any link of the clinic, others their own; by link, file,
// person or patient.
func TestP4_WhoseLinksAreRevoked(t *testing.T) {
	everywhere := func(l records.SignedLink, f clinical.File, holder clinical.ActorID) map[string]records.RevokeLinks {
		return map[string]records.RevokeLinks{
			"link": {Link: l.Link.ID}, "file": {File: f.ID}, "person": {Actor: holder}, "patient": {Patient: f.Patient},
		}
	}
	for _, by := range []string{"link", "file", "person", "patient"} {
		t.Run(by, func(t *testing.T) {
			c := open(t)
			f := c.upload("clinician", intake(), pdf)
			mine, mineToken := c.issue("clinician", f, records.SignedURL{Delivery: clinical.Gated})
			direct, _ := c.issue("clinician", f, records.SignedURL{})
			others, othersToken := c.issue("clerk", f, records.SignedURL{Delivery: clinical.Gated})
			revoke := func(who string, in records.RevokeLinks) int {
				in.Reason = "sent to the wrong address"
				out, err := c.Records.RevokeLinks(t.Context(), c.As(who), in)
				if err != nil {
					t.Fatal(err)
				}
				return len(out)
			}
			ofOther := everywhere(others, f, c.As("clerk").ID)[by]
			ofMine := everywhere(mine, f, c.As("clinician").ID)[by]
			own := map[string]int{"link": 1, "file": 2, "person": 2, "patient": 2}[by]
			if by == "link" || by == "person" {
				if n := revoke("clinician", ofOther); n != 0 {
					t.Errorf("%d of another's", n)
				}
			}
			for _, who := range []string{"colleague", "outsider", "auditor", "scribe"} {
				if n := revoke(who, ofMine); n != 0 {
					t.Errorf("%s revoked %d", who, n)
				}
			}
			if n := revoke("clinician", ofMine); n != own {
				t.Errorf("%d of one's own, want %d", n, own)
			}
			if n := revoke("clinician", ofMine); n != 0 {
				t.Errorf("%d revoked twice", n)
			}
			_, err := c.Records.FollowLink(t.Context(), mineToken, "")
			c.wantKind(err, clinical.Gone)
			if _, err := c.Records.FollowLink(t.Context(), othersToken, ""); err != nil {
				t.Errorf("another's link went along: %v", err)
			}
			if n := revoke("admin", ofOther); n != 1 {
				t.Errorf("an administrator revoked %d", n)
			}
			_, err = c.Records.FollowLink(t.Context(), othersToken, "")
			c.wantKind(err, clinical.Gone)
			states := c.linkStates(c.As("admin"), store.LinkQuery{File: f.ID})
			want := clinical.LinkRevoked
			if by == "link" {
				want = clinical.LinkLive
			}
			if states[mine.Link.ID] != clinical.LinkRevoked || states[others.Link.ID] != clinical.LinkRevoked || states[direct.Link.ID] != want {
				t.Errorf("states %v", states)
			}
		})
	}
}

func TestRevocationSaysWhichAndWhy(t *testing.T) {
	c := open(t)
	for name, in := range map[string]records.RevokeLinks{
		"which":  {Reason: "sent to the wrong address"},
		"why":    {File: nobody, Reason: " x "},
		"novels": {File: nobody, Reason: strings.Repeat("x", 501)},
	} {
		if _, err := c.Records.RevokeLinks(t.Context(), c.As("admin"), in); !clinical.Is(err, clinical.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := c.upload("clinician", intake(), pdf)
	l, _ := c.issue("clinician", f, records.SignedURL{})
	out, err := c.Records.RevokeLinks(t.Context(), c.As("admin"), records.RevokeLinks{Link: l.Link.ID, Reason: " sent to the wrong address "})
	if err != nil || len(out) != 1 || out[0].RevokedBy != c.As("admin").ID || out[0].RevokedReason != "sent to the wrong address" {
		t.Errorf("%+v: %v", out, err)
	}
	for _, id := range []string{nobody, "no-such-id", "'; DROP TABLE link; --", string(make([]byte, 10_000))} {
		out, err := c.Records.RevokeLinks(t.Context(), c.As("admin"), records.RevokeLinks{Link: clinical.LinkID(id), Reason: "why not"})
		if err != nil || len(out) != 0 {
			t.Errorf("%.40q: %d, %v", id, len(out), err)
		}
	}
}

// What leaves a chart, or the record, takes its links along.
func TestLinksEndWithTheirFile(t *testing.T) {
	for name, leave := range map[string]func(c clinic, f clinical.File) error{
		"refiled": func(c clinic, f clinical.File) error {
			_, err := c.Records.RefileFile(t.Context(), c.As("clinician"), records.RefileFile{
				File: f.ID, ToPatient: demo.SecondPatient, Reason: "the wrong chart", Version: f.Version,
			})
			return err
		},
		"retracted": func(c clinic, f clinical.File) error {
			_, err := c.Records.RetractFile(t.Context(), c.As("clinician"), records.RetractFile{File: f.ID, Reason: "not this patient", Version: f.Version})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			f := c.upload("clinician", intake(), pdf)
			gated, token := c.issue("clinician", f, records.SignedURL{Delivery: clinical.Gated})
			direct, _ := c.issue("clerk", f, records.SignedURL{})
			if err := leave(c, f); err != nil {
				t.Fatal(err)
			}
			_, err := c.Records.FollowLink(t.Context(), token, "")
			c.wantKind(err, clinical.Gone)
			states := c.linkStates(c.As("admin"), store.LinkQuery{File: f.ID})
			if states[gated.Link.ID] != clinical.LinkRevoked || states[direct.Link.ID] != clinical.LinkRevoked {
				t.Errorf("states %v", states)
			}
		})
	}
}
