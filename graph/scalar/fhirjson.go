package scalar

import (
	"encoding/json"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
)

// MarshalFhirJSON writes a resource as it was rendered, byte for byte:
// decimals keep their digits (http://hl7.org/fhir/R4/json.html#primitive).
func MarshalFhirJSON(resource json.RawMessage) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(resource) })
}

// UnmarshalFhirJSON refuses: no field of the API takes a resource.
func UnmarshalFhirJSON(any) (json.RawMessage, error) {
	return nil, clinical.Fail(clinical.Invalid, "FHIR JSON is not taken as input", nil)
}
