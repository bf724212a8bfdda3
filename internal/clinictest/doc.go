// Package clinictest gives tests a whole clinic: a fresh database and bucket of
// the real servers, the demo principals, the gate and the verbs. It is for
// tests of the rooms above the store; nothing in production imports it.
package clinictest
