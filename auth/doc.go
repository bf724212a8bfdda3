// Package auth turns a credential into a [clinical.Actor].
//
// A token says who is calling, by issuer and subject, and may only narrow what
// they may do (scopes, the purpose of use, whether a second factor was used).
// Tenant, roles, clearance and panel come from our own membership rows, never
// from a claim. A token is one of an OpenID provider, an API key of an agent or
// a device or, with --dev, one of `bonfire dev token`; their verifiers are here,
// with the HTTP middleware that the other edges stand behind and the request's
// id and log event.
//
// A request without a token goes on as the zero Actor, about whom every
// decision is a denial; a bad token ends here with 401. What does not live
// here: any decision about what an actor may do (package policy), upload
// tokens (package uploads), the membership rows themselves (package store).
package auth
