package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	minPart = Size(5) << 20 // S3's smallest part but the last
	maxPart = Size(5) << 30 // and its largest
	// maxLink is as long as S3 honours a presigned URL (SigV4).
	maxLink = 7 * 24 * time.Hour
	// minEvents is longer than the webhook tries to deliver an event.
	minEvents = 7 * 24 * time.Hour
	// minSecret is the length of a shared secret in characters: HS256 wants a
	// key no shorter than its output (RFC 7518 section 3.2).
	minSecret = 32
)

// findings gathers what is wrong, each under the variable's name.
type findings []error

func (f *findings) add(variable, words string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: %s", variable, fmt.Sprintf(words, args...)))
}

// check looks at what is set.
func (c Config) check() error {
	var f findings
	f.address("BONFIRE_ADDR", c.Addr)
	f.address("BONFIRE_METRICS_ADDR", c.MetricsAddr)
	f.httpURL("BONFIRE_PUBLIC_URL", c.PublicURL)
	f.httpURL("BONFIRE_S3_ENDPOINT", c.S3Endpoint)
	f.httpURL("BONFIRE_S3_PUBLIC_ENDPOINT", c.S3Public)
	f.httpURL("BONFIRE_OIDC_ISSUER", c.OIDCIssuer)
	f.httpURL("BONFIRE_FHIR_SYSTEMS", c.FHIRSystems)
	f.httpURL("BONFIRE_WEBHOOK_URL", c.WebhookURL)
	f.postgresURL("BONFIRE_DATABASE_URL", c.DatabaseURL)
	f.postgresURL("BONFIRE_MIGRATE_DATABASE_URL", c.MigrateDatabaseURL)
	for _, o := range c.CORSOrigins {
		f.origin("BONFIRE_CORS_ORIGINS", o)
	}
	f.pair("BONFIRE_OIDC_ISSUER", c.OIDCIssuer, "BONFIRE_OIDC_AUDIENCE", c.OIDCAudience)
	if c.OIDCClient != "" && c.OIDCIssuer == "" {
		f.add("BONFIRE_OIDC_ISSUER", "must be set too, because BONFIRE_OIDC_CLIENT_ID is")
	}
	f.pair("BONFIRE_WEBHOOK_URL", c.WebhookURL, "BONFIRE_WEBHOOK_SECRET", c.WebhookSecret.Reveal())
	f.secret("BONFIRE_DEV_KEY", c.DevKey)
	f.secret("BONFIRE_WEBHOOK_SECRET", c.WebhookSecret)
	c.checkLimits(&f)
	return errors.Join(f...)
}

func (c Config) checkLimits(f *findings) {
	if c.LinkTTLMax < time.Second || c.LinkTTLMax > maxLink {
		f.add("BONFIRE_LINK_TTL_MAX", "choose between 1s and 168h")
	}
	if c.LinkTTL < time.Second || c.LinkTTL > c.LinkTTLMax {
		f.add("BONFIRE_LINK_TTL", "choose between 1s and BONFIRE_LINK_TTL_MAX (%s)", c.LinkTTLMax)
	}
	if c.AuditSeal < 100*time.Millisecond || c.AuditSeal > time.Hour {
		f.add("BONFIRE_AUDIT_SEAL_INTERVAL", "choose between 100ms and 1h")
	}
	if c.UploadTTL < time.Minute {
		f.add("BONFIRE_UPLOAD_TTL", "choose 1m or longer")
	}
	if c.PartSize < minPart || c.PartSize > maxPart {
		f.add("BONFIRE_PART_SIZE", "choose between 5MiB and 5GiB, which is what S3 takes")
	}
	if c.SpoolMemory < c.PartSize {
		f.add("BONFIRE_SPOOL_MEMORY", "must hold at least one part (BONFIRE_PART_SIZE is %s)", c.PartSize)
	}
	if c.FsckEvery != 0 && c.FsckEvery < time.Minute {
		f.add("BONFIRE_FSCK_INTERVAL", "choose 1m or longer, or 0 for never")
	}
	if c.EventRetention < minEvents {
		f.add("BONFIRE_EVENT_RETENTION", "choose 168h or longer: delivery is tried for three days")
	}
	if strings.HasPrefix(c.S3Prefix, "/") {
		f.add("BONFIRE_S3_PREFIX", "must not begin with a slash")
	}
}

// ReadyToServe asks for what a production server can't do without, and for
// https where clients and identities are concerned.
func (c Config) ReadyToServe() error {
	var f findings
	for _, need := range []struct{ variable, value, what string }{
		{"BONFIRE_PUBLIC_URL", c.PublicURL, "the https address that clients use"},
		{"BONFIRE_DATABASE_URL", c.DatabaseURL.Reveal(), "the postgres:// URL of the server's role"},
		{"BONFIRE_S3_BUCKET", c.S3Bucket, "the bucket"},
		{"BONFIRE_OIDC_ISSUER", c.OIDCIssuer, "the identity provider's issuer URL, and BONFIRE_OIDC_AUDIENCE"},
	} {
		if need.value == "" {
			f.add(need.variable, "not set; name %s (or try bonfire serve --dev)", need.what)
		}
	}
	f.https("BONFIRE_PUBLIC_URL", c.PublicURL)
	f.https("BONFIRE_OIDC_ISSUER", c.OIDCIssuer)
	f.https("BONFIRE_WEBHOOK_URL", c.WebhookURL)
	return errors.Join(f...)
}

func (f *findings) address(variable, value string) {
	if value == "" {
		return
	}
	_, port, err := net.SplitHostPort(value)
	n, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || n < 0 || n > 65535 {
		f.add(variable, "not an address; write host:port, such as 127.0.0.1:8080 or :8080")
	}
}

func (f *findings) httpURL(variable, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		f.add(variable, "not a plain http(s) URL; write it like https://files.example.org")
	}
}

// https refuses plain http but to this machine itself.
func (f *findings) https(variable, value string) {
	u, err := url.Parse(value)
	if value != "" && err == nil && u.Scheme == "http" && !LoopbackHost(u.Hostname()) {
		f.add(variable, "must be https: tokens and patient data travel over it")
	}
}

func (f *findings) postgresURL(variable string, value Secret) {
	if value == "" {
		return
	}
	u, err := url.Parse(value.Reveal())
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		f.add(variable, "not a Postgres URL; write it like postgres://user:password@host:5432/bonfire?sslmode=verify-full")
	}
}

// origin takes scheme://host[:port] and nothing more (RFC 6454 section 6.1):
// patterns are refused, since "ends with example.org" is also evilexample.org.
func (f *findings) origin(variable, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		value != u.Scheme+"://"+u.Host || strings.Contains(u.Host, "*") {
		f.add(variable, "%q is not an origin; write https://host or https://host:port, without a path and without patterns", value)
	}
}

func (f *findings) pair(a, aValue, b, bValue string) {
	if aValue != "" && bValue == "" {
		f.add(b, "must be set too, because %s is", a)
	}
	if aValue == "" && bValue != "" {
		f.add(a, "must be set too, because %s is", b)
	}
}

func (f *findings) secret(variable string, value Secret) {
	if value != "" && len(value) < minSecret {
		f.add(variable, "too short; take %d characters or more, such as the output of: openssl rand -hex 32", minSecret)
	}
}

// Loopback reports whether a listener on addr ("host:port") can be reached
// from this machine only. An empty host listens everywhere, so it is not.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && LoopbackHost(host)
}

// LoopbackHost reports whether host is "localhost" or a loopback IP address.
func LoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
