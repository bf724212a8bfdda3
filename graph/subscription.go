package graph

import (
	"context"
	"strings"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

type fileEventFields struct{ *resolver }

// FileEvent resolves the fields of FileEvent that cross to other entities.
func (r *resolver) FileEvent() generated.FileEventResolver { return fileEventFields{r} }

// File resolves FileEvent.file: as it stands now, which may be later than the event.
func (fileEventFields) File(ctx context.Context, e *model.FileEvent) (*model.File, error) {
	return loadFile(ctx, e.FileID)
}

// UploadProgress resolves Subscription.uploadProgress.
func (s subscription) UploadProgress(ctx context.Context, id string) (<-chan *model.Upload, error) {
	return follow(ctx, s.records.WatchUpload(ctx, auth.Actor(ctx), clinical.UploadID(id)), uploadOf), nil
}

// FileEvents resolves Subscription.fileEvents.
func (s subscription) FileEvents(ctx context.Context, patient string, after *string) (<-chan *model.FileEvent, error) {
	return follow(ctx, s.records.WatchFiles(ctx, auth.Actor(ctx), clinical.PatientID(patient), after), fileEventOf), nil
}

func fileEventOf(c records.FileChange) *model.FileEvent {
	return &model.FileEvent{Cursor: c.Cursor, Type: fileEventType(c.Type), At: c.At, FileID: c.File}
}

// fileEventType is the event's type as the schema names it; what it does not
// name is a change all the same.
func fileEventType(code string) model.FileEventType {
	_, what, _ := strings.Cut(code, ".")
	if t := model.FileEventType(strings.ToUpper(what)); t.IsValid() {
		return t
	}
	return model.FileEventTypeUpdated
}
