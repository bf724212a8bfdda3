package faultproxy

import (
	"sync"
	"sync/atomic"
	"time"
)

// Op is one call on its way: an S3 request, or what Postgres is sent between two
// moments at which it waits for its client.
type Op struct {
	// SQL tells statements from S3 requests.
	SQL bool
	// Name is the S3 operation, or the text of the statement.
	Name string
	// Key is the object's key; "" for statements.
	Key string
	// Part is the number of a part; 0 for everything else.
	Part int
}

// Fate is what becomes of a call.
type Fate int

// The fates. Refused: it never reaches the server, and the connection breaks.
// Failed: the same, but the client is answered, by S3's 503; to Postgres it is
// Refused. Lost: it takes effect, and the connection breaks before the answer.
// Gone: S3 says that there is no such multipart upload.
const (
	Passes Fate = iota
	Refused
	Failed
	Lost
	Gone
)

// Judge decides the fate of calls. It is called by many goroutines at once, and
// may wait, which delays the call.
type Judge func(Op) Fate

// Script counts the calls of several proxies together and holds a plan for one
// of them: its n-th. The zero Script lets everything pass.
type Script struct {
	mu    sync.Mutex
	n     int
	at    int
	fate  Fate
	crash bool
	dead  atomic.Bool
	log   []Op
}

// Plan gives the at-th call from now on, counted from 1, a fate. After a crash
// every other call is Refused: to the world, a process that can reach nothing
// any more is a process that has died.
func (s *Script) Plan(at int, fate Fate, crash bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.at, s.fate, s.crash, s.log = 0, at, fate, crash, nil
}

// Judge is the script as a Judge.
func (s *Script) Judge(op Op) Fate {
	if s.dead.Load() {
		return Refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	s.log = append(s.log, op)
	if s.n != s.at {
		return Passes
	}
	if s.crash {
		s.dead.Store(true)
	}
	return s.fate
}

// Crash makes everything from now on Refused.
func (s *Script) Crash() { s.dead.Store(true) }

// Calls lists the calls since the last Plan.
func (s *Script) Calls() []Op {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Op(nil), s.log...)
}

// Happened reports whether the planned call has come.
func (s *Script) Happened() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at > 0 && s.n >= s.at
}

// Slow is a Judge that delays every call.
func Slow(d time.Duration, then Judge) Judge {
	return func(op Op) Fate {
		time.Sleep(d)
		return then(op)
	}
}
