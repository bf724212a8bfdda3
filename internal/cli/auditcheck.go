package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/seal"
)

// verifyExport holds the files of an export against each other: the rows against
// the seals, the events against the rows.
func (p *program) verifyExport(ctx context.Context, f verifyFlags) (err error) {
	if f.seals == "" {
		f.seals = f.export + sealsSuffix
	}
	events, err := os.Open(f.export)
	if err != nil {
		return err
	}
	defer events.Close()
	seals, err := os.Open(f.seals)
	if err != nil {
		return err
	}
	defer seals.Close()
	c := &exportCheck{events: newLineReader(events)}
	if c.in, err = seal.NewReader(bufio.NewReader(seals)); err != nil {
		return err
	}
	if f.tenant != "" && f.tenant != c.in.Header.Tenant {
		return &misused{fmt.Errorf("this is the trail of %q", c.in.Header.Tenant)}
	}
	c.fhir, c.v = rendererOf(c.in.Header), seal.NewVerifier(c.in.Header.Tenant)
	c.anchor = func(seal.Seal) (seal.Anchor, error) { return seal.Anchor{Unknown: true}, nil }
	if f.anchors {
		trail, err := p.openTrail(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, trail.Close()) }()
		c.anchor = func(s seal.Seal) (seal.Anchor, error) { return trail.Records.Anchor(ctx, s) }
	}
	steps := p.steps("checking " + f.export)
	err = c.run(steps.step)
	steps.end()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.out, "tenant %s: an export %s, of %d events\n", c.in.Header.Tenant, period(c.in.Header), c.told)
	if !p.tellReport(c.v.Report) {
		return &found{}
	}
	return nil
}

// exportCheck is the check of an export under way. Memory is that of one seal.
type exportCheck struct {
	in     *seal.Reader
	events *lineReader
	fhir   fhir.Renderer
	v      *seal.Verifier
	anchor func(seal.Seal) (seal.Anchor, error)

	at   *seal.Seal // the seal whose rows are being read
	rows []seal.Item
	told int64 // events
}

func (c *exportCheck) run(step func(done, of int64)) error {
	for {
		i, err := c.in.Next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
		if i.Seal == nil {
			c.rows = append(c.rows, i)
			continue
		}
		if err := c.seal(); err != nil {
			return err
		}
		if c.at == nil {
			c.v = seal.Resume(i.Seal)
		}
		c.at = i.Seal
		step(i.Seal.Number, 0)
	}
	if err := c.seal(); err != nil {
		return err
	}
	for _, r := range c.v.Left() {
		c.v.Unsealed(r.Seq, r.ID, false)
	}
	return c.extra()
}

// seal checks the seal whose rows have been read.
func (c *exportCheck) seal() error {
	if c.at == nil {
		if len(c.rows) > 0 {
			return errors.New("rows before the first seal")
		}
		return nil
	}
	a, err := c.anchor(*c.at)
	if err != nil {
		return err
	}
	trusted := c.v.Trust(c.at.Number, c.at, a)
	for _, i := range c.rows {
		c.v.Load([]seal.Row{i.Row})
	}
	c.v.Check(trusted)
	for _, i := range c.rows {
		if err := c.event(i); err != nil {
			return err
		}
	}
	c.rows = c.rows[:0]
	return nil
}

// event holds the next event against the row that it should tell of.
func (c *exportCheck) event(i seal.Item) error {
	if !c.in.Header.Holds(i.Row.RecordedAt) {
		return nil
	}
	line, err := c.events.peek()
	if err != nil {
		return err
	}
	if eventID(line) != i.Row.ID {
		c.v.Differs(i.Row) // missing, for the next one is another's
		return nil
	}
	c.events.take()
	c.told++
	e, err := records.AuditEventOf(i)
	if err != nil {
		c.v.Differs(i.Row)
		return nil
	}
	want, err := fhir.Marshal(c.fhir.AuditEvent(e))
	if err != nil {
		return err
	}
	if !bytes.Equal(bytes.TrimRight(line, "\r\n"), want) {
		c.v.Differs(i.Row)
	}
	return nil
}

// extra tells of the events that no row does.
func (c *exportCheck) extra() error {
	for {
		line, err := c.events.peek()
		if err != nil || line == nil {
			return err
		}
		c.v.Extra(eventID(line))
		c.events.take()
	}
}

// eventID is the id of an exported event, "" for what is none.
func eventID(line []byte) string {
	var e struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(line, &e)
	return e.ID
}

// lineReader reads lines, the next one as often as it is asked for.
type lineReader struct {
	in   *bufio.Reader
	next []byte
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{in: bufio.NewReaderSize(r, 1<<16)} }

// peek is the next line that is not empty; nil at the end.
func (l *lineReader) peek() ([]byte, error) {
	for l.next == nil {
		line, err := l.in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			l.next = line
		} else if err != nil {
			return nil, nil
		}
	}
	return l.next, nil
}

func (l *lineReader) take() { l.next = nil }
