package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

const (
	mib = 1 << 20
	// minPart is S3's floor for a part that is not the last one
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
	minPart = 5 * mib
	// maxPart is S3's ceiling.
	maxPart = 5 << 30
	// lastPart is S3's highest part number; maxParts leaves room below it for
	// numbers that were reserved and never used.
	lastPart = 10000
	maxParts = 9000
	// tailMax: smaller pieces are rows, larger ones scratch objects. Above it
	// Postgres would become the store of the bytes.
	tailMax = 256 << 10
	// SniffLen is what content detection looks at.
	SniffLen = 3072
	// maxStreams bounds the parts of all uploads that are on their way to S3
	// while they arrive, at the pace of their clients.
	maxStreams = 16
	// awayTime is how long S3 is left alone after it did not answer.
	awayTime = 5 * time.Second
)

// Options are what an Engine needs; zero durations and sizes take defaults.
type Options struct {
	Store  *store.DB
	Bucket *blob.Bucket
	Budget *Budget
	// PartSize is the usual size of an S3 part, at least 5 MiB; default 8 MiB.
	PartSize int64
	// InFlight bounds the parts of one upload on their way to S3, the one that
	// still arrives included; default 6.
	InFlight int
	// Flushes bounds the requests that carry bytes to S3, of all uploads together; default 32.
	Flushes int64
	// OutageTail bounds what an upload may keep in Postgres while S3 is away; default 32 MiB.
	OutageTail int64
	// LeaseLife, Heartbeat and Patience: how long a silent writer is believed
	// (15 s), how often it speaks (5 s), how long a newcomer waits for it (15 s).
	LeaseLife, Heartbeat, Patience time.Duration
	SHA1                           SHA1
	Now                            func() time.Time
	Log                            *slog.Logger
}

// Engine moves bytes. One per process; safe for concurrent use.
type Engine struct {
	o       Options
	flushes *semaphore.Weighted
	streams *semaphore.Weighted // parts that are sent while they arrive
	// untrailed: the store takes no checksum after the bytes.
	untrailed atomic.Bool
	began     time.Time    // awayUntil counts from here
	back      atomic.Int64 // when S3 is tried again, in nanoseconds since began
	litter    litter
	mu        sync.Mutex
	held      map[clinical.UploadID]*Session
}

// New makes an Engine.
func New(o Options) *Engine {
	fill(&o.PartSize, 8*mib)
	fill(&o.InFlight, 6)
	fill(&o.Flushes, 32)
	fill(&o.OutageTail, 32*mib)
	fill(&o.LeaseLife, 15*time.Second)
	fill(&o.Heartbeat, 5*time.Second)
	fill(&o.Patience, 15*time.Second)
	fill(&o.SHA1, SHA1Small)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.PartSize = max(o.PartSize, minPart)
	return &Engine{
		o: o, flushes: semaphore.NewWeighted(o.Flushes), streams: semaphore.NewWeighted(maxStreams), began: time.Now(),
		held: map[clinical.UploadID]*Session{},
	}
}

func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// enough is the share of a part's size that is enough to send it as one, when a
// client's requests end between the sizes: 5/8, which is S3's floor of 5 MiB in
// 8 MiB.
func enough(size int64) int64 { return max(minPart, size*5/8) }

// partSize is how large the parts of an upload are, so that its largest
// permitted size fits into S3's 10,000 parts even where each is just enough.
func (e *Engine) partSize(u clinical.Upload) int64 {
	size := e.o.PartSize
	if need := (most(u)/maxParts + 1) * 8 / 5; need > size {
		size = (need + mib - 1) / mib * mib
	}
	return size
}

// most is the largest size that an upload can come to.
func most(u clinical.Upload) int64 {
	if u.Length != nil {
		return *u.Length
	}
	return u.MaxSize
}

// wantsSHA1 reports whether SHA-1 is computed for a file that has reached size bytes.
func (e *Engine) wantsSHA1(u clinical.Upload, reached int64) bool {
	switch e.o.SHA1 {
	case SHA1All:
		return true
	case SHA1Off:
		return false
	}
	limit := e.partSize(u)
	return reached <= limit && (u.Length == nil || *u.Length <= limit)
}

// away reports whether S3 did not answer a moment ago. Until it is tried again,
// small amounts wait in Postgres without asking it: a recorder should not wait
// for S3's timeouts with every sentence.
func (e *Engine) away() bool { return e.back.Load() > int64(time.Since(e.began)) }

// noted remembers how a request to S3 ended.
func (e *Engine) noted(err error) {
	switch {
	case err == nil:
		e.back.Store(0)
	case blob.Transient(err):
		e.back.Store(int64(time.Since(e.began) + awayTime))
	}
}

// nonce is a random lease number. Not a counter: a counter restored after a
// crash of the database could be handed out twice.
func nonce() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:])>>1) | 1
}
