package records

import (
	"fmt"

	"github.com/bonfiredb/bonfire/clinical"
)

// Problems are causes of a Conflict that a screen must branch on; errors.As
// finds them. Each is recorded in the audit trail as an attempt that failed.

// VersionConflict: somebody else has changed it since the caller read it.
type VersionConflict struct{ Current int }

// Error implements error.
func (v *VersionConflict) Error() string { return fmt.Sprintf("it is at version %d", v.Current) }

// NotSignable: the note's state does not allow it any more.
type NotSignable struct{ Status clinical.NoteStatus }

// Error implements error.
func (n *NotSignable) Error() string { return "the note is " + string(n.Status) }

// TextChanged: the text is not the one that the signer attests to having read.
type TextChanged struct{ Current []byte } // SHA-256

// Error implements error.
func (t *TextChanged) Error() string { return "the note's text is another one" }

// Rules that failed attempts stand under in the audit trail.
const (
	ruleVersion = "version-conflict"
	ruleState   = "state"
	ruleText    = "text-changed"
)
