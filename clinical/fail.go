package clinical

import (
	"errors"
	"fmt"
)

// Kind classifies a failure by what the caller can do about it. Each edge
// translates kinds to its own statuses in one place.
type Kind int

// The kinds of failure. The zero Kind is Internal, so that a failure nobody
// classified is never mistaken for the caller's fault.
const (
	// Internal is a fault of ours; its cause goes to the log only.
	Internal Kind = iota
	// Unauthenticated: no valid credential was presented.
	Unauthenticated
	// NotFound: it does not exist, or the caller may not know that it does.
	NotFound
	// Forbidden: the caller may see it but may not do this.
	Forbidden
	// Invalid: the input is wrong; Failure.Field names where.
	Invalid
	// Conflict: a stale version, or a state which does not allow the act.
	Conflict
	// Busy: another writer holds the upload; try again shortly.
	Busy
	// TooLarge: more bytes than the kind allows.
	TooLarge
	// Unsupported: a content type which the kind does not take.
	Unsupported
	// Gone: it was there and never will be again.
	Gone
	// ChecksumMismatch: the bytes received are not the bytes announced.
	ChecksumMismatch
	// Quarantined: the file waits for, or failed, its scan.
	Quarantined
	// Unavailable: a dependency does not answer; the same call may succeed later.
	Unavailable
	// NotImplemented: the field exists in the contract, its feature does not yet.
	NotImplemented
)

var kindNames = [...]string{
	"internal", "unauthenticated", "not_found", "forbidden", "invalid", "conflict", "busy", "too_large",
	"unsupported", "gone", "checksum_mismatch", "quarantined", "unavailable", "not_implemented",
}

// String is the kind's name in logs and metrics.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "internal"
	}
	return kindNames[k]
}

// Failure is an error that may cross rooms. Words are constant and safe to
// show to the caller; the cause may hold anything and goes to the log only.
type Failure struct {
	Kind  Kind
	Words string
	// Field is the input field at fault, as the API spells it; "" when none is.
	Field string
	// Allowed lists the values the field takes, where that helps the caller.
	Allowed []string

	cause error
}

// Fail makes a Failure. words must be constant text without data of a patient
// or of the infrastructure: they are sent to the caller as they stand.
func Fail(kind Kind, words string, cause error) *Failure {
	return &Failure{Kind: kind, Words: words, cause: cause}
}

// Bad is Fail(Invalid, ...) for one input field.
func Bad(field, words string) *Failure {
	return &Failure{Kind: Invalid, Words: words, Field: field}
}

// Missing is the one answer for what does not exist and for what is hidden.
func Missing() *Failure { return &Failure{Kind: NotFound, Words: "not found"} }

// WithField returns a copy that names the input field at fault.
func (f *Failure) WithField(field string) *Failure {
	g := *f
	g.Field = field
	return &g
}

// WithAllowed returns a copy that lists what the field takes.
func (f *Failure) WithAllowed(values ...string) *Failure {
	g := *f
	g.Allowed = values
	return &g
}

// Error is for the log: it includes the cause.
func (f *Failure) Error() string {
	s := f.Kind.String() + ": " + f.Words
	if f.Field != "" {
		s += " (" + f.Field + ")"
	}
	if f.cause != nil {
		s = fmt.Sprintf("%s: %v", s, f.cause)
	}
	return s
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.cause }

// KindOf is the kind of the outermost Failure in err's chain, Internal for any
// other error.
func KindOf(err error) Kind {
	if f := AsFailure(err); f != nil {
		return f.Kind
	}
	return Internal
}

// AsFailure finds the outermost Failure in err's chain; nil when there is none.
func AsFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// Is reports whether err is a Failure of the given kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
