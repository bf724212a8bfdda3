// Package graph is the GraphQL edge: it turns operations into verbs of package
// records, nouns into what the schema shows, and failures into error codes.
//
// A request passes the door (form, size, origin), is parsed and measured
// against the limits, and reaches resolvers of a few lines each. Every root
// field, and every field that crosses to another entity, declares its access
// rule in the schema; New refuses a schema with a gap. The declaration is the
// first check, authentication; the decision itself is made inside the verb, by
// types of package policy that cannot be forgotten.
//
// Layout: a file for each noun holds its resolvers and its translation.
// Generated code is in graph/generated and graph/model, scalars in
// graph/scalar. No SQL, no S3, no decision about who may do what.
package graph
