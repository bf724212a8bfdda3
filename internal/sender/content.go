package sender

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/bonfiredb/bonfire/internal/tusclient"
)

// content is what is sent: a file that can be read again, or a stream.
type content interface {
	// source is what the tus client reads.
	source() tusclient.Source
	// size is the length in bytes, -1 of a stream.
	size() int64
	// sniff is the media type that the first bytes look like.
	sniff() (string, error)
	// digest is the hexadecimal SHA-256 of everything; of a stream, of all that was read.
	digest(ctx context.Context) (string, error)
	// changed reports whether the content is no longer what it was at the beginning.
	changed() (bool, error)
	close() error
}

// sniffed is how much is looked at for the media type.
const sniffed = 3072

func mediaType(first []byte) string {
	bare, _, _ := strings.Cut(mimetype.Detect(first).String(), ";")
	return bare
}

// onDisk is a regular file.
type onDisk struct {
	f    *os.File
	born os.FileInfo
}

func openFile(path string) (*onDisk, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New(path + " is not a regular file; to send a stream, name - and pipe it in")
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &onDisk{f: f, born: info}, nil
}

func (o *onDisk) source() tusclient.Source { return tusclient.File(o.f, o.born.Size()) }
func (o *onDisk) size() int64              { return o.born.Size() }
func (o *onDisk) close() error             { return o.f.Close() }

func (o *onDisk) sniff() (string, error) {
	first := make([]byte, min(sniffed, o.born.Size()))
	if _, err := o.f.ReadAt(first, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return mediaType(first), nil
}

func (o *onDisk) digest(ctx context.Context) (string, error) {
	h := sha256.New()
	r := io.NewSectionReader(o.f, 0, o.born.Size())
	if _, err := io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		return r.Read(p)
	})); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (o *onDisk) changed() (bool, error) {
	now, err := os.Stat(o.f.Name())
	if err != nil {
		return false, err
	}
	return !os.SameFile(now, o.born) || now.Size() != o.born.Size() || !now.ModTime().Equal(o.born.ModTime()), nil
}

// piped is a stream.
type piped struct {
	r    *bufio.Reader
	hash hash.Hash
}

func openStream(r io.Reader) *piped {
	return &piped{r: bufio.NewReaderSize(r, 64<<10), hash: sha256.New()}
}

func (p *piped) source() tusclient.Source { return tusclient.Stream(io.TeeReader(p.r, p.hash)) }
func (p *piped) size() int64              { return -1 }
func (p *piped) close() error             { return nil }

func (p *piped) sniff() (string, error) {
	first, err := p.r.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return mediaType(first), nil
}

func (p *piped) digest(context.Context) (string, error) {
	return hex.EncodeToString(p.hash.Sum(nil)), nil
}

func (p *piped) changed() (bool, error) { return false, nil }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
