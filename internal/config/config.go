package config

import (
	"log/slog"
	"time"
)

// Config is everything a server is told. Each field is one variable; the tag
// "help" is its documentation, "for" the group it is listed under.
type Config struct {
	Addr        string     `env:"BONFIRE_ADDR" envDefault:"127.0.0.1:8080" for:"server" help:"host:port to listen on, plain HTTP: TLS ends in front of it"`
	PublicURL   string     `env:"BONFIRE_PUBLIC_URL" for:"server" help:"the address clients use, such as https://files.example.org (required; with --dev it follows BONFIRE_ADDR)"`
	CORSOrigins []string   `env:"BONFIRE_CORS_ORIGINS" for:"server" help:"browser origins that may call the API, exact and comma-separated, such as https://app.example.org"`
	LogLevel    slog.Level `env:"BONFIRE_LOG_LEVEL" envDefault:"INFO" for:"server" help:"DEBUG, INFO, WARN or ERROR"`
	MetricsAddr string     `env:"BONFIRE_METRICS_ADDR" for:"server" help:"host:port of the Prometheus listener; none when empty"`
	Console     *bool      `env:"BONFIRE_CONSOLE" for:"server" help:"serve the console at / (default: with --dev, and where BONFIRE_OIDC_CLIENT_ID is set)"`
	Playground  *bool      `env:"BONFIRE_PLAYGROUND" for:"server" help:"serve the GraphQL playground (default: only with --dev)"`
	Introspect  *bool      `env:"BONFIRE_INTROSPECTION" for:"server" help:"answer GraphQL introspection (default: only with --dev)"`

	DatabaseURL        Secret `env:"BONFIRE_DATABASE_URL" for:"database" help:"postgres:// URL of the server's role, which owns nothing (required)"`
	MigrateDatabaseURL Secret `env:"BONFIRE_MIGRATE_DATABASE_URL" for:"database" help:"postgres:// URL of the role that owns the schema, for bonfire migrate and --dev only"`

	S3Bucket    string `env:"BONFIRE_S3_BUCKET" for:"bytes" help:"the bucket (required)"`
	S3Endpoint  string `env:"BONFIRE_S3_ENDPOINT" for:"bytes" help:"URL of an S3 server that is not AWS"`
	S3Region    string `env:"BONFIRE_S3_REGION" for:"bytes" help:"the bucket's region (default: AWS_REGION, then AWS_DEFAULT_REGION)"`
	S3PathStyle bool   `env:"BONFIRE_S3_PATH_STYLE" envDefault:"false" for:"bytes" help:"put the bucket in the path and not in the host name"`
	S3Public    string `env:"BONFIRE_S3_PUBLIC_ENDPOINT" for:"bytes" help:"URL of the same S3 server as clients reach it, for signed URLs (default: BONFIRE_S3_ENDPOINT)"`
	S3CRC32C    bool   `env:"BONFIRE_S3_CRC32C" envDefault:"true" for:"bytes" help:"let the store verify CRC32C; false for one that does not know it"`
	S3Prefix    string `env:"BONFIRE_S3_PREFIX" for:"bytes" help:"what every object key starts with, such as bonfire/"`
	KMSKeyID    string `env:"BONFIRE_KMS_KEY_ID" for:"bytes" help:"KMS key that encrypts every object; checked on each finished object (default: the bucket's own encryption)"`

	FsckEvery time.Duration `env:"BONFIRE_FSCK_INTERVAL" envDefault:"6h" for:"bytes" help:"how often bucket and database are compared in the background, by one server at a time; 0 for never"`

	OIDCIssuer   string `env:"BONFIRE_OIDC_ISSUER" for:"who" help:"issuer URL of the identity provider (required)"`
	OIDCAudience string `env:"BONFIRE_OIDC_AUDIENCE" for:"who" help:"audience that a token must name (required)"`
	OIDCClient   string `env:"BONFIRE_OIDC_CLIENT_ID" for:"who" help:"client id of the console at the identity provider: a public client, authorization code with PKCE, redirect to BONFIRE_PUBLIC_URL/callback.html"`
	OIDCScope    string `env:"BONFIRE_OIDC_SCOPE" envDefault:"openid" for:"who" help:"scopes that the console asks for, separated by spaces"`
	DevKey       Secret `env:"BONFIRE_DEV_KEY" for:"who" help:"key of development tokens, 32 characters or more; read with --dev only (default: DIR/dev.key)"`

	PolicyDir   string        `env:"BONFIRE_POLICY_DIR" for:"rules" help:"directory of *.cedar and schema.cedarschema that take the place of the shipped policies"`
	KindsFile   string        `env:"BONFIRE_KINDS_FILE" for:"rules" help:"YAML file of kinds that add to the shipped registry or replace entries"`
	SigningKeys Secret        `env:"BONFIRE_SIGNING_KEYS" for:"rules" help:"file of the private keys that seal signed notes, PEM or JSON Web Key Set, the one that signs first; or the keys themselves (with --dev: DIR/signing.pem)"`
	FHIRSystems string        `env:"BONFIRE_FHIR_SYSTEMS" for:"rules" help:"URL under which our own FHIR code systems and extensions are named (default: BONFIRE_PUBLIC_URL/fhir)"`
	LinkTTL     time.Duration `env:"BONFIRE_LINK_TTL" envDefault:"5m" for:"rules" help:"life of a signed URL that names none"`
	LinkTTLMax  time.Duration `env:"BONFIRE_LINK_TTL_MAX" envDefault:"15m" for:"rules" help:"longest life of a signed URL"`
	AuditSeal   time.Duration `env:"BONFIRE_AUDIT_SEAL_INTERVAL" envDefault:"5s" for:"rules" help:"how long an audit event waits for its seal at most"`

	UploadTTL   time.Duration `env:"BONFIRE_UPLOAD_TTL" envDefault:"168h" for:"uploads" help:"life of an unfinished upload, counted from its last byte"`
	PartSize    Size          `env:"BONFIRE_PART_SIZE" envDefault:"8MiB" for:"uploads" help:"size of an S3 part, 5MiB to 5GiB"`
	SpoolMemory Size          `env:"BONFIRE_SPOOL_MEMORY" envDefault:"256MiB" for:"uploads" help:"memory of all uploads under way together; past it they spool to files"`
	SpoolDir    string        `env:"BONFIRE_SPOOL_DIR" for:"uploads" help:"directory of spool files, on an encrypted volume (default: the system's temporary directory)"`
	SHA1        SHA1          `env:"BONFIRE_SHA1" envDefault:"small" for:"uploads" help:"which files get FHIR's SHA-1 beside the SHA-256: small (one part), all, off"`

	WebhookURL    string `env:"BONFIRE_WEBHOOK_URL" for:"events" help:"https URL that is told of new and changed records"`
	WebhookSecret Secret `env:"BONFIRE_WEBHOOK_SECRET" for:"events" help:"secret that signs what is sent there, 32 characters or more"`

	EventRetention time.Duration `env:"BONFIRE_EVENT_RETENTION" envDefault:"2160h" for:"events" help:"how long events are kept for those who come back with a cursor, 168h or longer"`
}

// ConsoleOn reports whether the console is served: as the environment says, and
// where people can sign in to it when it says nothing.
func (c Config) ConsoleOn(dev bool) bool { return said(c.Console, dev || c.OIDCClient != "") }

// PlaygroundOn reports whether the playground is served: as the environment
// says, and in development when it says nothing.
func (c Config) PlaygroundOn(dev bool) bool { return said(c.Playground, dev) }

// IntrospectionOn reports whether introspection is answered, by the same rule.
func (c Config) IntrospectionOn(dev bool) bool { return said(c.Introspect, dev) }

func said(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}
