package fhir

import (
	"cmp"
	"slices"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Provenance is how a version came to be (http://hl7.org/fhir/R4/provenance.html),
// after US Core's profile: a Practitioner or Device always acts on somebody's behalf.
type Provenance struct {
	ResourceType string             `json:"resourceType"`
	ID           string             `json:"id"`
	Meta         *Meta              `json:"meta,omitempty"`
	Target       []Reference        `json:"target,omitempty"`
	Recorded     *time.Time         `json:"recorded,omitempty"`
	Reason       []CodeableConcept  `json:"reason,omitempty"`
	Activity     *CodeableConcept   `json:"activity,omitempty"`
	Agent        []ProvenanceAgent  `json:"agent,omitempty"`
	Entity       []ProvenanceEntity `json:"entity,omitempty"`
	Signature    []Signature        `json:"signature,omitempty"`
}

// ProvenanceAgent is one who took part, and in whose name.
type ProvenanceAgent struct {
	Type       *CodeableConcept `json:"type,omitempty"`
	Who        Reference        `json:"who,omitzero"`
	OnBehalfOf *Reference       `json:"onBehalfOf,omitempty"`
}

// ProvenanceEntity is what the target was made from.
type ProvenanceEntity struct {
	Role string    `json:"role"`
	What Reference `json:"what"`
}

// Signature is a digital signature (http://hl7.org/fhir/R4/datatypes.html#Signature).
type Signature struct {
	Type      []Coding   `json:"type"`
	When      *time.Time `json:"when,omitempty"`
	Who       Reference  `json:"who,omitzero"`
	SigFormat string     `json:"sigFormat,omitempty"`
	// Data is a compact JWS; FHIR wraps it in base64 once more.
	Data []byte `json:"data,omitempty"`
}

// Key is "Provenance" and the id.
func (p *Provenance) Key() (resourceType, id string) { return p.ResourceType, p.ID }

// Header is the metadata.
func (p *Provenance) Header() *Meta { return p.Meta }

// activities are HL7's codes for ours; v3-DataOperation where it has a precise
// one ("obsolete" is replaced by a newer instance, "nullify" treats as if it had
// never been), the record life cycle of ISO 21089 elsewhere.
var activities = map[clinical.Activity]Coding{
	clinical.ActivityUpload:    {System: dataOperation, Code: "CREATE", Display: "create"},
	clinical.ActivityDraft:     {System: lifecycle, Code: "transform", Display: "Transform/Translate Record Lifecycle Event"},
	clinical.ActivityEdit:      {System: dataOperation, Code: "UPDATE", Display: "revise"},
	clinical.ActivitySign:      {System: completion, Code: "LA", Display: "legally authenticated"},
	clinical.ActivityAmend:     {System: lifecycle, Code: "amend", Display: "Amend (Update) Record Lifecycle Event"},
	clinical.ActivitySupersede: {System: dataOperation, Code: "OBSOLETE", Display: "obsolete"},
	clinical.ActivityRefile:    {System: dataOperation, Code: "UPDATE", Display: "revise"},
	clinical.ActivityRetract:   {System: dataOperation, Code: "NULLIFY", Display: "nullify"},
	clinical.ActivityScan:      {System: lifecycle, Code: "verify", Display: "Verify Record Lifecycle Event"},
	clinical.ActivityHold:      {System: lifecycle, Code: "hold", Display: "Add Legal Hold Record Lifecycle Event"},
	clinical.ActivityRelease:   {System: lifecycle, Code: "unhold", Display: "Remove Legal Hold Record Lifecycle Event"},
	clinical.ActivityImport:    {System: lifecycle, Code: "receive", Display: "Receive/Retain Record Lifecycle Event"},
	clinical.ActivityDestroy:   {System: lifecycle, Code: "destroy", Display: "Destroy/Delete Record Lifecycle Event"},
}

var participants = map[string]Coding{
	"author":      {System: provenanceRole, Code: "author", Display: "Author"},
	"assembler":   {System: provenanceRole, Code: "assembler", Display: "Assembler"},
	"enterer":     {System: provenanceRole, Code: "enterer", Display: "Enterer"},
	"performer":   {System: provenanceRole, Code: "performer", Display: "Performer"},
	"verifier":    {System: provenanceRole, Code: "verifier", Display: "Verifier"},
	"legal":       {System: provenanceRole, Code: "legal", Display: "Legal Authenticator"},
	"transmitter": {System: usCoreProvenance, Code: "transmitter", Display: "Transmitter"},
}

// Provenance renders an entry. Targets and sources are version-specific, or a
// later edit would change what was signed.
func (r Renderer) Provenance(p clinical.Provenance) *Provenance {
	out := &Provenance{
		ResourceType: "Provenance",
		ID:           string(p.ID),
		Meta:         meta(1, p.RecordedAt),
		Recorded:     instant(p.RecordedAt),
		Activity:     concept(activityCoding(p), r.own("activity", string(p.Activity), "")),
	}
	for _, t := range p.Targets {
		if ref := r.Ref(t); ref.Reference != "" {
			out.Target = append(out.Target, ref)
		}
	}
	for _, a := range p.Agents {
		if agent := r.provenanceAgent(p.Tenant, a); agent.Who.Reference != "" {
			out.Agent = append(out.Agent, agent)
		}
	}
	r.transmit(out, p)
	if why := text(p.Reason); why != "" {
		out.Reason = []CodeableConcept{{Text: why}}
	}
	for _, s := range p.Sources {
		if ref := r.Ref(s); ref.Reference != "" {
			out.Entity = append(out.Entity, ProvenanceEntity{Role: entityRole(p, s), What: ref})
		}
	}
	if p.Signature != "" {
		out.Signature = []Signature{r.signature(p)}
	}
	return out
}

// activityCoding is HL7's code for the activity. A draft from nothing is
// created, not transformed.
func activityCoding(p clinical.Provenance) Coding {
	if p.Activity == clinical.ActivityDraft && len(p.Sources) == 0 {
		return activities[clinical.ActivityUpload]
	}
	return activities[p.Activity]
}

func (r Renderer) provenanceAgent(tenant clinical.TenantID, a clinical.ProvenanceAgent) ProvenanceAgent {
	out := ProvenanceAgent{
		Type: concept(cmp.Or(participants[a.Type], r.own("participant", a.Type, ""))),
		Who:  r.Actor(ActorRef{ID: a.Actor, Kind: a.ActorKind}),
		// Only a user can be acted for; everybody else acts for the clinic.
		OnBehalfOf: r.optional("Practitioner", string(a.OnBehalfOf)),
	}
	if out.OnBehalfOf == nil {
		out.OnBehalfOf = r.optional("Organization", string(tenant))
	}
	return out
}

// transmit adds the clinic as the one who sent the upload on, which US Core
// asks for beside the author, unless the entry names a transmitter itself.
func (r Renderer) transmit(out *Provenance, p clinical.Provenance) {
	named := slices.ContainsFunc(p.Agents, func(a clinical.ProvenanceAgent) bool { return a.Type == "transmitter" })
	clinic := r.Reference("Organization", string(p.Tenant), 0)
	if p.Activity == clinical.ActivityUpload && !named && clinic.Reference != "" {
		out.Agent = append(out.Agent, ProvenanceAgent{Type: concept(participants["transmitter"]), Who: clinic})
	}
}

// entityRole is "revision" for the text or file that the target is a newer
// form of, "source" for what it was derived from.
func entityRole(p clinical.Provenance, source clinical.Ref) string {
	newer := func(t clinical.Ref) bool { return t.Type == source.Type && t.ID == source.ID }
	if p.Activity == clinical.ActivityAmend || p.Activity == clinical.ActivitySupersede {
		newer = func(t clinical.Ref) bool { return t.Type == source.Type }
	}
	if slices.ContainsFunc(p.Targets, newer) {
		return "revision"
	}
	return "source"
}

// signature is the entry's JWS in the name of the user who signed: the server
// holds the key, the clinician gave the word (P6).
func (r Renderer) signature(p clinical.Provenance) Signature {
	s := Signature{
		Type: []Coding{{
			System:  "urn:iso-astm:E1762-95:2013",
			Code:    "1.2.840.10065.1.12.1.1",
			Display: "Author's Signature",
		}},
		When:      instant(p.RecordedAt),
		Who:       r.Reference("Organization", string(p.Tenant), 0),
		SigFormat: "application/jose",
		Data:      []byte(p.Signature),
	}
	signer := slices.IndexFunc(p.Agents, func(a clinical.ProvenanceAgent) bool { return a.ActorKind == clinical.User })
	if signer >= 0 {
		s.Who = r.Actor(ActorRef{ID: p.Agents[signer].Actor, Kind: clinical.User})
	}
	return s
}
