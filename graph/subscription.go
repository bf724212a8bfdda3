package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
)

type fileEventFields struct{ *resolver }

// FileEvent resolves the fields of FileEvent that cross to other entities.
func (r *resolver) FileEvent() generated.FileEventResolver { return fileEventFields{r} }

// File resolves FileEvent.file.
func (fileEventFields) File(context.Context, *model.FileEvent) (*model.File, error) {
	return nil, notYet()
}

// UploadProgress resolves Subscription.uploadProgress.
func (s subscription) UploadProgress(context.Context, string) (<-chan *model.Upload, error) {
	return nil, notYet()
}

// FileEvents resolves Subscription.fileEvents.
func (s subscription) FileEvents(context.Context, string, *string) (<-chan *model.FileEvent, error) {
	return nil, notYet()
}
