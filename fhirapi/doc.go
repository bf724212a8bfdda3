// Package fhirapi is the FHIR R4 read facade (http://hl7.org/fhir/R4/http.html):
// it turns requests into verbs of package records and what comes back into
// resources of package fhir.
//
// What lives here: routes, content negotiation, search parameters, paging links,
// ETags, OperationOutcomes. What does not: decisions and audit (package
// records), the form of resources (package fhir), bytes: a Binary is answered by
// a redirect to the bucket.
//
// Three choices that the specification leaves open:
//
//   - A search parameter that is not known is refused with 400, unless the
//     request says Prefer: handling=lenient. An ignored condition would show
//     more of a chart than was asked for.
//   - What is hidden is answered like what is not there: 404 for a resource, the
//     same empty searchset for a search.
//   - HEAD of a Binary is answered as the resource, whatever is accepted: a look
//     issues no link to the bytes.
package fhirapi
