package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/server"
)

// doctorTime bounds each of the doctor's looks.
const doctorTime = 15 * time.Second

func (p *program) doctorCommand() *cobra.Command {
	var dev bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at configuration, database, bucket, keys, CORS, webhook and clock; say how to mend what is found",
		Args:  cobra.NoArgs,
		RunE:  do(func(ctx context.Context, _ []string) error { return p.doctor(ctx, dev) }),
	}
	cmd.Flags().BoolVar(&dev, "dev", false, "look at a server that runs with --dev: what only production needs is not missed")
	return cmd
}

// examination is the doctor's work in progress.
type examination struct {
	p   *program
	cfg config.Config
	bad bool
}

func (p *program) doctor(ctx context.Context, dev bool) error {
	e := &examination{p: p}
	var err error
	if e.cfg, err = config.Load(p.environ); err == nil && !dev {
		err = e.cfg.ReadyToServe()
	}
	e.tell("configuration", err, "set the variables as said; bonfire serve --help describes each")
	if names := config.Unknown(p.environ); len(names) > 0 {
		e.note("configuration", "nothing reads "+strings.Join(names, ", ")+"; misspelt?")
	}
	if e.cfg.DatabaseURL == "" || e.cfg.S3Bucket == "" {
		if err == nil {
			e.tell("configuration", errors.New("no database or no bucket is named"), "set BONFIRE_DATABASE_URL and BONFIRE_S3_BUCKET; bonfire devstack prints values for development")
		}
		return &found{}
	}
	if !dev { // which makes a key of its own
		e.signing()
	}
	e.provider(ctx)
	e.webhook(ctx)
	if e.stores(ctx) {
		e.cors(ctx)
		e.clock(ctx)
	}
	if e.bad {
		return &found{}
	}
	return nil
}

// tell prints one look: ok, or the problem and how to mend it.
func (e *examination) tell(what string, problem error, mend string) {
	if problem == nil {
		_, _ = fmt.Fprintf(e.p.out, "ok       %s\n", what)
		return
	}
	e.bad = true
	words := strings.ReplaceAll(problem.Error(), "\n", "\n           ")
	_, _ = fmt.Fprintf(e.p.out, "PROBLEM  %s: %s\n  mend:  %s\n", what, words, mend)
}

func (e *examination) note(what, words string) {
	_, _ = fmt.Fprintf(e.p.out, "note     %s: %s\n", what, words)
}

// stores looks at the database and the bucket; true when the bucket answers.
func (e *examination) stores(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	rooms, err := server.Open(ctx, server.Options{
		Config: e.cfg, Credentials: awsCredentials(e.p.vars), Log: slog.New(slog.DiscardHandler),
	})
	e.tell("database, policies and kinds", err, "make sure that the database answers at BONFIRE_DATABASE_URL, and correct the file that is named")
	if err != nil {
		return false
	}
	defer rooms.Close()
	e.tell("role, migrations and walls", rooms.Store.Check(ctx),
		"log in as bonfire_app or a member of it, which owns nothing; run bonfire migrate up as the owner")
	if err := rooms.Bucket.Check(ctx); err != nil {
		e.tell("bucket", err, "look at BONFIRE_S3_BUCKET, BONFIRE_S3_ENDPOINT, BONFIRE_S3_REGION and the AWS_* credentials; the bucket must exist")
		return false
	}
	e.tell("bucket", nil, "")
	e.tell("lists of the bucket", rooms.Bucket.MayList(ctx),
		"allow the credentials s3:ListBucket and s3:ListBucketMultipartUploads; bonfire fsck and the sweeper stand on them")
	e.lifecycle(ctx, rooms.Bucket)
	if e.cfg.KMSKeyID == "" {
		e.note("encryption", "BONFIRE_KMS_KEY_ID is not set: objects get the bucket's own encryption, whatever that is")
		return true
	}
	e.tell("encryption", rooms.Bucket.VerifyEncryption(ctx),
		"allow the credentials kms:GenerateDataKey and kms:Decrypt on the key; a store without real SSE-KMS can't be used with BONFIRE_KMS_KEY_ID")
	return true
}

// signing looks whether notes can be signed.
func (e *examination) signing() {
	var err error
	if e.cfg.SigningKeys == "" {
		err = errors.New("BONFIRE_SIGNING_KEYS: not set; notes cannot be signed")
	}
	e.tell("signing keys", err, "make a key (openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256), keep it for good, and name its file")
}

// provider looks at the identity provider.
func (e *examination) provider(ctx context.Context) {
	if e.cfg.OIDCIssuer == "" {
		return
	}
	err := auth.NewOIDC(e.cfg.OIDCIssuer, e.cfg.OIDCAudience, time.Now).Ready(ctx)
	e.tell("identity provider", err, "BONFIRE_OIDC_ISSUER must be the issuer exactly as its discovery document spells it, and reachable from here")
}

// cors asks the bucket, as a browser would, whether pages may fetch from it.
func (e *examination) cors(ctx context.Context) {
	at := e.bucketURL()
	if at == "" {
		return
	}
	for _, origin := range localOrigins(e.cfg) {
		e.tell("CORS of the bucket for "+origin, preflight(ctx, at, origin),
			"add a CORS rule to the bucket: this origin, methods GET and HEAD, exposed headers Content-Length, Content-Range and ETag")
	}
}

// preflight is a browser's question before it fetches (Fetch standard, CORS-preflight fetch).
func preflight(ctx context.Context, at, origin string) error {
	resp, err := look(ctx, http.MethodOptions, at, http.Header{"Origin": {origin}, "Access-Control-Request-Method": {http.MethodGet}})
	if err != nil {
		return err
	}
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != origin && got != "*" {
		return fmt.Errorf("the bucket does not let pages of this origin fetch (%s)", resp.Status)
	}
	return nil
}

// bucketURL is an object's address as clients reach it.
func (e *examination) bucketURL() string {
	c := e.cfg
	endpoint := c.S3Endpoint
	if c.S3Public != "" {
		endpoint = c.S3Public
	}
	if endpoint == "" && c.S3Region != "" {
		endpoint = "https://s3." + c.S3Region + ".amazonaws.com"
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return ""
	}
	if c.S3PathStyle {
		return u.JoinPath(c.S3Bucket, "probe").String()
	}
	u.Host = c.S3Bucket + "." + u.Host
	return u.JoinPath("probe").String()
}

// skewAllowed is how far our clock may be from S3's: signatures of requests
// bear 15 minutes, links and grants are to the second.
const skewAllowed = 5 * time.Second

// clock compares this machine's clock with that of the S3 server.
func (e *examination) clock(ctx context.Context) {
	at := e.bucketURL()
	if at == "" {
		return
	}
	before := time.Now()
	resp, err := look(ctx, http.MethodHead, at, nil)
	after := time.Now()
	if err != nil {
		return // the bucket's own look has told
	}
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	// Date is cut to the second, so theirs lies between Date and a second later.
	ahead, behind := before.Sub(theirs.Add(time.Second)), theirs.Sub(after)
	if off := max(ahead, behind); off > skewAllowed {
		err = fmt.Errorf("this machine's clock and the S3 server's differ by %s", off.Round(time.Second))
	}
	e.tell("clock", err, "let a time service set the clock (timedatectl set-ntp true)")
}

// asked answers with what it is told first: neither a browser's preflight nor the
// webhook follows redirects.
var asked = http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// look makes one request and gives the answer's head.
func look(ctx context.Context, method, at string, header http.Header) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, at, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := asked.Do(req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}
