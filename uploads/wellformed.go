package uploads

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/bonfiredb/bonfire/clinical"
)

// maxMetadata bounds the Upload-Metadata header, in bytes.
const maxMetadata = 8 << 10

// wellFormedMetadata checks Upload-Metadata as the protocol defines it: pairs
// separated by commas, each a key and, after one space, a value in base64.
func wellFormedMetadata(header string) error {
	if header == "" {
		return nil
	}
	if len(header) > maxMetadata {
		return clinical.Bad("Upload-Metadata", "longer than 8 KiB")
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(header, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
		raw, err := base64.StdEncoding.DecodeString(value)
		switch {
		case key == "" || seen[key]:
			return clinical.Bad("Upload-Metadata", "a key is empty or repeated")
		case err != nil:
			return clinical.Bad("Upload-Metadata", "a value is not base64")
		case !utf8.Valid(raw):
			return clinical.Bad("Upload-Metadata", "a value is not UTF-8")
		}
		seen[key] = true
	}
	return nil
}
