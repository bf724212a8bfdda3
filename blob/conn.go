package blob

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
)

// direct makes the connections of a transport take bodies from where they lie.
// It goes by the settings that the transport has now.
func direct(t *http.Transport) {
	dial, settings, patience := t.DialContext, t.TLSClientConfig, t.TLSHandshakeTimeout
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn{c}, nil
	}
	t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		ctx, stop := context.WithTimeout(ctx, patience)
		defer stop()
		s := tls.Client(c, named(settings, addr))
		if err := s.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, err
		}
		return conn{s}, nil
	}
}

// named are the settings for a server that is to prove its name.
func named(settings *tls.Config, addr string) *tls.Config {
	settings = settings.Clone()
	if host, _, err := net.SplitHostPort(addr); err == nil && settings.ServerName == "" {
		settings.ServerName = host
	}
	return settings
}

// conn is a connection to the store. net/http copies a body through a buffer of
// 32 KiB, one system call for each; a body that can write itself is asked to.
type conn struct{ net.Conn }

// ReadFrom implements io.ReaderFrom, of which net/http makes use.
func (c conn) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok && limited.N > 0 {
		if body, ok := limited.R.(io.WriterTo); ok {
			n, err := body.WriteTo(&bounded{c.Conn, limited.N})
			limited.N -= n
			return n, err
		}
	}
	if from, ok := c.Conn.(io.ReaderFrom); ok {
		return from.ReadFrom(r)
	}
	return io.Copy(c.Conn, struct{ io.Reader }{r})
}

// bounded refuses bytes past those that were announced: they would be taken for
// the next request.
type bounded struct {
	io.Writer
	left int64
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		return 0, http.ErrContentLength
	}
	n, err := b.Writer.Write(p)
	b.left -= int64(n)
	return n, err
}
