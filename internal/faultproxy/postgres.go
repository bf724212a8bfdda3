package faultproxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// Postgres is a proxy for a Postgres server that speaks just enough of its
// protocol (https://www.postgresql.org/docs/15/protocol-message-formats.html) to
// see where one call ends.
type Postgres struct {
	// URL is the connection string to use in place of the server's.
	URL string

	judge    Judge
	dial     func() (net.Conn, error)
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
	vanished atomic.Int64 // how often the server has
	wg       sync.WaitGroup
}

// NewPostgres stands before the server of a connection URL, which may name a
// unix socket.
func NewPostgres(dsn string, judge Judge) (*Postgres, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	network, address := "tcp", u.Host
	q := u.Query()
	if dir := q.Get("host"); strings.HasPrefix(dir, "/") {
		network, address = "unix", dir+"/.s.PGSQL."+q.Get("port")
	}
	p := &Postgres{judge: judge, open: map[net.Conn]bool{}}
	p.dial = func() (net.Conn, error) { return net.Dial(network, address) }
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = p.listener.Addr().String(), q.Encode()
	p.URL = u.String()
	p.wg.Go(p.accept)
	return p, nil
}

// Close ends the proxy and its connections.
func (p *Postgres) Close() {
	_ = p.listener.Close()
	p.Cut()
	p.wg.Wait()
}

// Cut breaks the connections that are open.
func (p *Postgres) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

// Vanish makes the server behind the connections that are open one of which
// nothing is heard any more, as when its machine is gone: they stay open, what is
// sent on them is taken, and nothing comes back. New ones reach the server.
func (p *Postgres) Vanish() { p.vanished.Add(1) }

func (p *Postgres) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c) })
	}
}

func (p *Postgres) track(c net.Conn, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if open {
		p.open[c] = true
	} else {
		delete(p.open, c)
		_ = c.Close()
	}
}

func (p *Postgres) serve(client net.Conn) {
	p.track(client, true)
	defer p.track(client, false)
	server, err := p.dial()
	if err != nil {
		return
	}
	p.track(server, true)
	defer p.track(server, false)
	in := bufio.NewReaderSize(client, 64<<10)
	if err := greet(in, client, server); err != nil {
		return
	}
	born := p.vanished.Load()
	gone := func() bool { return p.vanished.Load() != born }
	c := &pgConn{judge: p.judge, gone: gone, client: client, server: server, in: in, texts: map[string]string{}}
	var back sync.WaitGroup
	back.Go(func() {
		_ = c.answers()
		_, _ = client.Close(), server.Close()
	})
	_ = c.calls()
	_, _ = client.Close(), server.Close()
	back.Wait()
}

// greet passes the startup message on, and declines encryption.
func greet(in *bufio.Reader, client, server net.Conn) error {
	for {
		m, err := body(in)
		if err != nil {
			return err
		}
		if binary.BigEndian.Uint32(m) == 80877103 { // SSLRequest
			if _, err := client.Write([]byte("N")); err != nil {
				return err
			}
			continue
		}
		_, err = server.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(m)+4)), m...))
		return err
	}
}

// body reads a message's length and what follows it.
func body(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(size[:])) - 4
	if n < 0 || n > 1<<30 {
		return nil, errors.New("faultproxy: not a Postgres message")
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

type pgConn struct {
	judge          Judge
	gone           func() bool
	client, server net.Conn
	in             *bufio.Reader
	texts          map[string]string // of prepared statements, by name
	mute           atomic.Bool       // the next answer is the last, and is lost
}

// calls passes what the client sends, one call at a time.
func (c *pgConn) calls() error {
	var call bytes.Buffer
	var name string
	for {
		kind, err := c.in.ReadByte()
		if err != nil {
			return err
		}
		m, err := body(c.in)
		if err != nil {
			return err
		}
		if c.gone() {
			continue
		}
		call.WriteByte(kind)
		_ = binary.Write(&call, binary.BigEndian, uint32(len(m)+4))
		call.Write(m)
		switch kind {
		case 'P': // Parse: name, text
			prepared, rest, _ := bytes.Cut(m, []byte{0})
			text, _, _ := bytes.Cut(rest, []byte{0})
			c.texts[string(prepared)], name = string(text), "prepare "+string(text)
			continue
		case 'B': // Bind: portal, name of a statement; the last one names the call
			_, rest, _ := bytes.Cut(m, []byte{0})
			prepared, _, _ := bytes.Cut(rest, []byte{0})
			name = c.texts[string(prepared)]
			continue
		case 'Q':
			text, _, _ := bytes.Cut(m, []byte{0})
			name = string(text)
		case 'S':
		case 'D', 'E', 'C', 'd', 'c', 'f':
			continue
		default: // a password, goodbye, a wish for what is there so far
			name = ""
		}
		if name != "" {
			switch c.judge(Op{SQL: true, Name: name}) {
			case Refused, Failed, Gone:
				return nil
			case Lost:
				c.mute.Store(true)
			}
		}
		if _, err := c.server.Write(call.Bytes()); err != nil {
			return err
		}
		call.Reset()
	}
}

// answers passes what the server sends, until an answer that is to be lost is
// complete.
func (c *pgConn) answers() error {
	from := bufio.NewReaderSize(c.server, 64<<10)
	out := bufio.NewWriterSize(c.client, 64<<10)
	for {
		kind, err := from.ReadByte()
		if err != nil {
			return err
		}
		m, err := body(from)
		if err != nil {
			return err
		}
		if c.gone() {
			continue
		}
		if c.mute.Load() {
			if kind == 'Z' { // ReadyForQuery
				return nil
			}
			continue
		}
		_ = out.WriteByte(kind)
		_ = binary.Write(out, binary.BigEndian, uint32(len(m)+4))
		_, _ = out.Write(m)
		if from.Buffered() == 0 || kind == 'Z' {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}
