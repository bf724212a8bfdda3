// Profiles: what a resource promises by meta.profile beyond base R4, read from
// US Core (DocumentReference) and IHE BALP (AuditEvent).

const usCoreDocument = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference';
const balp = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.';

const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const rest = 'http://terminology.hl7.org/CodeSystem/audit-event-type|rest';
const interaction = 'http://hl7.org/fhir/restful-interaction';
const part = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
const entityType = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const source = `${dicom}|110153`;
const destination = `${dicom}|110152`;
const originators = [`${part}|AUT`, `${part}|INF`, `${part}|CST`];
const recipients = [`${part}|IRCP`];

const key = (c) => `${c?.system}|${c?.code}`;
const keys = (concept) => (concept?.coding ?? []).map(key);

/** BALP's RESTful profiles: codes, who is client and server, who asked. */
const restful = {
  Create: { subtypes: ['create'], action: 'C', client: source, server: destination, users: originators },
  Update: { subtypes: ['update', 'patch'], action: 'U', client: source, server: destination, users: originators },
  Read: { subtypes: ['read', 'vread'], action: 'R', client: destination, server: source, users: recipients },
  Query: {
    subtypes: ['search', 'search-type', 'search-system'], action: 'E', client: source, server: destination, users: recipients,
  },
};

export function profileFindings(resource) {
  const out = resource.resourceType === 'AuditEvent' ? auditFindings(resource) : [];
  for (const profile of resource.meta?.profile ?? []) {
    if (profile === usCoreDocument) {
      out.push(...usCoreFindings(resource));
    } else if (profile.startsWith(balp)) {
      out.push(...balpFindings(resource, profile.slice(balp.length)));
    } else {
      out.push(`meta.profile ${profile} is one this check does not know`);
    }
  }
  return out;
}

/** A list of [holds, words] as the words of those that do not hold. */
const failures = (name, rules) => rules.filter(([holds]) => !holds).map(([, words]) => `${name}: ${words}`);

function usCoreFindings(d) {
  const content = d.content ?? [];
  const types = keys(d.type);
  return failures('us-core-documentreference', [
    [types.some((k) => k.startsWith('http://loinc.org|') || k.endsWith('v3-NullFlavor|UNK')), 'type is neither LOINC nor UNK'],
    [(d.category ?? []).length > 0, 'no category'],
    [/(^|\/)Patient\//.test(d.subject?.reference ?? ''), 'subject is no Patient'],
    [content.length > 0, 'no content'],
    [content.every((c) => c.attachment?.url || c.attachment?.data), 'us-core-6: attachment without url or data'],
    [(d.context?.encounter ?? []).length <= 1, 'more than one encounter'],
  ]);
}

/** What holds for every AuditEvent (sev-1, and the one requestor). */
function auditFindings(e) {
  return failures('AuditEvent', [
    [(e.agent ?? []).filter((a) => a.requestor === true).length === 1, 'not exactly one requestor'],
    [(e.entity ?? []).every((x) => !(x.name && x.query)), 'sev-1: an entity with both name and query'],
    [(e.entity ?? []).every((x) => !x.what?.reference?.startsWith('Patient/') || (!x.name && !x.what.display)), 'a patient by name'],
  ]);
}

function balpFindings(e, name) {
  const agents = (k) => (e.agent ?? []).filter((a) => keys(a.type).includes(k));
  const entities = (code) => (e.entity ?? []).filter((x) => key(x.type) === `${entityType}|${code}`);
  const patients = entities(1).filter((x) => key(x.role).endsWith('object-role|1') && /^Patient\//.test(x.what?.reference ?? ''));
  const machine = (k) => agents(k).length === 1 && agents(k).every((a) => a.who && a.network);
  const user = (e.agent ?? []).find((a) => a.requestor);
  const common = [
    [e.outcome === '0', 'outcome is not success'],
    [user && !user.network, 'the user is missing or has a network'],
  ];
  if (name === 'PrivacyDisclosure.Source') {
    return failures(name, [
      ...common,
      [key(e.type) === `${dicom}|110106`, 'type is not Export'],
      [(e.subtype ?? []).some((c) => c.code === 'disclose'), 'no subtype disclose'],
      [e.action === 'R', 'action is not R'],
      [machine(source) && machine(destination), 'not one source and one recipient with who and network'],
      [agents(source)[0]?.who?.reference === e.source?.observer?.reference, 'val-audit-source: the source is not the observer'],
      [patients.length === 1 && (e.entity ?? []).length >= 2, 'not one patient and the data'],
    ]);
  }
  const shape = restful[name.replace(/^Patient/, '')];
  if (!shape) return [`${name}: no BALP profile of that name`];
  const objects = entities(2);
  return failures(name, [
    ...common,
    [key(e.type) === rest, 'type is not rest'],
    [(e.subtype ?? []).some((c) => c.system === interaction && shape.subtypes.includes(c.code)), `no subtype ${shape.subtypes}`],
    [e.action === shape.action, `action is not ${shape.action}`],
    [machine(shape.client) && machine(shape.server), 'not one client and one server with who and network'],
    // BALP leaves open who records; here it is always the server.
    [agents(shape.server)[0]?.who?.reference === e.source?.observer?.reference, 'the server is not the observer'],
    [keys(user?.type).some((k) => shape.users.includes(k)), `the user is none of ${shape.users}`],
    [name.startsWith('Patient') ? patients.length === 1 : patients.length === 0, 'not exactly the patients of the profile'],
    [objects.length === 1, 'not exactly one System Object'],
    [objects.every((x) => (shape === restful.Query ? x.query && !x.what : x.what)), 'the System Object is no query or no data'],
  ]);
}
