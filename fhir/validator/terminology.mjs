// Codes: required bindings that can be enumerated offline, and membership in
// code systems which HL7 publishes completely.

import { codeSystems, valueSets } from './definitions.mjs';

function codesOf(concepts, out = []) {
  for (const c of concepts ?? []) {
    out.push(c.code);
    codesOf(c.concept, out);
  }
  return out;
}

const members = new Map();

/** The codes of a completely published system; undefined for any other. */
function completeSystem(url) {
  if (!members.has(url)) {
    const system = codeSystems.get(url);
    members.set(url, system?.content === 'complete' ? new Set(codesOf(system.concept)) : undefined);
  }
  return members.get(url);
}

const expansions = new Map();

/** A value set as "system|code" keys; undefined where it cannot be enumerated. */
function expansion(canonical) {
  const url = canonical.split('|')[0];
  if (!expansions.has(url)) {
    expansions.set(url, undefined); // ends a value set that includes itself
    expansions.set(url, expand(valueSets.get(url)));
  }
  return expansions.get(url);
}

function expand(valueSet) {
  const out = new Set();
  for (const include of valueSet?.compose?.include ?? []) {
    const codes = include.concept?.map((c) => c.code) ?? (include.system && completeSystem(include.system));
    if (include.filter || (include.system && !codes)) {
      return undefined;
    }
    for (const c of codes ?? []) out.add(`${include.system}|${c}`);
    for (const other of include.valueSet ?? []) {
      const inner = expansion(other);
      if (!inner) return undefined;
      inner.forEach((key) => out.add(key));
    }
  }
  return out.size > 0 ? out : undefined;
}

const key = (coding) => `${coding.system}|${coding.code}`;

/** What is wrong with the codes of one value of an element. */
export function codeFindings(element, typeCode, value, at) {
  const out = [];
  const codings = { Coding: () => [value], CodeableConcept: () => value.coding ?? [] }[typeCode]?.() ?? [];
  const { strength, valueSet } = element.binding ?? {};
  const allowed = strength === 'required' && valueSet ? expansion(valueSet) : undefined;
  if (allowed && typeCode === 'code' && ![...allowed].some((k) => k.endsWith(`|${value}`))) {
    out.push(`${at}: code "${value}" is not in ${valueSet}`);
  }
  if (allowed && codings.length > 0 && !codings.some((c) => allowed.has(key(c)))) {
    out.push(`${at}: ${codings.map(key).join(', ')} is not in ${valueSet}`);
  }
  for (const c of codings) {
    const system = completeSystem(c.system);
    if (system && c.code && !system.has(c.code)) {
      out.push(`${at}: code "${c.code}" is not in ${c.system}`);
    }
  }
  return out;
}
