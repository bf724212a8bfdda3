package records_test

import (
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/seal"
)

func auditVerbs() map[string]verb {
	return map[string]verb{
		"Records.AuditEvents": {by: "auditor", of: "clinician", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.AuditEvents(c.t.Context(), a, records.AuditQuery{Page: five})
			return err
		})},
		"Records.FileAccessReport": {by: "auditor", of: "clinician", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.FileAccessReport(c.t.Context(), a, demo.Patient, nil, nil, five)
			return err
		})},
		"Records.AuditEvent": {by: "auditor", of: "clinician", kind: clinical.NotFound, ready: func(c clinic) func(clinical.Actor) error {
			c.look("clinician")
			id := c.events("patient")[0].ID
			return func(a clinical.Actor) error { _, err := c.Records.AuditEvent(c.t.Context(), a, id); return err }
		}},
		"Records.ExportAudit": {by: "auditor", of: "admin", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			return c.Records.ExportAudit(c.t.Context(), a, nil, nil, func(seal.Item) error { return nil })
		})},
		"Records.IngestAccessLog": {by: "clinician", silent: "the operator's; nobody asks for anything", ready: func(c clinic) func(clinical.Actor) error {
			f := c.upload("clinician", intake(), pdf)
			l, err := c.link("clinician", f, clinical.Direct)
			c.must(err)
			line := c.logLine(l.URL, "REQ"+string(f.ID), 200)
			return func(clinical.Actor) error {
				_, err := c.Records.IngestAccessLog(c.t.Context(), strings.NewReader(line))
				return err
			}
		}},
	}
}

// newMember is a member that no other verb knows.
func newMember(c clinic) clinical.Member {
	c.t.Helper()
	m, err := c.Records.AddMember(c.t.Context(), c.As("admin"), records.AddMember{Kind: clinical.Device, Display: "Room 9"})
	c.must(err)
	return m
}

// someone is a verb on a new member, and admins' alone.
func someone(f func(c clinic, a clinical.Actor, m clinical.Member) error) verb {
	return verb{by: "admin", of: "clinician", kind: clinical.Forbidden, ready: func(c clinic) func(clinical.Actor) error {
		m := newMember(c)
		return func(a clinical.Actor) error { return f(c, a, m) }
	}}
}

// administration is a verb of admins alone.
func administration(f func(c clinic, a clinical.Actor) error) verb {
	return verb{by: "admin", of: "clinician", kind: clinical.Forbidden, ready: at(f)}
}

func adminVerbs() map[string]verb {
	house := clinical.DefaultKinds()[0]
	house.Code = "house-form"
	return map[string]verb{
		"Records.AddMember": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.AddMember(c.t.Context(), a, records.AddMember{Kind: clinical.Device, Display: "Room 8"})
			return err
		}),
		"Records.Members": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Members(c.t.Context(), a, records.MemberQuery{Page: five})
			return err
		}),
		"Records.Member": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.Member(c.t.Context(), a, m.ID)
			return err
		}),
		"Records.UpdateMember": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.UpdateMember(c.t.Context(), a, records.UpdateMember{Member: m.ID, Display: new("Room 10")})
			return err
		}),
		"Records.EndMember": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.EndMember(c.t.Context(), a, m.ID)
			return err
		}),
		"Records.Panel": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.Panel(c.t.Context(), a, m.ID)
			return err
		}),
		"Records.SetPanel": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.SetPanel(c.t.Context(), a, records.SetPanel{Member: m.ID, Add: []records.PanelChange{{Patient: demo.Patient}}})
			return err
		}),
		"Records.SetCareGroups": administration(func(c clinic, a clinical.Actor) error {
			return c.Records.SetCareGroups(c.t.Context(), a, demo.SecondPatient, []string{"ward-9"})
		}),
		"Records.CreateKey": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.CreateKey(c.t.Context(), a, records.CreateKey{Member: m.ID, Label: "test"})
			return err
		}),
		"Records.MemberKeys": someone(func(c clinic, a clinical.Actor, m clinical.Member) error {
			_, err := c.Records.MemberKeys(c.t.Context(), a, m.ID)
			return err
		}),
		"Records.RevokeKey": {by: "admin", of: "clinician", kind: clinical.Forbidden, ready: func(c clinic) func(clinical.Actor) error {
			k := c.createKey(records.CreateKey{Member: newMember(c).ID})
			return func(a clinical.Actor) error { _, err := c.Records.RevokeKey(c.t.Context(), a, k.Key.ID); return err }
		}},
		"Records.Clinic": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Clinic(c.t.Context(), a)
			return err
		}),
		"Records.UpdateClinic": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.UpdateClinic(c.t.Context(), a, records.UpdateClinic{Display: new("Harbor")})
			return err
		}),
		"Records.Explain": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.Explain(c.t.Context(), a, records.Explain{Principal: c.As("clerk").ID, Action: policy.ReadPatient, ID: string(demo.Patient)})
			return err
		}),
		"Records.SetKind": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.SetKind(c.t.Context(), a, house)
			return err
		}),
		"Records.RetireKind": administration(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.RetireKind(c.t.Context(), a, "tracing")
			return err
		}),
		"Records.BreakGlassReviews": {by: "admin", of: "clinician", kind: clinical.Forbidden, ready: at(func(c clinic, a clinical.Actor) error {
			_, err := c.Records.BreakGlassReviews(c.t.Context(), a, records.BreakGlassQuery{Page: five})
			return err
		})},
		"Records.ReviewBreakGlass": {by: "admin", of: "clinician", kind: clinical.Forbidden, ready: func(c clinic) func(clinical.Actor) error {
			out := c.breakGlass("colleague", demo.Patient)
			return func(a clinical.Actor) error {
				_, err := c.Records.ReviewBreakGlass(c.t.Context(), a, records.ReviewBreakGlass{Grant: out.Grant.ID, Verdict: clinical.Justified})
				return err
			}
		}},
	}
}
