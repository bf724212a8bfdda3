package web

import (
	"strconv"
	"strings"
)

// acceptsGzip tells whether an Accept-Encoding header takes gzip, by name or by "*"
// (RFC 9110, section 12.5.3). Without the header the answer is no: identity suits everyone.
func acceptsGzip(header []string) bool {
	accepted, named := false, false
	for _, line := range header {
		for item := range strings.SplitSeq(line, ",") {
			coding, parameters, _ := strings.Cut(item, ";")
			switch coding = strings.ToLower(strings.TrimSpace(coding)); {
			case coding == "gzip" || coding == "x-gzip":
				accepted, named = weight(parameters) > 0, true
			case coding == "*" && !named:
				accepted = weight(parameters) > 0
			}
		}
	}
	return accepted
}

// weight reads a quality value such as "q=0.5" (RFC 9110, section 12.4.2): 1 without one, 0
// where it cannot be read.
func weight(parameters string) float64 {
	value, given := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameters)), "q=")
	if !given {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0
	}
	return q
}

// matches tells whether an If-None-Match header names etag, by the weak comparison that
// RFC 9110, section 13.1.2, prescribes.
func matches(header []string, etag string) bool {
	for _, line := range header {
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
			if item == etag || item == "*" {
				return true
			}
		}
	}
	return false
}
