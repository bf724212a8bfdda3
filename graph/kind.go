package graph

import (
	"context"
	"math"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Kinds resolves Query.kinds: the registry of the caller's tenant.
func (q query) Kinds(ctx context.Context) ([]*model.Kind, error) {
	kinds, err := q.records.Kinds(ctx, auth.Actor(ctx))
	if err != nil {
		return nil, err
	}
	out := make([]*model.Kind, 0, len(kinds))
	for _, k := range kinds {
		out = append(out, kindOf(k))
	}
	return out, nil
}

// SetKind resolves Mutation.setKind.
func (m mutation) SetKind(ctx context.Context, in model.SetKindInput) (*model.SetKindPayload, error) {
	k, err := m.records.SetKind(ctx, auth.Actor(ctx), clinical.FileKind{
		Code: in.Code, Display: in.Display, Resource: deref(in.ResourceType), Category: in.Category, ContentTypes: in.ContentTypes,
		MaxSize: in.MaxSize, RequiresEncounter: in.RequiresEncounter, AllowEmpty: in.AllowEmpty, Scan: in.Scan, Mismatch: in.Mismatch,
		Retention: duration(in.RetentionSeconds), PurgeSigned: in.PurgeSigned, UploadTTL: duration(in.UploadTTLSeconds),
		Type: codingOf(in.Type), CategoryCoding: codingOf(in.CategoryCoding), Modality: codingOf(in.Modality),
	})
	return translated(k, err, setKindPayload)
}

// RetireKind resolves Mutation.retireKind.
func (m mutation) RetireKind(ctx context.Context, in model.RetireKindInput) (*model.SetKindPayload, error) {
	k, err := m.records.RetireKind(ctx, auth.Actor(ctx), in.Code)
	return translated(k, err, setKindPayload)
}

func setKindPayload(k clinical.TenantKind) *model.SetKindPayload {
	return &model.SetKindPayload{Kind: kindOf(k.FileKind), Version: k.Version}
}

func kindOf(k clinical.FileKind) *model.Kind {
	return &model.Kind{
		Code: k.Code, Display: k.Display, ResourceType: k.ResourceFor(k.Category), ResourceByCategory: k.Resource == "",
		Category: k.Category, ContentTypes: k.ContentTypes, MaxSize: k.MaxSize, RequiresEncounter: k.RequiresEncounter,
		AllowEmpty: k.AllowEmpty, Scan: k.Scan, Mismatch: k.Mismatch, PurgeSigned: k.PurgeSigned,
		RetentionSeconds: seconds(k.Retention), UploadTTLSeconds: seconds(k.UploadTTL),
		Type: fhirCoding(k.Type), CategoryCoding: fhirCoding(k.CategoryCoding), Modality: fhirCoding(k.Modality),
	}
}

// duration is a number of seconds; what overflows is as wrong as a negative one.
func duration(seconds *int64) time.Duration {
	const most = int64(math.MaxInt64 / time.Second)
	if s := deref(seconds); s <= most && s >= 0 {
		return time.Duration(s) * time.Second
	}
	return -1
}

func seconds(d time.Duration) *int64 { return optional(int64(d / time.Second)) }

func codingOf(in *model.CodingInput) *clinical.Coding {
	if in == nil {
		return nil
	}
	return &clinical.Coding{System: in.System, Code: in.Code, Display: deref(in.Display)}
}

func fhirCoding(c *clinical.Coding) *fhir.Coding {
	if c == nil {
		return nil
	}
	return &fhir.Coding{System: c.System, Code: c.Code, Display: c.Display}
}
