package graph

import (
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/records"
)

// resolver is the root of all resolvers; the files named after nouns hold
// them. A resolver reads the actor from the context, calls one verb with it
// and translates what comes back.
type resolver struct {
	records   *records.Records
	fhir      fhir.Renderer
	publicURL string
	chunkSize int64 // bytes
}

type (
	query        struct{ *resolver }
	mutation     struct{ *resolver }
	subscription struct{ *resolver }
)

// Query resolves the root fields that read.
func (r *resolver) Query() generated.QueryResolver { return query{r} }

// Mutation resolves the root fields that write.
func (r *resolver) Mutation() generated.MutationResolver { return mutation{r} }

// Subscription resolves the root fields that go on.
func (r *resolver) Subscription() generated.SubscriptionResolver { return subscription{r} }

// translated gives a verb's noun as the schema shows it, or its failure.
func translated[N, M any](noun N, err error, as func(N) *M) (*M, error) {
	if err != nil {
		return nil, err
	}
	return as(noun), nil
}
