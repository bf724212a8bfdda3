package ledger

import (
	"container/list"
	"sync"
	"time"
)

// recentTime is how long the bytes of a scratch object are kept: a client that
// sends the next piece later than that has other things to wait for.
const recentTime = time.Minute

// recent keeps the bytes of scratch objects that were committed a moment ago, in
// memory that spools do not need, so that the part they become costs no reading
// back. It is never more than a copy: a key names its bytes for ever, and what is
// not here is read from S3.
type recent struct {
	mu    sync.Mutex
	byKey map[string]*list.Element
	order list.List // of kept; the oldest is first
	held  int64     // memory
}

type kept struct {
	key   string
	bytes *rope
	end   *time.Timer
}

// keep takes the bytes of a rope over; one that is in a file is left alone.
func (c *recent) keep(key string, r *rope) {
	if r.file != nil || r.size == 0 {
		return
	}
	own := *r
	r.blocks, r.size, r.crc = nil, 0, 0
	k := &kept{key: key, bytes: &own}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil {
		c.byKey = map[string]*list.Element{}
	}
	k.end = time.AfterFunc(recentTime, func() { c.drop(key) })
	c.byKey[key] = c.order.PushBack(k)
	c.held += own.held()
}

// take gives the bytes of an object up; nil when they are not here.
func (c *recent) take(key string) *rope {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return nil
	}
	return c.remove(e)
}

func (c *recent) remove(e *list.Element) *rope {
	k := c.order.Remove(e).(*kept)
	delete(c.byKey, k.key)
	k.end.Stop()
	c.held -= k.bytes.held()
	return k.bytes
}

// drop forgets objects.
func (c *recent) drop(keys ...string) {
	for _, key := range keys {
		if r := c.take(key); r != nil {
			r.free()
		}
	}
}

// memory is how much there is to give back, in bytes.
func (c *recent) memory() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// yield gives memory back for a spool; false when there is none to give.
func (c *recent) yield() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	oldest := c.order.Front()
	if oldest == nil {
		return false
	}
	c.remove(oldest).free()
	return true
}
