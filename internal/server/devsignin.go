package server

import (
	"encoding/json"
	"mime"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/demo"
)

const (
	// devSignInPath hands the console tokens of demo principals. It is there
	// with --dev only.
	devSignInPath = "/dev/token"
	// devSignInLife is how long such a token lives; the console asks for the next.
	devSignInLife = time.Hour
	// devSignInBody bounds the request, in bytes.
	devSignInBody = 1 << 10
)

// devSignIn answers {"name": ...} with a token of that demo principal. What
// `bonfire dev token` gives to whoever can read the key's file, this gives to
// whoever sits at this machine, and to nobody else: the connection and the name
// that was asked for are loopback (a foreign name that resolves to this machine
// is DNS rebinding), and a page of another origin is turned away.
func devSignIn(key []byte) http.Handler {
	sign := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Name string }
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			http.Error(w, "send application/json", http.StatusUnsupportedMediaType)
			return
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, devSignInBody)).Decode(&in); err != nil || !slices.Contains(demo.Names(), in.Name) {
			http.Error(w, "name: not a demo principal", http.StatusBadRequest)
			return
		}
		now := time.Now()
		expires := now.Add(devSignInLife)
		token, err := auth.DevToken{Name: in.Name, Expires: expires, MFA: true}.Sign(key, now)
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		writeJSON(w, map[string]any{"token": token, "expiresAt": expires.UTC().Format(time.RFC3339)})
	})
	return atThisMachine(http.NewCrossOriginProtection().Handler(inTime(sign)))
}

// atThisMachine hides what next answers from everybody elsewhere.
func atThisMachine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.Host
		if host, _, err := net.SplitHostPort(r.Host); err == nil {
			asked = host
		}
		if !config.Loopback(r.RemoteAddr) || !config.LoopbackHost(asked) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
