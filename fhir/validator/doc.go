// Package validator runs the independent FHIR R4 check of this directory from
// Go tests: Node.js, HL7's published definitions and validate.mjs, which shares
// no code with package fhir. The program itself does not import it.
package validator
