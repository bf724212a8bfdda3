package events

import (
	"context"
	"time"
)

// Event is what a webhook is told: ids and codes, nothing of a chart. Whoever
// wants to know more asks the API, which asks the gate.
type Event struct {
	ID          string    `json:"id"`
	Tenant      string    `json:"tenant"`
	Type        string    `json:"type"` // such as "file.created" or "note.signed"
	SubjectType string    `json:"subjectType"`
	Subject     string    `json:"subject"`
	Patient     string    `json:"patient,omitempty"`
	Version     int       `json:"version"` // of the subject
	At          time.Time `json:"at"`
}

// Ref names an event that waits for delivery.
type Ref struct{ Tenant, ID string }

// Outbox is where events wait. Many servers may work from one outbox.
type Outbox interface {
	// Due lists events whose delivery is due, the longest waiting first.
	Due(ctx context.Context, limit int) ([]Ref, error)
	// Claim takes an event that is due; should the one who took it die, it is due
	// again at retry. attempt counts from 1, and is 0 when another server has the
	// event or it is not due any more.
	Claim(ctx context.Context, r Ref, retry time.Time) (e Event, attempt int, err error)
	// Delivered ends the delivery, Failed puts the next attempt off, GiveUp ends
	// the attempts.
	Delivered(ctx context.Context, r Ref) error
	Failed(ctx context.Context, r Ref, next time.Time) error
	GiveUp(ctx context.Context, r Ref) error
}
