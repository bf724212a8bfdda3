package faultproxy

import (
	"net"
	"sync"
)

// TCP is a proxy that cuts connections after so many bytes.
type TCP struct {
	// Addr is where it listens, host and port.
	Addr string

	target   string
	limits   func() (up, down int64)
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
	wg       sync.WaitGroup
}

// NewTCP stands before target. limits is asked for each connection how many
// bytes may pass towards the target and back before it breaks; a negative number
// is no limit.
func NewTCP(target string, limits func() (up, down int64)) (*TCP, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &TCP{Addr: l.Addr().String(), target: target, limits: limits, listener: l, open: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	return p, nil
}

// Close ends the proxy and its connections.
func (p *TCP) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *TCP) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.open[client], p.open[server] = true, true
	p.mu.Unlock()
	up, down := p.limits()
	end := sync.OnceFunc(func() {
		if c, ok := client.(*net.TCPConn); ok {
			_ = c.SetLinger(0) // a reset, as when a phone leaves its network
		}
		_, _ = client.Close(), server.Close()
	})
	var both sync.WaitGroup
	both.Go(func() { defer end(); pass(server, client, up) })
	both.Go(func() { defer end(); pass(client, server, down) })
	both.Wait()
	p.mu.Lock()
	delete(p.open, client)
	delete(p.open, server)
	p.mu.Unlock()
}

// pass copies up to limit bytes.
func pass(to, from net.Conn, limit int64) {
	buf := make([]byte, 32<<10)
	for limit != 0 {
		room := buf
		if limit > 0 {
			room = buf[:min(int64(len(buf)), limit)]
		}
		n, err := from.Read(room)
		if n > 0 {
			if _, err := to.Write(room[:n]); err != nil {
				return
			}
			if limit > 0 {
				limit -= int64(n)
			}
		}
		if err != nil {
			return
		}
	}
}
