package store

import (
	"slices"
	"testing"
)

// staysBehind are the columns of a chart's tables that do not travel, and why.
var staysBehind = map[string]map[string]string{
	"member": {
		"roles": "what somebody may do is each clinic's own to say", "clearance": "likewise", "departments": "likewise", "care_groups": "likewise",
		"issuer": "a login opens nothing elsewhere", "subject": "likewise", "created_at": "when this clinic came to know of them", "ended_at": "they are let in nowhere",
	},
	"upload": {
		"multipart": "of bytes on their way", "next_part": "likewise", "put_tried": "likewise", "scratch_used": "likewise", "hash_state": "likewise",
		"token_hash": "opens the upload", "lease": "of a running server", "lease_until": "likewise", "lease_wanted": "likewise",
		"failure_code": "the upload became a file", "failure_words": "likewise", "failure_retry": "likewise",
		"request_id": "stands in the audit trail", "via_key": "keys stay behind",
	},
	"note":         {"signer_kind": "generated"},
	"note_version": {"note_id": "it travels in its note"},
	"note_object": {
		"object_key": "a copy for links, made anew where there is one", "note_id": "likewise", "version": "likewise", "size": "likewise",
		"sha256": "likewise", "put_at": "likewise", "gone_at": "likewise",
	},
}

// What travels with a chart is decided for every column: one that a migration
// adds has to be added to carry.go, or here with the reason.
func TestEveryColumnOfAChartIsDecidedOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	travels := map[string][]string{"note_version": versionColumns, "note_object": nil}
	for _, c := range charts {
		travels[c.stored()] = c.columns
	}
	for table, columns := range travels {
		have, err := h.db.names(h.Context(), `SELECT attname FROM pg_attribute WHERE attrelid = 'public.`+table+`'::regclass AND attnum > 0 AND NOT attisdropped`)
		check(t, err)
		for _, c := range have {
			_, stays := staysBehind[table][c]
			if c == "tenant_id" {
				continue
			}
			if goes := slices.Contains(columns, c); goes == stays {
				t.Errorf("%s.%s: travels %v, stays behind %v", table, c, goes, stays)
			}
		}
		for c := range staysBehind[table] {
			if !slices.Contains(have, c) {
				t.Errorf("%s.%s is no column any more", table, c)
			}
		}
	}
}
