package fhirapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/records"
)

// readers read one resource of a type by its id: every type that is referred to.
var readers = map[string]func(*facade, *request, string) (fhir.Resource, error){
	"DocumentReference": (*facade).document,
	"Media":             (*facade).document,
	"Binary":            (*facade).binary,
	"Practitioner":      (*facade).principal,
	"Device":            (*facade).principal,
	"Organization": func(f *facade, r *request, id string) (fhir.Resource, error) {
		name, err := f.Records.Organization(r.Context(), r.actor, clinical.TenantID(id))
		return rendered(name, err, func(name string) fhir.Resource { return f.FHIR.Organization(clinical.TenantID(id), name) })
	},
	"Patient": func(f *facade, r *request, id string) (fhir.Resource, error) {
		p, err := f.Records.Patient(r.Context(), r.actor, clinical.PatientID(id))
		return rendered(p, err, func(p clinical.Patient) fhir.Resource { return f.FHIR.Patient(p) })
	},
	"Encounter": func(f *facade, r *request, id string) (fhir.Resource, error) {
		e, err := f.Records.Encounter(r.Context(), r.actor, clinical.EncounterID(id))
		return rendered(e, err, func(e clinical.Encounter) fhir.Resource { return f.FHIR.Encounter(e) })
	},
	"Provenance": func(f *facade, r *request, id string) (fhir.Resource, error) {
		p, err := f.Records.ProvenanceEntry(r.Context(), r.actor, clinical.ProvenanceID(id))
		return rendered(p, err, func(p clinical.Provenance) fhir.Resource { return f.FHIR.Provenance(p) })
	},
	"AuditEvent": func(f *facade, r *request, id string) (fhir.Resource, error) {
		e, err := f.Records.AuditEvent(r.Context(), r.actor, clinical.AuditEventID(id))
		return rendered(e, err, func(e clinical.AuditEvent) fhir.Resource { return f.FHIR.AuditEvent(e) })
	},
}

func rendered[N any](noun N, err error, as func(N) fhir.Resource) (fhir.Resource, error) {
	if err != nil {
		return nil, err
	}
	return as(noun), nil
}

func (f *facade) document(r *request, id string) (fhir.Resource, error) {
	chart, err := f.Records.Document(r.Context(), r.actor, id)
	return rendered(chart, err, func(c clinical.Chart) fhir.Resource { return f.FHIR.Document(c, c.Documents[0]) })
}

// binary is the Binary of any file; a note has none, its text is inline.
func (f *facade) binary(r *request, id string) (fhir.Resource, error) {
	file, err := f.Records.File(r.Context(), r.actor, clinical.FileID(id))
	return rendered(file, err, func(file clinical.File) fhir.Resource { return f.FHIR.FileBinary(file) })
}

func (f *facade) principal(r *request, id string) (fhir.Resource, error) {
	if server := f.FHIR.ServerDevice(); id == server.ID {
		return server, nil
	}
	a, err := f.Records.Principal(r.Context(), r.actor, clinical.ActorID(id))
	return rendered(a, err, f.FHIR.Principal)
}

// read answers one resource, or sends on to its bytes.
func (f *facade) read(r *request, resourceType, id string) error {
	if err := r.rest(); err != nil {
		return err
	}
	if r.native && r.Method == http.MethodGet {
		return f.bytes(r, id)
	}
	res, err := f.find(r, resourceType, id)
	if err != nil {
		return err
	}
	return f.write(r, res)
}

// readVersion answers one version: of a note any that there was, of everything
// else the one that stands now, for earlier ones of a file's description are not kept.
func (f *facade) readVersion(r *request, resourceType, id, version string) error {
	if err := r.rest(); err != nil {
		return err
	}
	res, err := f.find(r, resourceType, id)
	if err != nil {
		return err
	}
	if m := res.Header(); m == nil || m.VersionID != version {
		if res, err = f.noteVersion(r, resourceType, id, version); err != nil {
			return err
		}
	}
	return f.write(r, res)
}

// noteVersion is an earlier version of a note, as it stood.
func (f *facade) noteVersion(r *request, resourceType, id, version string) (fhir.Resource, error) {
	if resourceType != string(clinical.DocumentReference) {
		return nil, clinical.Missing()
	}
	n, err := f.Records.Note(r.Context(), r.actor, clinical.NoteID(id))
	if err != nil {
		return nil, err
	}
	versions, err := f.Records.NoteVersions(r.Context(), r.actor, n.ID)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if strconv.Itoa(v.Version) == version {
			was := n.AsOf(v)
			return f.FHIR.Note(was, was.SourceRefs()), nil
		}
	}
	return nil, clinical.Missing()
}

// find reads a resource of exactly this type.
func (f *facade) find(r *request, resourceType, id string) (fhir.Resource, error) {
	res, err := readers[resourceType](f, r, id)
	if err != nil {
		return nil, err
	}
	if got, _ := res.Key(); got != resourceType {
		return nil, clinical.Missing()
	}
	return res, nil
}

// bytes redirects to a signed URL of the bucket: decided and on the trail before
// there is one (P5), and never through this server (P7).
func (f *facade) bytes(r *request, id string) error {
	link, err := f.Records.SignedURL(r.Context(), r.actor, records.SignedURL{Document: id, FilesOnly: true})
	if failure := clinical.AsFailure(err); failure != nil {
		return failure.WithField("")
	}
	if err != nil {
		return err
	}
	r.w.Header().Set("Location", link.URL)
	r.w.WriteHeader(http.StatusFound)
	return nil
}

// write answers a resource, or that the client has it already
// (http://hl7.org/fhir/R4/http.html#cread).
func (f *facade) write(r *request, res fhir.Resource) error {
	if err := r.rest(); err != nil {
		return err
	}
	if r.summary == fhir.SummaryCount {
		return clinical.Bad("_summary", "only what a search finds is counted")
	}
	if m := res.Header(); m != nil {
		tag := `W/"` + m.VersionID + `"`
		r.w.Header().Set("ETag", tag)
		if m.LastUpdated != nil {
			r.w.Header().Set("Last-Modified", m.LastUpdated.UTC().Format(http.TimeFormat))
		}
		if r.has(tag, m.LastUpdated) {
			r.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	r.w.Header().Set("Content-Type", mediaType)
	body, err := fhir.Marshal(fhir.Summarize(res, r.summary))
	if err != nil {
		return err
	}
	_, _ = r.w.Write(body) // the client has gone
	return nil
}

// has reports whether the client has this version (RFC 9110 section 13.1): the
// tag decides where one is given, the time otherwise.
func (r *request) has(tag string, updated *time.Time) bool {
	if values := r.Header.Values("If-None-Match"); len(values) > 0 {
		for _, one := range strings.Split(strings.Join(values, ","), ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && updated != nil && !updated.Truncate(time.Second).After(since)
}
