package scalar

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
)

// MarshalSha256 writes a digest as lower-case hexadecimal.
func MarshalSha256(digest []byte) graphql.Marshaler {
	return graphql.MarshalString(hex.EncodeToString(digest))
}

// UnmarshalSha256 takes 64 lower-case hexadecimal digits and gives the 32 bytes.
func UnmarshalSha256(v any) ([]byte, error) {
	s, _ := v.(string)
	digest, err := hex.DecodeString(s)
	if err != nil || len(digest) != sha256.Size || s != strings.ToLower(s) {
		return nil, clinical.Fail(clinical.Invalid, "must be a SHA-256 in 64 lower-case hexadecimal digits", nil)
	}
	return digest, nil
}
