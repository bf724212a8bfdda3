package uploads_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// stalled is a PATCH under way whose body the test sends piece by piece.
type stalled struct {
	s    *server
	conn net.Conn
	req  *http.Request
}

// stall begins a PATCH of chunked length, sends the first piece and waits until
// the server has it.
func (s *server) stall(to string, first []byte, more ...string) *stalled {
	s.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	h := map[string]string{
		"Host": u.Host, "Tus-Resumable": "1.0.0", "Test-As": "clinician", "Upload-Offset": "0",
		"Content-Type": "application/offset+octet-stream", "Transfer-Encoding": "chunked",
	}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	var head strings.Builder
	fmt.Fprintf(&head, "PATCH %s HTTP/1.1\r\n", u.Path)
	for k, v := range h {
		if v != "" {
			fmt.Fprintf(&head, "%s: %s\r\n", k, v)
		}
	}
	p := &stalled{s: s, conn: conn, req: &http.Request{Method: http.MethodPatch, URL: u}}
	p.write([]byte(head.String() + "\r\n"))
	p.send(first)
	s.held(to)
	return p
}

// held waits until somebody holds the upload.
func (s *server) held(to string) {
	s.t.Helper()
	id := to[strings.LastIndex(to, "/")+1:]
	for end := time.Now().Add(10 * time.Second); s.one(`SELECT lease IS NOT NULL AND lease_until > now() FROM upload WHERE id = $1`, id) != "true"; {
		if time.Now().After(end) {
			s.t.Fatal("nobody holds the upload")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (p *stalled) write(b []byte) {
	p.s.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.s.t.Fatal(err)
	}
}

// send sends one more piece.
func (p *stalled) send(b []byte) {
	p.s.t.Helper()
	if len(b) > 0 {
		p.write([]byte(fmt.Sprintf("%x\r\n%s\r\n", len(b), b)))
	}
}

// end ends the body and gives the answer.
func (p *stalled) end() answer {
	p.s.t.Helper()
	p.write([]byte("0\r\n\r\n"))
	return p.answer()
}

// answer waits for the server's answer.
func (p *stalled) answer() answer {
	p.s.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(p.conn), p.req)
	if err != nil {
		p.s.t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	a := answer{res, string(b)}
	p.s.wantDiscreet(a)
	return a
}

// cut breaks the connection off.
func (p *stalled) cut() { _ = p.conn.Close() }
