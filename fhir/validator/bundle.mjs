// Bundles: full URLs, and which parts a kind of Bundle may and must have
// (http://hl7.org/fhir/R4/bundle.html, bdl-1 to bdl-8).

const web = /^https?:\/\//;
const modes = new Set(['match', 'include', 'outcome']);

export function bundleFindings(bundle) {
  if (bundle.resourceType !== 'Bundle') return [];
  const out = [];
  if (bundle.total !== undefined && !['searchset', 'history'].includes(bundle.type)) {
    out.push(`Bundle.total in a ${bundle.type}`);
  }
  const seen = new Set();
  (bundle.entry ?? []).forEach((entry, i) => {
    const at = `Bundle.entry[${i}]`;
    for (const part of Object.keys(entry)) {
      if (entry[part] === null || entry[part] === '') out.push(`${at}: ${part} is empty`);
    }
    out.push(...fullUrlFindings(entry, at, seen), ...partFindings(bundle.type, entry, at));
  });
  return out;
}

function fullUrlFindings({ fullUrl, resource }, at, seen) {
  if (!fullUrl) return [`${at}: no fullUrl`];
  const out = [];
  const key = `${fullUrl}#${resource?.meta?.versionId ?? ''}`;
  if (seen.has(key)) out.push(`${at}: fullUrl twice: ${fullUrl}`);
  seen.add(key);
  if (!web.test(fullUrl) && !/^urn:(uuid|oid):/.test(fullUrl)) out.push(`${at}: fullUrl ${fullUrl} is not absolute`);
  if (web.test(fullUrl) && resource?.id && !fullUrl.endsWith(`/${resource.resourceType}/${resource.id}`)) {
    out.push(`${at}: fullUrl does not end in ${resource.resourceType}/${resource.id}`);
  }
  return out;
}

function partFindings(type, entry, at) {
  if (type === 'searchset') {
    return modes.has(entry.search?.mode) ? [] : [`${at}: no search.mode in a searchset`];
  }
  if (type === 'collection') {
    return ['search', 'request', 'response'].filter((p) => entry[p] !== undefined).map((p) => `${at}: ${p} in a collection`);
  }
  return [];
}
