package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/graph/model"
)

// Bundle resolves Query.bundle: one page of a patient's FHIR Bundle.
func (q query) Bundle(context.Context, string, int, *string, *model.BundleFilter) (*model.BundlePage, error) {
	return nil, notYet()
}
