package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// mediaType is the "typ" of our signatures, so that none can be taken for
// another sort of token of the same key (RFC 8725 section 3.11).
const mediaType = "bonfire-note+jws"

// algorithms are those that are signed with and accepted.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA}

// Keys sign and verify. Safe for concurrent use.
type Keys struct {
	signer jose.Signer
	id     string
	public jose.JSONWebKeySet
}

// ParseKeys reads PEM blocks (PRIVATE KEY, EC PRIVATE KEY, PUBLIC KEY) or a JSON
// Web Key Set: P-256 keys for ES256, Ed25519 keys for EdDSA. The first private
// key signs; a public key only verifies what it signed while it was in use.
func ParseKeys(text []byte) (*Keys, error) {
	parse := parsePEM
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		parse = parseSet
	}
	all, err := parse(text)
	if err != nil {
		return nil, err
	}
	k := &Keys{}
	for _, key := range all {
		if err := k.add(key); err != nil {
			return nil, err
		}
	}
	if k.signer == nil {
		return nil, errors.New("signing: no private key among them")
	}
	return k, nil
}

// GenerateKey makes a new ES256 key, as PEM for ParseKeys.
func GenerateKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ID names the key that signs: its RFC 7638 thumbprint, the "kid" of signatures.
func (k *Keys) ID() string { return k.id }

// Public are the keys for others to verify with, as a JSON Web Key Set (RFC 7517
// section 5). No private part is ever in it.
func (k *Keys) Public() []byte {
	b, _ := json.Marshal(k.public) // public keys of known types always encode
	return b
}

// Sign gives payload, and the signature over it, as a compact JWS.
func (k *Keys) Sign(payload []byte) (string, error) {
	signed, err := k.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return signed.CompactSerialize()
}

// add takes one key, private or public.
func (k *Keys) add(key any) error {
	public, alg := key, jose.SignatureAlgorithm("")
	private, isPrivate := key.(crypto.Signer)
	if isPrivate {
		public = private.Public()
	}
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p.Curve == elliptic.P256() {
			alg = jose.ES256
		}
	case ed25519.PublicKey:
		alg = jose.EdDSA
	}
	if alg == "" {
		return fmt.Errorf("signing: a key of type %T: take P-256 (ES256) or Ed25519 (EdDSA)", key)
	}
	jwk := jose.JSONWebKey{Key: public, Algorithm: string(alg), Use: "sig"}
	print, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(print)
	if len(k.public.Key(jwk.KeyID)) == 0 {
		k.public.Keys = append(k.public.Keys, jwk)
	}
	if k.signer != nil || !isPrivate {
		return nil
	}
	k.id = jwk.KeyID
	k.signer, err = jose.NewSigner(
		jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: jwk.KeyID}},
		(&jose.SignerOptions{}).WithType(mediaType))
	return err
}

func parseSet(text []byte) (all []any, err error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) == 0 {
		return nil, errors.New("signing: not a JSON Web Key Set with keys in it")
	}
	for _, key := range set.Keys {
		all = append(all, key.Key)
	}
	return all, nil
}

func parsePEM(text []byte) (all []any, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "PUBLIC KEY":
			key, err = x509.ParsePKIXPublicKey(block.Bytes)
		case "EC PARAMETERS": // openssl ecparam writes it in front of the key
			continue
		default:
			err = errors.New("take PRIVATE KEY or PUBLIC KEY")
		}
		if err != nil { // the cause may quote the key
			return nil, fmt.Errorf("signing: PEM block %q cannot be read", block.Type)
		}
		all = append(all, key)
	}
	if all == nil {
		return nil, errors.New("signing: neither PEM nor a JSON Web Key Set")
	}
	return all, nil
}
