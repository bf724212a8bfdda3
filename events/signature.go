package events

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a delivery, after Standard Webhooks 1.0.0
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
const (
	HeaderID        = "Webhook-Id"        // the event's id: the same in every attempt
	HeaderTimestamp = "Webhook-Timestamp" // when this attempt was sent, seconds since 1970
	HeaderSignature = "Webhook-Signature" // "v1," and the base64 of an HMAC-SHA256
)

// Tolerance is how far from a receiver's clock a delivery's timestamp may lie.
const Tolerance = 5 * time.Minute

// ErrSignature is a delivery that the holder of the secret did not send, or not now.
var ErrSignature = errors.New("events: not signed with the secret, or too old")

// Sign gives the signature of one delivery: the HMAC-SHA256 of id, timestamp and
// body with dots between them. The timestamp in it is what makes a replay
// visible.
func Sign(secret, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key(secret))
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// key is the secret itself, or what it stands for when it is written as Standard
// Webhooks writes secrets: "whsec_" and base64.
func key(secret string) []byte {
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
			return raw
		}
	}
	return []byte(secret)
}

// Verify checks a delivery as a receiver should: the signature over the body's
// bytes as they came, and the timestamp against the clock. It is ErrSignature
// otherwise. Receivers also keep the ids of the last [Tolerance]: an event may
// come more than once.
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(h.Get(HeaderTimestamp), 10, 64)
	at := time.Unix(seconds, 0)
	if err != nil || now.Sub(at).Abs() > Tolerance {
		return ErrSignature
	}
	want := []byte(Sign(secret, h.Get(HeaderID), at, body))
	for given := range strings.FieldsSeq(h.Get(HeaderSignature)) { // several while a secret is changed
		if subtle.ConstantTimeCompare([]byte(given), want) == 1 {
			return nil
		}
	}
	return ErrSignature
}
