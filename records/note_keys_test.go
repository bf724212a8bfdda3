package records_test

import (
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// TestP6_NoSignatureWithoutAKey: a note is not signed where nothing could prove
// it afterwards, and stays the draft that it was.
func TestP6_NoSignatureWithoutAKey(t *testing.T) {
	c := open(t)
	n := c.draft("clinician")
	bare := c.Records.Options
	bare.Keys = nil
	_, err := records.New(bare).SignNote(t.Context(), c.As("clinician"), records.SignNote{Note: n.ID, Version: n.Version})
	c.wantKind(err, clinical.Unavailable)
	if c.mustSign("clinician", n).Status != clinical.NoteSigned {
		t.Error("it is no draft any more")
	}
}
