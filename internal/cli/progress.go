package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/bonfiredb/bonfire/internal/sender"
)

// progress shows how an upload goes: a bar on a terminal, a line now and then in a pipe.
type progress interface {
	watch() sender.Watch
	end()
}

func (p *program) progress() progress {
	if f, ok := p.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &bar{out: f}
	}
	return &lines{out: p.err, every: 5 * time.Second}
}

// bar is for people.
type bar struct {
	out io.Writer
	bar *progressbar.ProgressBar
}

func (b *bar) watch() sender.Watch {
	return sender.Watch{
		Begin: func(total int64, resumed bool) {
			b.end()
			what := "sending"
			if resumed {
				what = "going on"
			}
			b.bar = progressbar.NewOptions64(total,
				progressbar.OptionSetWriter(b.out), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true),
				progressbar.OptionUseIECUnits(true), progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionSpinnerType(14), progressbar.OptionClearOnFinish())
		},
		Progress: func(sent int64) { _ = b.bar.Set64(sent) },
		Trouble: func(err error, wait time.Duration) {
			b.bar.Describe(fmt.Sprintf("waiting %s (%v)", wait.Round(time.Second), err))
		},
	}
}

func (b *bar) end() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

// lines are for logs.
type lines struct {
	out   io.Writer
	every time.Duration
	total int64
	last  time.Time
}

func (l *lines) watch() sender.Watch {
	return sender.Watch{
		Begin: func(total int64, resumed bool) {
			l.total, l.last = total, time.Now()
			switch {
			case resumed:
				l.say("going on with an upload of %s", iec(total))
			case total < 0:
				l.say("sending a stream")
			default:
				l.say("sending %s", iec(total))
			}
		},
		Progress: func(sent int64) {
			if time.Since(l.last) < l.every {
				return
			}
			l.last = time.Now()
			if l.total > 0 {
				l.say("sent %s of %s (%d%%)", iec(sent), iec(l.total), sent*100/l.total)
			} else {
				l.say("sent %s", iec(sent))
			}
		},
		Trouble: func(err error, wait time.Duration) {
			l.say("%v; trying again in %s", err, wait.Round(time.Millisecond))
		},
	}
}

func (l *lines) say(format string, args ...any) { _, _ = fmt.Fprintf(l.out, format+"\n", args...) }
func (l *lines) end()                           {}

// iec writes a number of bytes for people: 1.5 MiB.
func iec(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), 0
	for value >= 1<<10 && unit < 5 {
		value, unit = value/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "  KMGTP"[unit+1])
}
