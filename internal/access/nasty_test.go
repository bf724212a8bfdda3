package access_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/fhir"
)

// secret stands in every id that is sent: it is nobody's to log.
const secret = "zebra"

// nastyIDs are what people try for an id.
func nastyIDs() map[string]string {
	return map[string]string{
		"SQL": secret + "' OR '1'='1", "more SQL": "'; DROP TABLE patient; --" + secret, "Unicode": "０0000000-0000-7000-8000-000000000101" + secret,
		"right to left": "\u202e101" + secret, "a zero byte": secret + "\x00b", "a line break": secret + "\r\nX-Evil: 1", "a path": "../../patient/" + secret,
		"10 kB": strings.Repeat(secret, 2_000), "10 kB of Unicode": strings.Repeat("中", 3_300) + secret, "broken UTF-8": secret + "\xff\xfe",
	}
}

// P4: whatever is sent for an id at the facade, to the upload protocol or as the
// token of a link is answered like an id that names nothing: never a fault of
// ours, and nothing of it is logged or answered.
func TestP4_NastyIDsAtTheOtherDoors(t *testing.T) {
	w := newWorld(t)
	clinician := w.as("clinician")
	posting := func(name string) func(id string) answer {
		return func(id string) answer {
			fields := map[string]string{"patientId": string(charts("clinician")[onPanel].patient), "kind": "intake-form", "filetype": "application/pdf", name: id}
			var pairs []string
			for k, v := range fields {
				pairs = append(pairs, k, v)
			}
			return w.tus(clinician, http.MethodPost, "/uploads/", "Upload-Length", "5", "Upload-Metadata", metadata(pairs...))
		}
	}
	doors := map[string]func(id string) answer{
		"tus POST patientId": posting("patientId"), "tus POST encounterId": posting("encounterId"),
		"GET /links/{token}":         func(id string) answer { return w.send(http.MethodGet, "/links/"+url.PathEscape(id), "") },
		"GET /links/{tenant.secret}": func(id string) answer { return w.send(http.MethodGet, "/links/harbor-clinic."+url.PathEscape(id), "") },
		"$everything":                func(id string) answer { return w.fhirGet(clinician, "Patient/"+url.PathEscape(id)+"/$everything") },
	}
	for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete} {
		doors["tus "+method] = func(id string) answer {
			return w.tus(clinician, method, "/uploads/"+url.PathEscape(id), "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
		}
	}
	for _, resource := range fhir.ResourceTypes() {
		doors["FHIR read "+resource] = func(id string) answer { return w.fhirGet(clinician, resource+"/"+url.PathEscape(id)) }
		doors["FHIR version "+resource] = func(id string) answer { return w.fhirGet(clinician, resource+"/"+url.PathEscape(id)+"/_history/1") }
		for _, p := range fhir.SearchParameters(resource) {
			if p.Type == "reference" || p.Name == "_id" {
				doors["FHIR search "+resource+"?"+p.Name] = func(id string) answer { // in a list of ids, too
					more := ""
					if p.Name == "_id" {
						more = fresh[string]() + ","
					}
					return w.fhirGet(clinician, resource+"?"+url.Values{p.Name: {more + id}}.Encode())
				}
			}
		}
	}
	for door, try := range doors {
		missing := try(fresh[string]())
		for name, id := range nastyIDs() {
			if a := try(id); a.status >= 500 || a.status != missing.status && a.status/100 != 4 {
				t.Errorf("%s, %s: %d %.300s, and %d for one that names nothing", door, name, a.status, a.body, missing.status)
			} else if strings.Contains(a.body, secret) && !strings.Contains(door, "search") { // a search repeats what it was asked: FHIR R4, section 3.1.1.6
				t.Errorf("%s, %s: the answer repeats it: %.300s", door, name, a.body)
			}
		}
	}
	if log := w.log.String(); strings.Contains(log, secret) || !strings.Contains(log, "/uploads/") {
		t.Errorf("it is logged: %.600s", log[max(0, strings.Index(log, secret)-300):])
	}
}
