package sender

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// Job is one file to send.
type Job struct {
	Server string // the server's address
	Token  string // bearer token of the principal who files it

	Path      string    // the file, or "-" for Stream
	Stream    io.Reader // read when Path is "-"
	Patient   string
	Kind      string
	Encounter string // "" for none
	Title     string // "" for none
	// ContentType is looked up in the first bytes when empty.
	ContentType string

	// StateDir is where notes of unfinished uploads are kept; "" keeps none.
	StateDir string
	// HTTP makes the requests; nil means the default client.
	HTTP *http.Client
	// Watch hears how it goes; its fields may be nil.
	Watch Watch
}

// Watch hears how a job goes.
type Watch struct {
	// Begin is called once the server has reserved the upload: total is -1 of
	// a stream, resumed says that an earlier call's upload goes on.
	Begin func(total int64, resumed bool)
	// Progress is told how many bytes went out.
	Progress func(sent int64)
	// Trouble is told of failures that are tried again.
	Trouble func(err error, wait time.Duration)
}

// Record is what the file became.
type Record struct {
	ID           string
	ResourceType string
	Size         int64
	SHA256       string
	ContentType  string
}

// ErrChanged says that the file was written to while it was being sent.
var ErrChanged = errors.New("the file changed while it was being sent: run it again")

// Send sends the job and gives its record. A file's digest is announced before
// its bytes are, so that the server files these bytes or none. An *APIError or
// a *tusclient.StatusError is the server's refusal. After any other error a
// later call with the same job goes on where this one stopped, unless it sent
// a stream.
func (j Job) Send(ctx context.Context) (Record, error) {
	body, err := j.open()
	if err != nil {
		return Record{}, err
	}
	defer body.close()
	s := &sending{
		job: j, body: body, memory: j.memory(body),
		api: api{server: strings.TrimRight(j.Server, "/"), token: j.Token, http: j.client()},
	}
	err = s.send(ctx)
	if changed, statErr := body.changed(); statErr == nil && changed {
		s.cancel(context.WithoutCancel(ctx))
		return Record{}, ErrChanged
	}
	if err != nil {
		return Record{}, err
	}
	record, err := s.finish(ctx)
	if err == nil || spent(err) {
		err = errors.Join(err, s.memory.forget())
	}
	return record, err
}

func (j Job) open() (content, error) {
	if j.Path == "-" {
		return openStream(j.Stream), nil
	}
	return openFile(j.Path)
}

func (j Job) client() *http.Client {
	if j.HTTP != nil {
		return j.HTTP
	}
	return http.DefaultClient
}

// memory is where this job on this very state of the file is noted.
func (j Job) memory(body content) memory {
	file, ok := body.(*onDisk)
	if !ok {
		return memory{}
	}
	path, err := filepath.Abs(j.Path)
	if err != nil {
		return memory{}
	}
	return remember(j.StateDir, strings.TrimRight(j.Server, "/"), path, file.born.Size(), file.born.ModTime().UnixNano(),
		j.Patient, j.Kind, j.Encounter, j.Title)
}
