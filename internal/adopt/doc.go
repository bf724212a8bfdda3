// Package adopt reads FHIR R4 Bundles of other servers, with the bytes of their
// documents inside as base64, and makes of them charts that package records can
// import.
//
// What lives here: taking a Bundle apart in bounded memory, the meaning of its
// references, and a list of everything that has no place in our record: nothing
// is lost without being named. What does not: SQL, S3, and any decision; a chart
// made here is imported like one that we exported.
package adopt
