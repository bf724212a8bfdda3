package records

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// kindOfEvent says how each verb stands in the audit trail: FHIR's action and
// the RESTful interaction (http://hl7.org/fhir/R4/valueset-audit-event-sub-type.html)
// or iso-21089 lifecycle code.
var kindOfEvent = map[string]struct {
	action  clinical.AuditAction
	subtype string
}{
	"patient":          {clinical.AuditRead, "read"},
	"patients":         {clinical.AuditExecute, "search-type"},
	"registerPatient":  {clinical.AuditCreate, "create"},
	"openEncounter":    {clinical.AuditCreate, "create"},
	"encounter":        {clinical.AuditRead, "read"},
	"file":             {clinical.AuditRead, "read"},
	"files":            {clinical.AuditExecute, "search-type"},
	"provenance":       {clinical.AuditRead, "read"},
	"provenances":      {clinical.AuditExecute, "search-type"},
	"document":         {clinical.AuditRead, "read"},
	"documents":        {clinical.AuditExecute, "search-type"},
	"principal":        {clinical.AuditRead, "read"},
	"organization":     {clinical.AuditRead, "read"},
	"bundle":           {clinical.AuditRead, "export"},
	"exportChart":      {clinical.AuditRead, "export"},
	"exportCharts":     {clinical.AuditRead, "export"},
	"importChart":      {clinical.AuditCreate, "create"},
	"note":             {clinical.AuditRead, "read"},
	"noteVersions":     {clinical.AuditRead, "history"},
	"notes":            {clinical.AuditExecute, "search-type"},
	"createNote":       {clinical.AuditCreate, "create"},
	"updateNoteDraft":  {clinical.AuditUpdate, "update"},
	"signNote":         {clinical.AuditUpdate, "update"},
	"amendNote":        {clinical.AuditCreate, "create"},
	"retractNote":      {clinical.AuditDelete, "delete"},
	"updateFile":       {clinical.AuditUpdate, "update"},
	"supersedeFile":    {clinical.AuditUpdate, "update"},
	"refileFile":       {clinical.AuditUpdate, "update"},
	"retractFile":      {clinical.AuditDelete, "delete"},
	"setLegalHold":     {clinical.AuditUpdate, "update"},
	"reportScan":       {clinical.AuditUpdate, "update"},
	"purgeFile":        {clinical.AuditDelete, "delete"},
	"removeOrphan":     {clinical.AuditDelete, "delete"},
	"retireKind":       {clinical.AuditUpdate, "update"},
	"setKind":          {clinical.AuditUpdate, "update"},
	"createUpload":     {clinical.AuditCreate, "create"},
	"completeUpload":   {clinical.AuditCreate, "create"},
	"failUpload":       {clinical.AuditUpdate, "update"},
	"continueUpload":   {clinical.AuditUpdate, "update"},
	"cancelUpload":     {clinical.AuditDelete, "delete"},
	"expireUpload":     {clinical.AuditDelete, "delete"},
	"upload":           {clinical.AuditRead, "read"},
	"uploads":          {clinical.AuditExecute, "search-type"},
	"signedUrl":        {clinical.AuditRead, "disclose"},
	"followLink":       {clinical.AuditRead, "disclose"},
	"revokeLinks":      {clinical.AuditUpdate, "update"},
	"auditEvents":      {clinical.AuditExecute, "search-type"},
	"auditEvent":       {clinical.AuditRead, "read"},
	"exportAudit":      {clinical.AuditRead, "export"},
	"download":         {clinical.AuditRead, "disclose"},
	"fileAccessReport": {clinical.AuditExecute, "search-type"},

	"breakGlass":        {clinical.AuditExecute, "break-glass"},
	"breakGlassReviews": {clinical.AuditExecute, "search-type"},
	"reviewBreakGlass":  {clinical.AuditUpdate, "update"},
	"addMember":         {clinical.AuditCreate, "create"},
	"updateMember":      {clinical.AuditUpdate, "update"},
	"endMember":         {clinical.AuditDelete, "delete"},
	"member":            {clinical.AuditRead, "read"},
	"members":           {clinical.AuditExecute, "search-type"},
	"panel":             {clinical.AuditRead, "read"},
	"setPanel":          {clinical.AuditUpdate, "update"},
	"setCareGroups":     {clinical.AuditUpdate, "update"},
	"createKey":         {clinical.AuditCreate, "create"},
	"revokeKey":         {clinical.AuditDelete, "delete"},
	"keys":              {clinical.AuditExecute, "search-type"},
	"clinic":            {clinical.AuditRead, "read"},
	"updateClinic":      {clinical.AuditUpdate, "update"},
	"explainAccess":     {clinical.AuditExecute, "operation"},

	"uploadProgress": {clinical.AuditRead, "read"},
	"fileEvents":     {clinical.AuditExecute, "search-type"},
}

// event begins the audit event of this call about a resource.
func (c *call) event(res policy.Resource, rule string) clinical.AuditEvent {
	k := kindOfEvent[c.verb]
	e := clinical.AuditEvent{
		ID: clinical.NewID[clinical.AuditEventID](c.now), Tenant: c.actor.Tenant, RecordedAt: c.now,
		Verb: c.verb, Action: k.action, Subtype: k.subtype, Outcome: clinical.Success, Rule: rule,
		Actor: c.actor.ID, ActorKind: c.actor.Kind, Roles: c.actor.Roles,
		Purpose: c.actor.Session.Purpose, Patient: res.Patient, RequestID: c.actor.Session.RequestID,
	}
	if c.actor.OnBehalfOf != nil {
		e.OnBehalfOf = c.actor.OnBehalfOf.ID
	}
	if res.ID != "" {
		e.Entities = []clinical.AuditEntity{{Type: entityType(res), ID: res.ID}}
	}
	c.byKey(&e)
	return e
}

// byKey says which API key was shown: a clinic that lost one wants to know what
// was done with it.
func (c *call) byKey(e *clinical.AuditEvent) {
	if key := c.actor.Session.Key; key != "" {
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail["keyId"] = string(key)
	}
}

// entityType is the FHIR type of a resource where it has one.
func entityType(res policy.Resource) string {
	if (res.Type == policy.File || res.Type == policy.Note) && res.FHIRType != "" {
		return res.FHIRType
	}
	return string(res.Type)
}

// audit writes the event of what a decision permitted, in this transaction, and
// returns its id. with changes it first.
func (c *call) audit(ctx context.Context, d policy.Decision, with ...func(*clinical.AuditEvent)) (clinical.AuditEventID, error) {
	e := c.event(d.Resource(), d.Rule())
	for _, w := range with {
		w(&e)
	}
	c.byKey(&e)
	return e.ID, c.AppendAudit(ctx, e)
}

// auditList writes the event of a search: the query in ids and codes, and how
// many it found.
func (c *call) auditList(ctx context.Context, f policy.Filter, patient clinical.PatientID, query string) error {
	e := c.event(policy.Resource{Patient: patient}, firstPolicy(f))
	e.Query = query
	return c.AppendAudit(ctx, e)
}

// firstPolicy is what an event says decided about a list.
func firstPolicy(f policy.Filter) string {
	if ids := f.Policies(); len(ids) > 0 {
		return ids[0]
	}
	return policy.RuleDefaultDeny
}
