// Package generated is what gqlgen makes of schema.graphqls: the executable
// schema and the resolver interfaces that package graph fills in. Run `make
// generate` after a change of the schema; nothing here is edited by hand.
package generated
