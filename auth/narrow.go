package auth

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// smartContexts begin the resource scopes of SMART App Launch 2, such as
// patient/DocumentReference.rs or user/*.read
// (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html). What
// follows is not checked here: a misspelt scope must narrow to nothing, not
// fall away and narrow no more.
var smartContexts = []string{"patient/", "user/", "system/"}

func smart(scope string) bool {
	return slices.ContainsFunc(smartContexts, func(c string) bool { return strings.HasPrefix(scope, c) })
}

// smartScopes are the SMART scopes among those a token lists, nil when it
// lists none: then the token does not narrow ("openid profile" says nothing
// about records). The claims are "scope", a string with blanks (RFC 9068
// section 2.2.3) and "scp", a string or a list, as some providers have it. A
// claim of any other form is an error: it can't be told how narrow it means.
func smartScopes(claims ...json.RawMessage) ([]string, error) {
	var out []string
	for _, raw := range claims {
		listed, err := scopeList(raw)
		if err != nil {
			return nil, err
		}
		for _, s := range listed {
			if smart(s) && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

func scopeList(raw json.RawMessage) ([]string, error) {
	var text string
	var list []string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, nil
	case json.Unmarshal(raw, &text) == nil:
		return strings.Fields(text), nil
	case json.Unmarshal(raw, &list) == nil:
		return list, nil
	}
	return nil, errors.New("scope claim of unknown form")
}

// factors are the kinds of proof behind the values of amr (RFC 8176 section 2).
var factors = map[string]string{
	"pwd": "knows", "pin": "knows", "kba": "knows",
	"otp": "has", "hwk": "has", "swk": "has", "sc": "has", "sms": "has", "tel": "has", "pop": "has",
	"fpt": "is", "face": "is", "iris": "is", "retina": "is", "vbm": "is",
}

// strongContexts are values of acr that mean more than one factor.
var strongContexts = []string{
	"http://schemas.openid.net/pape/policies/2007/06/multi-factor",
	"https://refeds.org/profile/mfa",
	"http://idmanagement.gov/ns/assurance/aal/2",
	"http://idmanagement.gov/ns/assurance/aal/3",
}

// secondFactor reports whether the login used more than one kind of proof: the
// provider says so in amr or acr, or amr lists two different kinds.
func secondFactor(acr string, amr []string) bool {
	if slices.Contains(strongContexts, acr) || slices.Contains(amr, "mfa") {
		return true
	}
	kinds := map[string]bool{}
	for _, m := range amr {
		if kind := factors[m]; kind != "" {
			kinds[kind] = true
		}
	}
	return len(kinds) > 1
}
