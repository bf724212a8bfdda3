package auth_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
)

var devKey = bytes.Repeat([]byte("k"), 32)

func devVerifier(t *testing.T, now func() time.Time) *auth.DevTokens {
	t.Helper()
	v, err := auth.NewDevTokens(devKey, now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func devToken(t *testing.T, tok auth.DevToken) string {
	t.Helper()
	if tok.Expires.IsZero() {
		tok.Expires = time.Now().Add(time.Hour)
	}
	out, err := tok.Sign(devKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDevTokenRoundTrip(t *testing.T) {
	v := devVerifier(t, time.Now)
	token := devToken(t, auth.DevToken{Name: "clinician", MFA: true, Purpose: clinical.BreakTheGlass})
	if !v.Recognizes(token) {
		t.Error("not recognized")
	}
	login, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if login.Issuer != auth.DevIssuer || login.Subject != "clinician" || !login.MFA || login.Purpose != clinical.BreakTheGlass || login.Scopes != nil {
		t.Errorf("got %+v", login)
	}
}

func TestDevTokenLivesExactlyAsLongAsItSays(t *testing.T) {
	born := time.Now().Truncate(time.Millisecond)
	clock := born
	v := devVerifier(t, func() time.Time { return clock })
	token := devToken(t, auth.DevToken{Name: "clinician", Expires: born.Add(time.Second)})
	for _, at := range []struct {
		after time.Duration
		good  bool
	}{{0, true}, {990 * time.Millisecond, true}, {time.Second, false}, {time.Hour, false}} {
		clock = born.Add(at.after)
		if _, err := v.Verify(t.Context(), token); (err == nil) != at.good {
			t.Errorf("after %s: %v", at.after, err)
		}
	}
}

func TestDevTokensRefuse(t *testing.T) {
	v := devVerifier(t, time.Now)
	good := claims{"iss": auth.DevIssuer, "aud": "bonfire", "sub": "clinician", "exp": time.Now().Add(time.Hour).Unix()}
	with := func(name string, value any) claims {
		c := claims{}
		for k, v := range good {
			c[k] = v
		}
		c[name] = value
		return c
	}
	if _, err := v.Verify(t.Context(), signed(t, jose.HS256, "", devKey, good)); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	other := bytes.Repeat([]byte("o"), 32)
	for name, token := range map[string]string{
		"another key":     signed(t, jose.HS256, "", other, good),
		"wrong algorithm": signed(t, jose.HS512, "", bytes.Repeat([]byte("k"), 64), good),
		"unsigned":        unsigned(t, good),
		"tampered":        tampered(t, signed(t, jose.HS256, "", devKey, good), "clinician", "admin"),
		"wrong audience":  signed(t, jose.HS256, "", devKey, with("aud", "other")),
		"wrong issuer":    signed(t, jose.HS256, "", devKey, with("iss", "other")),
		"nobody":          signed(t, jose.HS256, "", devKey, with("sub", "")),
		"without expiry":  signed(t, jose.HS256, "", devKey, with("exp", 0)),
		"not a token":     strings.Repeat("a", 40),
	} {
		if login, err := v.Verify(t.Context(), token); !clinical.Is(err, clinical.Unauthenticated) {
			t.Errorf("%s: got %+v, %v", name, login, err)
		}
	}
}

func TestDevTokensWantALongKey(t *testing.T) {
	if _, err := auth.NewDevTokens([]byte("short"), time.Now); err == nil {
		t.Error("a short key was taken for verifying")
	}
	if _, err := (auth.DevToken{Name: "x"}).Sign([]byte("short"), time.Now()); err == nil {
		t.Error("a short key was taken for signing")
	}
}
