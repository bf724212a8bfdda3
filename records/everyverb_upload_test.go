package records_test

import (
	"bytes"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// begun is an upload of the clinician's with all of its bytes.
func begun(c clinic, content []byte) records.BegunUpload {
	c.t.Helper()
	in, size := intake(), int64(len(pdf))
	in.Length = &size
	out, err := c.Records.BeginUpload(c.t.Context(), c.As("clinician"), in)
	c.must(err)
	if len(content) == 0 {
		return out
	}
	up, err := c.Records.OpenUpload(c.t.Context(), c.As("clinician"), out.Upload.ID, nil)
	c.must(err)
	defer up.Release()
	_, err = up.Receive(c.t.Context(), bytes.NewReader(content), nil)
	c.must(err)
	return out
}

func uploadVerbs() map[string]verb {
	open := func(content []byte, f func(c clinic, a clinical.Actor, u records.BegunUpload) error) func(clinic) func(clinical.Actor) error {
		return func(c clinic) func(clinical.Actor) error {
			u := begun(c, content)
			return func(a clinical.Actor) error { return f(c, a, u) }
		}
	}
	hold := func(c clinic, a clinical.Actor, u records.BegunUpload) (*records.Incoming, error) {
		return c.Records.OpenUpload(c.t.Context(), a, u.Upload.ID, nil)
	}
	return map[string]verb{
		"Records.BeginUpload": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.BeginUpload(c.t.Context(), a, intake())
			return err
		})},
		"Records.Upload": {by: "clinician", of: "colleague", kind: clinical.NotFound, ready: open(nil, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			_, err := c.Records.Upload(c.t.Context(), a, u.Upload.ID)
			return err
		})},
		"Records.Uploads": {by: "clinician", silent: "those without uploads get an empty list", ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Uploads(c.t.Context(), a, records.UploadQuery{Page: five})
			return err
		})},
		"Records.OpenUpload": {by: "clinician", of: "colleague", kind: clinical.NotFound, events: none, silent: "the first of many requests; the record has its event",
			ready: open(nil, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
				in, err := hold(c, a, u)
				if err == nil {
					in.Release()
				}
				return err
			})},
		"Records.OpenUploadByToken": {by: "clinician", events: none, silent: "the token is the upload's own; the record has its event",
			ready: open(nil, func(c clinic, _ clinical.Actor, u records.BegunUpload) error {
				in, err := c.Records.OpenUploadByToken(c.t.Context(), u.Upload.ID, u.Token, "", nil)
				if err == nil {
					in.Release()
				}
				return err
			})},
		"Records.CancelUpload": {by: "clinician", of: "colleague", kind: clinical.NotFound, stepwise: true, ready: open(nil, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			_, err := c.Records.CancelUpload(c.t.Context(), a, u.Upload.ID)
			return err
		})},
		"Incoming.Cancel": {by: "clinician", of: "colleague", kind: clinical.NotFound, stepwise: true, ready: open(nil, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			in, err := hold(c, a, u)
			if err != nil {
				return err
			}
			defer in.Release()
			return in.Cancel(c.t.Context())
		})},
		"Records.FinishUpload": {by: "clinician", of: "colleague", kind: clinical.NotFound, stepwise: true, ready: open(pdf, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			_, err := c.Records.FinishUpload(c.t.Context(), a, u.Upload.ID, records.FinishUpload{})
			return err
		})},
		"Incoming.Finish": {by: "clinician", of: "colleague", kind: clinical.NotFound, stepwise: true, ready: open(pdf, func(c clinic, a clinical.Actor, u records.BegunUpload) error {
			in, err := hold(c, a, u)
			if err != nil {
				return err
			}
			defer in.Release()
			_, err = in.Finish(c.t.Context(), false)
			return err
		})},
	}
}

func linkVerbs() map[string]verb {
	return map[string]verb{
		"Records.SignedURL": {by: "clinician", of: "admin", kind: clinical.Forbidden, ready: on(func(c clinic, a clinical.Actor, f clinical.File) error {
			_, err := c.Records.SignedURL(c.t.Context(), a, records.SignedURL{Document: string(f.ID)})
			return err
		})},
		"Records.RevokeLinks": {by: "clinician", silent: "those without links end none", ready: func(c clinic) func(clinical.Actor) error {
			f := c.upload("clinician", intake(), pdf)
			_, err := c.link("clinician", f, clinical.Direct)
			c.must(err)
			return func(a clinical.Actor) error {
				_, err := c.Records.RevokeLinks(c.t.Context(), a, records.RevokeLinks{File: f.ID, Reason: "not needed"})
				return err
			}
		}},
		"Records.FollowLink": {by: "clinician", silent: "whoever has the token follows it: TestGatedLinkIsCheckedAtEveryFetch", ready: func(c clinic) func(clinical.Actor) error {
			f := c.upload("clinician", intake(), pdf)
			l, err := c.link("clinician", f, clinical.Gated)
			c.must(err)
			return func(clinical.Actor) error {
				_, err := c.Records.FollowLink(c.t.Context(), l.URL[strings.LastIndex(l.URL, "/")+1:], "")
				return err
			}
		}},
	}
}
