package store

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// answerTime is how long a server may take to say what it knows at once.
const answerTime = 5 * time.Second

// answered makes connections fail whose server says nothing for as long as
// patience while it is waited for. A server ends a statement that runs too long
// by itself, and says so: of one that does not, the machine is gone, and the
// kernel would take a quarter of an hour to say that.
func answered(conf *pgx.ConnConfig, patience time.Duration) {
	dial := conf.DialFunc
	conf.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &impatient{Conn: c, patience: patience}, nil
	}
}

// impatient is a connection that waits so long for each piece of an answer, and
// shorter where pgx says so.
type impatient struct {
	net.Conn
	patience time.Duration

	mu   sync.Mutex
	told bool // a deadline is set by pgx
}

// Read implements net.Conn.
func (c *impatient) Read(p []byte) (int, error) {
	c.mu.Lock()
	if !c.told {
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.patience)) // of a closed one, Read tells
	}
	c.mu.Unlock()
	return c.Conn.Read(p)
}

// SetDeadline implements net.Conn.
func (c *impatient) SetDeadline(t time.Time) error { return c.tell(c.Conn.SetDeadline, t) }

// SetReadDeadline implements net.Conn.
func (c *impatient) SetReadDeadline(t time.Time) error { return c.tell(c.Conn.SetReadDeadline, t) }

func (c *impatient) tell(set func(time.Time) error, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = !t.IsZero()
	return set(t)
}
