// Package scalar holds the wire form of the schema's scalars: how each is
// written, and what is taken for one.
//
// Every refusal is a clinical.Failure of kind Invalid with constant words: the
// value itself may be a patient's data and is never repeated. What the values
// mean is for the packages that get them.
package scalar
