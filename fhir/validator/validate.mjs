// Checks FHIR R4 JSON against HL7's published definitions, offline.
//
//   node validate.mjs [--json] FILE...
//
// FILE is one resource, a JSON array or NDJSON; "-" is standard input. The
// entries of a Bundle are checked one by one as well. Prints a line for each
// finding, or with --json one report for programs:
//
//   [{ "file": "...", "index": 0, "resource": "Media/...", "findings": ["..."] }]
//
// Exit code 0: all valid. 1: a finding. 2: it could not run.
//
// It shares no code with the Go package it checks: the structures and codes are
// HL7's (as Medplum distributes them), the rest is in structure.mjs,
// terminology.mjs, profiles.mjs and bundle.mjs.

import { readFileSync } from 'node:fs';
import { bundleFindings } from './bundle.mjs';
import { profileFindings } from './profiles.mjs';
import { formatFindings, structureFindings } from './structure.mjs';

/** All that is wrong with one resource, its Bundle entries aside. */
function check(resource) {
  if (typeof resource?.resourceType !== 'string') {
    return ['no resourceType'];
  }
  return [
    ...structureFindings(resource),
    ...formatFindings(resource),
    ...profileFindings(resource),
    ...bundleFindings(resource),
  ];
}

/** The resources of a file's text: one, an array, or one a line. */
function parse(text) {
  try {
    const value = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    return text.split('\n').filter((line) => line.trim()).map((line) => {
      try {
        return JSON.parse(line);
      } catch (err) {
        return { notJSON: err.message };
      }
    });
  }
}

function report(file, resource, index) {
  const findings = resource?.notJSON ? [`not JSON: ${resource.notJSON}`] : check(resource);
  if (resource?.resourceType === 'Bundle') {
    (resource.entry ?? []).forEach((entry, i) => {
      if (entry?.resource) {
        findings.push(...check(entry.resource).map((f) => `entry[${i}] ${f}`));
      }
    });
  }
  return { file, index, resource: `${resource?.resourceType ?? '?'}/${resource?.id ?? '-'}`, findings };
}

function main(args) {
  const json = args[0] === '--json';
  const files = json ? args.slice(1) : args;
  const reports = files.flatMap((file) =>
    parse(readFileSync(file === '-' ? 0 : file, 'utf8')).map((resource, i) => report(file, resource, i)));
  if (reports.length === 0) {
    console.error('no resource read');
    return 2;
  }
  if (json) {
    process.stdout.write(JSON.stringify(reports) + '\n');
  } else {
    reports.forEach((r) => r.findings.forEach((f) => console.log(`${r.file}[${r.index}] ${r.resource}: ${f}`)));
  }
  const bad = reports.filter((r) => r.findings.length > 0).length;
  console.error(`${reports.length} checked, ${bad} with findings`);
  return bad > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
