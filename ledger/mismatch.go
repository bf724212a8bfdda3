package ledger

import (
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

// Mismatched reports whether an upload's first bytes were of another type than
// it was announced with. Kinds that refuse such bytes never get here; those that
// quarantine them ask when the record is made.
func Mismatched(u clinical.Upload) bool {
	declared := clinical.MediaType(u.ContentType)
	if u.Sniffed == "" || declared == "text/plain" && strings.HasSuffix(u.Sniffed, "json") {
		return false
	}
	return !sameType(declared, u.Sniffed, []byte{0}) // the bytes themselves are gone: not textual
}
