package uploads

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// A far S3: each connection carries 20 MB/s, and answers take 30 ms longer.
const (
	farRate  = 20e6
	farDelay = 30 * time.Millisecond
)

// network is a stretch of network in front of a server: it counts what passes,
// and may be slow.
type network struct {
	addr     string
	rate     float64 // bytes per second and connection towards the server; 0 is no bound
	delay    time.Duration
	up, down atomic.Int64
}

func newNetwork(b *testing.B, target string, rate float64, delay time.Duration) *network {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	n := &network{addr: l.Addr().String(), rate: rate, delay: delay}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go n.carry(c, target)
		}
	}()
	return n
}

func (n *network) carry(client net.Conn, target string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if n.rate > 0 { // else the kernel's buffers would take a part at once
		_ = client.(*net.TCPConn).SetReadBuffer(256 << 10)
	}
	go func() {
		n.forth(server, client)
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	n.back(client, server)
}

// forth carries bytes at the rate of the stretch.
func (n *network) forth(to io.Writer, from io.Reader) {
	buf := make([]byte, 64<<10)
	var free time.Time // when what was sent before has passed
	for {
		k, err := from.Read(buf)
		n.up.Add(int64(k))
		if n.rate > 0 {
			if now := time.Now(); free.Before(now) {
				free = now
			}
			free = free.Add(time.Duration(float64(k) / n.rate * float64(time.Second)))
			time.Sleep(time.Until(free))
		}
		if _, werr := to.Write(buf[:k]); werr != nil || err != nil {
			return
		}
	}
}

// back carries answers, each piece so much later.
func (n *network) back(to io.Writer, from io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		k, err := from.Read(buf)
		n.down.Add(int64(k))
		time.Sleep(n.delay)
		if _, werr := to.Write(buf[:k]); werr != nil || err != nil {
			return
		}
	}
}
