package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
)

// Secret is a value that must not be seen: it prints as *** by every verb, in
// JSON and in logs. [Secret.Reveal] gives the value to the one place that needs it.
type Secret string

const hidden = "***"

// Reveal is the value itself.
func (s Secret) Reveal() string { return string(s) }

// String is "***", or "" for an empty secret, so that one sees whether it is set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format keeps the value out of every fmt verb, %q, %x and %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText keeps the value out of JSON and of everything else that encodes text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps the value out of slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Size is a number of bytes. In the environment it is written 8MiB, 512KiB or
// as a plain number of bytes.
type Size int64

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1},
}

// UnmarshalText reads a size; binary units only, so that 8MB and 8MiB can't be mistaken for each other.
func (s *Size) UnmarshalText(text []byte) error {
	digits, unit := strings.TrimSpace(string(text)), int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(digits, u.suffix); ok {
			digits, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return errors.New("not a size")
	}
	if n > math.MaxInt64/unit {
		return errors.New("a size beyond 8 EiB")
	}
	*s = Size(n * unit)
	return nil
}

// String writes the size in the largest unit that keeps it whole.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 && u.bytes > 1 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// SHA1 says which files get the SHA-1 that FHIR R4's Attachment.hash holds; it
// costs about a third of a large upload's CPU and is optional in FHIR.
type SHA1 string

// The choices: files of one part, every file, none.
const (
	SHA1Small SHA1 = "small"
	SHA1All   SHA1 = "all"
	SHA1Off   SHA1 = "off"
)

// UnmarshalText takes small, all or off.
func (s *SHA1) UnmarshalText(text []byte) error {
	switch v := SHA1(text); v {
	case SHA1Small, SHA1All, SHA1Off:
		*s = v
		return nil
	}
	return errors.New("neither small, all nor off")
}
