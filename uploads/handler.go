package uploads

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/rs/cors"
	"github.com/tus/tusd/v2/pkg/handler"
	xslog "golang.org/x/exp/slog"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// TokenHeader carries the upload token that createUpload handed out. It stands
// for the upload's owner, so that a login which ends during an hour's recording
// costs nothing.
const TokenHeader = "Bonfire-Upload-Token"

// BasePath is where the handler is mounted.
const BasePath = "/uploads/"

// Options are what the edge needs.
type Options struct {
	Records *records.Records
	// Authenticate puts the bearer's actor into the context (auth.Middleware);
	// it is not asked where an upload token is presented.
	Authenticate func(http.Handler) http.Handler
	// Origins are the exact web origins whose pages may upload.
	Origins []string
	// PublicURL is where clients reach the server; Location headers begin with it.
	PublicURL string
	// StallTimeout ends a request whose client has sent nothing for so long; default 60 s.
	StallTimeout time.Duration
	// HeadPatience and FinishPatience are how long HEAD (15 s) and the request
	// that brings the last bytes (45 s) wait for a received upload to be stored
	// before they answer 423. Clients ask again a few times and then give up;
	// load balancers end a request that is silent for 60 s.
	HeadPatience, FinishPatience time.Duration
	Log                          *slog.Logger
}

// New makes the handler for everything under BasePath.
func New(o Options) (http.Handler, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.StallTimeout = cmp.Or(o.StallTimeout, time.Minute)
	o.HeadPatience = cmp.Or(o.HeadPatience, 15*time.Second)
	o.FinishPatience = cmp.Or(o.FinishPatience, records.FinishPatience)
	composer := handler.NewStoreComposer()
	base := strings.TrimSuffix(o.PublicURL, "/") + BasePath
	s := &store{records: o.Records, base: base, patience: o.FinishPatience, headPatience: o.HeadPatience, log: o.Log}
	composer.UseCore(s)
	composer.UseTerminater(s)
	composer.UseLengthDeferrer(s)
	composer.UseLocker(s)
	tus, err := handler.NewHandler(handler.Config{
		BasePath:             base,
		StoreComposer:        composer,
		DisableDownload:      true,
		DisableConcatenation: true,
		Cors:                 &handler.CorsConfig{Disable: true},
		Logger:               xslog.New(silent{}), // one log event per request is written at the edge
		NetworkTimeout:       o.StallTimeout,
		AcquireLockTimeout:   20 * time.Second,
		// Each request parks a goroutine, and what it knows, this long after it has
		// ended. Commits and assembly have deadlines of their own.
		GracefulRequestCompletionTimeout: 3 * time.Second,
	})
	if err != nil {
		return nil, clinical.Fail(clinical.Internal, "internal error", err)
	}
	guarded := o.guard(http.StripPrefix(strings.TrimSuffix(BasePath, "/"), translate(tus, o.Log)))
	return crossOrigin(o.Origins).Handler(guarded), nil
}

// guard settles by what right the request comes, and attaches what the data
// store needs to know of it. An upload token is judged where the upload's row is
// read anyway.
func (o Options) guard(next http.Handler) http.Handler {
	asActor := o.Authenticate(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("X-HTTP-Method-Override") // tusd would obey it: a POST must not delete
		slot := &request{
			header: r.Header, requestID: auth.RequestID(r.Context()), method: r.Method,
			token: r.Header.Get(TokenHeader), gone: r.Context(),
		}
		r = r.WithContext(context.WithValue(r.Context(), slotKey{}, slot))
		if slot.token != "" && r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		slot.token = ""
		asActor.ServeHTTP(w, r)
	})
}

// crossOrigin lets the named origins, and no others, upload from a browser.
func crossOrigin(origins []string) *cors.Cors {
	return cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool {
			for _, o := range origins {
				if o == origin {
					return true
				}
			}
			return false
		},
		AllowedMethods: []string{http.MethodPost, http.MethodHead, http.MethodPatch, http.MethodDelete, http.MethodOptions},
		AllowedHeaders: []string{
			"Authorization", "Content-Type", "Tus-Resumable", "Upload-Length", "Upload-Defer-Length", "Upload-Offset",
			"Upload-Metadata", "Upload-Checksum", TokenHeader, idempotencyHeader, auth.PurposeHeader, auth.RequestIDHeader,
		},
		ExposedHeaders: []string{
			"Location", "Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Checksum-Algorithm", "Upload-Offset",
			"Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Expires", "Content-Location",
			ResourceTypeHeader, ResourceIDHeader, TokenHeader, auth.RequestIDHeader,
		},
		MaxAge: 7200,
	})
}

// silent is tusd's logger: its events hold paths and raw errors.
type silent struct{}

func (silent) Enabled(context.Context, xslog.Level) bool  { return false }
func (silent) Handle(context.Context, xslog.Record) error { return nil }
func (s silent) WithAttrs([]xslog.Attr) xslog.Handler     { return s }
func (s silent) WithGroup(string) xslog.Handler           { return s }
