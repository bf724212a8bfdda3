package fhirapi

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

// The names of the one format there is, as Accept and _format spell it
// (http://hl7.org/fhir/R4/http.html#mime-type).
var formats = map[string]bool{
	mediaType: true, "application/json": true, "application/json+fhir": true, "text/json": true, "json": true,
}

// notAcceptable is the answer to who takes no JSON.
func notAcceptable() error {
	return status{http.StatusNotAcceptable, clinical.Fail(clinical.Unsupported, "only application/fhir+json is spoken here", nil)}
}

// negotiate decides on the form of the answer. _format outranks Accept. Of a
// Binary, every type that is not FHIR's asks for the bytes.
func (r *request) negotiate(binary bool) error {
	asked, err := parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	r.asked = asked
	if err := r.summarized(); err != nil {
		return err
	}
	if format, ok := r.asked.take("_format"); ok {
		format = strings.ReplaceAll(format, " ", "+") // a "+" that was not escaped
		if base, _, err := mime.ParseMediaType(format); err == nil {
			format = base
		}
		if !formats[format] {
			return notAcceptable()
		}
		r.asked.used.Set("_format", "json") // the next page is asked for in the same way
		return nil
	}
	fhirType, any, other := accepted(r.Header.Values("Accept"))
	switch {
	case binary:
		r.native = !fhirType && (any || !other || !xml(r.Header.Values("Accept")))
		if !fhirType && !r.native {
			return notAcceptable()
		}
	case !fhirType && !any && other:
		return notAcceptable()
	}
	return nil
}

// summarized takes _summary, which the next page is asked for with, too.
func (r *request) summarized() error {
	summary, err := r.asked.one("_summary")
	r.summary = fhir.Summary(summary)
	if err == nil && summary != "" && !r.summary.Valid() {
		err = clinical.Bad("_summary", "is true, text, data, count or false")
	}
	return err
}

// accepted reports whether Accept names FHIR's JSON, or any type at all, or
// something else. No header at all is any type. What has q=0 is not accepted.
func accepted(headers []string) (fhirType, any, other bool) {
	value := strings.Join(headers, ",")
	if strings.TrimSpace(value) == "" {
		return false, true, false
	}
	for _, one := range strings.Split(value, ",") {
		base, params, err := mime.ParseMediaType(one)
		if q, bad := strconv.ParseFloat(params["q"], 64); err != nil || bad == nil && q == 0 {
			other = true
			continue
		}
		switch {
		case formats[base] && fits(params["fhirversion"]):
			fhirType = true
		case base == "*/*" || base == "application/*":
			any = true
		default:
			other = true
		}
	}
	return fhirType, any, other
}

// fits reports whether a fhirVersion parameter allows R4.
func fits(version string) bool { return version == "" || version == "4.0" || version == "4.0.1" }

// xml reports whether a FHIR format is asked for that is not spoken here.
func xml(headers []string) bool {
	value := strings.Join(headers, ",")
	return strings.Contains(value, "fhir+xml") || strings.Contains(value, "fhir+turtle")
}
