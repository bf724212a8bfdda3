package signing

import (
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// Trusted are public keys to verify with.
type Trusted struct{ set jose.JSONWebKeySet }

// ParseTrusted reads a JSON Web Key Set of public keys, as the server publishes
// it (see Keys.Public).
func ParseTrusted(text []byte) (Trusted, error) {
	var t Trusted
	if err := json.Unmarshal(text, &t.set); err != nil || len(t.set.Keys) == 0 {
		return t, errors.New("signing: not a JSON Web Key Set with keys in it")
	}
	return t, nil
}

// Trusted are the keys' own public halves.
func (k *Keys) Trusted() Trusted { return Trusted{k.public} }

// Verify checks a signature with the key it names, and gives the content that
// was signed. The error says what is wrong in words that quote nothing of it.
func (t Trusted) Verify(jws string) (Content, error) {
	signed, err := jose.ParseSignedCompact(jws, algorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return Content{}, errors.New("signing: not a signature of ours")
	}
	header := signed.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != mediaType {
		return Content{}, errors.New("signing: a signature of something else than a note")
	}
	keys := t.set.Key(header.KeyID)
	if len(keys) == 0 {
		return Content{}, errors.New("signing: signed with a key that is not among the trusted ones")
	}
	if keys[0].Algorithm != "" && keys[0].Algorithm != header.Algorithm {
		return Content{}, errors.New("signing: the key is for another algorithm")
	}
	payload, err := signed.Verify(keys[0])
	if err != nil {
		return Content{}, errors.New("signing: the signature does not fit the signed content")
	}
	return parseContent(payload)
}
