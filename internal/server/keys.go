package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/signing"
)

// jwksPath is where the public keys are that signed notes are verified with (RFC
// 7517; the path is the usual one, after RFC 8615).
const jwksPath = "/.well-known/jwks.json"

// signingKeys reads the keys that seal signed notes: a file, or the keys
// themselves. A server without any serves files and drafts, and signs nothing:
// that is worth a warning at every start.
func signingKeys(setting config.Secret, log *slog.Logger) (*signing.Keys, error) {
	text := strings.TrimSpace(setting.Reveal())
	if text == "" {
		log.Warn("notes cannot be signed here; set BONFIRE_SIGNING_KEYS")
		return nil, nil
	}
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "-----BEGIN") {
		file, err := os.ReadFile(text)
		if err != nil {
			return nil, fmt.Errorf("BONFIRE_SIGNING_KEYS: %w", err)
		}
		text = string(file)
	}
	keys, err := signing.ParseKeys([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("BONFIRE_SIGNING_KEYS: %w", err)
	}
	return keys, nil
}

// jwks publishes the public keys, those of earlier years included. Anybody may
// have them, from any origin.
func (r *Rooms) jwks() http.Handler {
	body := []byte(`{"keys":[]}`)
	if r.keys != nil {
		body = r.keys.Public()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write(body)
	})
}
