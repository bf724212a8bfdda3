// Package model holds the shapes of the schema that no package below has a
// type for: inputs, payloads, connections, and the views of the nouns. They
// are generated from schema.graphqls; entities carry the noun they were made
// from. Enums and FHIR views are not here but bound to packages clinical and
// fhir, see gqlgen.yml.
package model
