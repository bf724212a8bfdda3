package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
	gate "github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/records"
)

// questions are what the actions and resources of access rules mean to the
// gate: the question that a verb behind such a rule asks. What is not here is
// not asked of that resource.
var questions = map[model.PolicyResource]map[model.PolicyAction]gate.Action{
	model.PolicyResourcePatient: {
		model.PolicyActionRead: gate.ReadPatient, model.PolicyActionList: gate.ListPatients,
		model.PolicyActionCreate: gate.RegisterPatient, model.PolicyActionBreakGlass: gate.BreakGlass,
	},
	model.PolicyResourceEncounter: {
		model.PolicyActionRead: gate.ReadEncounter, model.PolicyActionCreate: gate.OpenEncounter,
	},
	model.PolicyResourceFile: {
		model.PolicyActionRead: gate.ReadFile, model.PolicyActionList: gate.ListFiles,
		model.PolicyActionDownload: gate.DownloadFile, model.PolicyActionCreate: gate.UploadFile,
		model.PolicyActionUpdate: gate.UpdateFile, model.PolicyActionRetract: gate.RetractFile,
		model.PolicyActionHold: gate.HoldFile, model.PolicyActionScan: gate.ReportScan,
	},
	model.PolicyResourceNote: {
		model.PolicyActionRead: gate.ReadNote, model.PolicyActionList: gate.ListNotes,
		model.PolicyActionCreate: gate.DraftNote, model.PolicyActionDraft: gate.DraftNote,
		model.PolicyActionUpdate: gate.EditNote, model.PolicyActionRetract: gate.RetractNote,
		model.PolicyActionSign: gate.SignNote,
	},
	model.PolicyResourceUpload: {
		model.PolicyActionRead: gate.ReadUpload, model.PolicyActionList: gate.ListUploads,
		model.PolicyActionCreate: gate.ContinueUpload, model.PolicyActionUpdate: gate.ContinueUpload,
	},
	model.PolicyResourceLink: {
		model.PolicyActionRead: gate.ReadLink, model.PolicyActionRetract: gate.RevokeLink,
	},
	model.PolicyResourceAuditEvent: {
		model.PolicyActionAudit: gate.ReadAudit, model.PolicyActionRead: gate.ReadAudit, model.PolicyActionList: gate.ReadAudit,
	},
	model.PolicyResourceProvenance: {model.PolicyActionRead: gate.ReadProvenance},
	model.PolicyResourceBundle:     {model.PolicyActionExport: gate.ExportBundle},
	model.PolicyResourceTenant:     {model.PolicyActionAdminister: gate.Administer},
}

// ExplainAccess resolves Query.explainAccess.
func (q query) ExplainAccess(
	ctx context.Context, actor string, action model.PolicyAction, resource model.PolicyResource, id string,
	purpose *clinical.PurposeOfUse, secondFactor bool, kind *string,
) (*model.AccessExplanation, error) {
	asked, ok := questions[resource][action]
	if !ok {
		return nil, clinical.Bad("action", "is not asked of this type of resource")
	}
	why, err := q.records.Explain(ctx, auth.Actor(ctx), records.Explain{
		Principal: clinical.ActorID(actor), Action: asked, ID: id, Kind: deref(kind),
		Purpose: deref(purpose), NoSecondFactor: !secondFactor,
	})
	return translated(why, err, func(e records.Explanation) *model.AccessExplanation {
		return &model.AccessExplanation{Allowed: e.Allowed, Policies: e.Policies, Errors: e.Errors}
	})
}
