// Structure: cardinality and types by Medplum's validator, then what base
// definitions say but that validator does not look at (references, codes), and
// what JSON allows but FHIR does not.

import { elementOf, structures, validateResource } from './definitions.mjs';
import { codeFindings } from './terminology.mjs';

const complexTypes = new Set([
  'CodeableConcept', 'Coding', 'Identifier', 'Reference', 'Attachment', 'Period', 'Annotation', 'Signature', 'Quantity',
  'HumanName', 'ContactPoint', 'Address', 'Meta', 'Narrative', 'Extension', 'Range', 'Money',
]);
const literalReference =
  /^(?:https?:\/\/.+\/)?([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

export function structureFindings(resource) {
  if (!structures.has(resource.resourceType)) {
    return [`${resource.resourceType} is no R4 resource type`];
  }
  const out = medplumFindings(resource);
  walk(resource, resource.resourceType, resource.resourceType, resource.resourceType, out);
  return out;
}

function medplumFindings(resource) {
  const words = (i) => `${i.expression?.join(',') ?? ''} ${i.details?.text ?? i.diagnostics ?? ''}`.trim();
  try {
    return validateResource(resource).map(words);
  } catch (err) {
    return err?.outcome?.issue?.map(words) ?? [String(err?.message ?? err)];
  }
}

/** Walks a value along its definition: `path` in the StructureDefinition of `type`. */
function walk(node, type, path, at, out) {
  for (const [name, value] of Object.entries(node)) {
    if (name === 'resourceType' || name.startsWith('_') || value === null) continue;
    const found = elementOf(type, path, name);
    if (!found) continue; // an unknown element: Medplum's validator reports it
    const many = Array.isArray(value);
    (many ? value : [value]).forEach((item, i) => {
      visit(item, found, type, `${at}.${name}${many ? `[${i}]` : ''}`, out);
    });
  }
}

function visit(value, { element, type: t }, parent, at, out) {
  if (value === null) return; // Medplum's validator reports it
  const typeCode = t?.code;
  out.push(...codeFindings(element, typeCode, value, at));
  if (typeCode === 'Reference') {
    out.push(...referenceFindings(element, value, at));
  }
  if (typeof value !== 'object') return;
  if (typeCode === 'BackboneElement' || typeCode === 'Element') {
    walk(value, parent, element.path.replace(/\[x\]$/, ''), at, out);
  } else if (complexTypes.has(typeCode)) {
    walk(value, typeCode, typeCode, at, out);
  } else if (typeCode === 'Resource' && value.resourceType) {
    walk(value, value.resourceType, value.resourceType, at, out);
  }
}

function referenceFindings(element, value, at) {
  const literal = value.reference;
  if (!literal || literal.startsWith('#')) return [];
  const out = [];
  const type = literalReference.exec(literal)?.[1];
  if (!type && !/^(urn:(uuid|oid):|https?:\/\/)/.test(literal)) {
    out.push(`${at}.reference: "${literal}" is no relative, absolute, urn or contained reference`);
  }
  if (type && value.type && value.type !== type) {
    out.push(`${at}.type: ${value.type} is not the type in ${literal}`);
  }
  const target = type ?? value.type;
  const allowed = (element.type ?? []).flatMap((t) => t.targetProfile ?? []).map((url) => url.split('/').pop());
  if (target && allowed.length > 0 && !allowed.includes('Resource') && !allowed.includes(target)) {
    out.push(`${at}: a ${target} may not stand here (${allowed.join(' | ')})`);
  }
  return out;
}

const logicalID = /^[A-Za-z0-9\-.]{1,64}$/;
const int32 = new Set(['size', 'height', 'width', 'total']);
const presigned = /X-Amz-(Signature|Credential|Security-Token)=/i;

/** What JSON allows but FHIR does not, and what must never stand in a resource here. */
export function formatFindings(resource) {
  const at = resource.resourceType;
  const out = [];
  if (resource.id !== undefined && !logicalID.test(resource.id)) {
    out.push(`${at}.id: "${resource.id}" is no FHIR id`);
  }
  const visitValue = (name, value, parent) => {
    if (value === null) out.push(`${at}: null at "${name}"`);
    if (value === '') out.push(`${at}: empty string at "${name}"`);
    if (typeof value === 'number' && int32.has(name) && !(Number.isInteger(value) && value >= 0 && value < 2 ** 31)) {
      out.push(`${at}: ${name} ${value} is not within FHIR's 32-bit integers`);
    }
    if (typeof value === 'string' && presigned.test(value)) out.push(`${at}: a presigned URL at "${name}"`);
    if (name === 'hash' && typeof value === 'string' && Buffer.from(value, 'base64').length !== 20) {
      out.push(`${at}: Attachment.hash is not the base64 of 20 bytes (SHA-1)`);
    }
    if (value !== null && typeof value === 'object') {
      const entries = Object.entries(value);
      if (entries.length === 0) out.push(`${at}: empty ${Array.isArray(value) ? 'array' : 'object'} at "${name}"`);
      // A Bundle's entries are checked as resources of their own.
      if (!(parent?.resourceType === 'Bundle' && name === 'entry')) {
        entries.forEach(([k, v]) => visitValue(k, v, value));
      }
    }
  };
  Object.entries(resource).forEach(([k, v]) => visitValue(k, v, resource));
  return out;
}
