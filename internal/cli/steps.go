package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// steps shows how far work is whose size is a number of things: a bar on a
// terminal, a line now and then in a pipe.
type steps struct {
	what string
	out  io.Writer
	bar  *progressbar.ProgressBar // nil in a pipe
	last time.Time
}

func (p *program) steps(what string) *steps {
	s := &steps{what: what, out: p.err, last: time.Now()}
	if f, ok := p.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return s
}

// step tells that so many are done, of so many; 0 when nobody knows of how many.
func (s *steps) step(done, of int64) {
	if s.bar != nil {
		if of > 0 {
			s.bar.ChangeMax64(of)
		}
		_ = s.bar.Set64(done)
		return
	}
	if time.Since(s.last) < 5*time.Second {
		return
	}
	s.last = time.Now()
	if of > 0 {
		_, _ = fmt.Fprintf(s.out, "%s: %d of %d\n", s.what, done, of)
	} else {
		_, _ = fmt.Fprintf(s.out, "%s: %d\n", s.what, done)
	}
}

func (s *steps) end() {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
}
