// Package events carries news: inside the house from one who changes something
// to those who watch it, and out of the house to a webhook.
//
// What lives here: the hub that wakes watchers, the signature and the delivery
// of webhooks, with their retries. What does not: which events there are and who
// may hear of them (package records), the outbox they wait in (package store).
package events
