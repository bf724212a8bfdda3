package records

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/events"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/signing"
	"github.com/bonfiredb/bonfire/store"
)

// Options are what the verbs stand on. All but the last group are required.
type Options struct {
	Store  *store.DB
	Gate   *policy.Engine
	Bucket *blob.Bucket
	Ledger *ledger.Engine

	// PublicURL is where callers reach this server; gated links hang under it.
	PublicURL string
	// LinkTTL and LinkTTLMax are the life of a link by default (300 s) and at most (900 s).
	LinkTTL, LinkTTLMax time.Duration
	// UploadTTL is the sliding life of an unfinished upload; default 7 days.
	UploadTTL time.Duration
	// MemberTime is how long who sends an upload is believed to be who our rows
	// said (5 s): a recorder sends several requests a second, and one request can
	// last for hours. The gate is asked with fresh rows when the record is made.
	MemberTime time.Duration
	// AuditRetention is how long the anchors of the audit trail's seals are locked;
	// default DefaultAuditRetention.
	AuditRetention time.Duration
	// Keys seal signed notes; without any, notes are not signed here.
	Keys *signing.Keys
	// Kinds is the registry; nil takes clinical.DefaultKinds.
	Kinds []clinical.FileKind
	Now   func() time.Time
	Log   *slog.Logger
}

// Records offers the verbs. Safe for concurrent use.
type Records struct {
	Options
	kinds   registries
	members *memberCache
	nudge   chan struct{}
	hub     events.Hub
	drift   atomic.Pointer[DriftReport]
}

// New makes the verbs.
func New(o Options) *Records {
	def(&o.LinkTTL, 300*time.Second)
	def(&o.LinkTTLMax, 900*time.Second)
	def(&o.UploadTTL, 7*24*time.Hour)
	def(&o.MemberTime, 5*time.Second)
	def(&o.AuditRetention, DefaultAuditRetention)
	if o.Kinds == nil {
		o.Kinds = clinical.DefaultKinds()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Records{Options: o, kinds: registries{seen: map[clinical.TenantID]registry{}}, members: newMemberCache(o.Store), nudge: make(chan struct{}, 1)}
	return r
}

func def(v *time.Duration, d time.Duration) {
	if *v == 0 {
		*v = d
	}
}
