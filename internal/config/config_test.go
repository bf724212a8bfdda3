package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/config"
)

// production is the least that a production server needs.
var production = []string{
	"BONFIRE_PUBLIC_URL=https://files.example.org",
	"BONFIRE_DATABASE_URL=postgres://app:pw@db/bonfire",
	"BONFIRE_S3_BUCKET=charts",
	"BONFIRE_OIDC_ISSUER=https://id.example.org",
	"BONFIRE_OIDC_AUDIENCE=bonfire",
}

func TestLoadReadsEveryKindOfValue(t *testing.T) {
	c, err := config.Load(append(production,
		"BONFIRE_PART_SIZE=16MiB", "BONFIRE_SPOOL_MEMORY=1073741824", "BONFIRE_LINK_TTL=90s", "BONFIRE_SHA1=off",
		"BONFIRE_LOG_LEVEL=debug", "BONFIRE_S3_PATH_STYLE=true", "BONFIRE_PLAYGROUND=false",
		"BONFIRE_CORS_ORIGINS=https://a.example.org,https://b.example.org:8443",
		"AWS_REGION=eu-central-1", "BONFIRE_S3_PREFIX=",
	))
	if err != nil {
		t.Fatal(err)
	}
	if c.PartSize != 16<<20 || c.SpoolMemory != 1<<30 || c.LinkTTL != 90*time.Second || c.SHA1 != config.SHA1Off ||
		c.LogLevel != slog.LevelDebug || !c.S3PathStyle || len(c.CORSOrigins) != 2 || c.S3Region != "eu-central-1" {
		t.Errorf("values were read wrongly: %+v", c)
	}
	if c.PlaygroundOn(true) {
		t.Error("BONFIRE_PLAYGROUND=false must win over --dev")
	}
	if !c.IntrospectionOn(true) || c.IntrospectionOn(false) {
		t.Error("introspection follows --dev when the environment says nothing")
	}
	if c.LinkTTLMax != 15*time.Minute || c.UploadTTL != 7*24*time.Hour || c.AuditSeal != 5*time.Second {
		t.Errorf("defaults were not taken: %+v", c)
	}
	if err := c.ReadyToServe(); err != nil {
		t.Errorf("ReadyToServe: %v", err)
	}
}

func TestLoadNamesTheVariableAndTheMend(t *testing.T) {
	for _, tc := range []struct{ set, words string }{
		{"BONFIRE_ADDR=8080", "BONFIRE_ADDR: not an address"},
		{"BONFIRE_ADDR=host:http", "BONFIRE_ADDR: not an address"},
		{"BONFIRE_METRICS_ADDR=:99999", "BONFIRE_METRICS_ADDR: not an address"},
		{"BONFIRE_PUBLIC_URL=files.example.org", "BONFIRE_PUBLIC_URL: not a plain http(s) URL"},
		{"BONFIRE_PUBLIC_URL=https://u:p@files.example.org", "BONFIRE_PUBLIC_URL: not a plain http(s) URL"},
		{"BONFIRE_DATABASE_URL=mysql://x", "BONFIRE_DATABASE_URL: not a Postgres URL"},
		{"BONFIRE_MIGRATE_DATABASE_URL=x", "BONFIRE_MIGRATE_DATABASE_URL: not a Postgres URL"},
		{"BONFIRE_CORS_ORIGINS=https://*.example.org", "BONFIRE_CORS_ORIGINS: \"https://*.example.org\" is not an origin"},
		{"BONFIRE_CORS_ORIGINS=https://example.org/", "BONFIRE_CORS_ORIGINS: \"https://example.org/\" is not an origin"},
		{"BONFIRE_OIDC_ISSUER=https://id.example.org", "BONFIRE_OIDC_AUDIENCE: must be set too"},
		{"BONFIRE_OIDC_AUDIENCE=bonfire", "BONFIRE_OIDC_ISSUER: must be set too"},
		{"BONFIRE_WEBHOOK_URL=https://h.example.org", "BONFIRE_WEBHOOK_SECRET: must be set too"},
		{"BONFIRE_DEV_KEY=short", "BONFIRE_DEV_KEY: too short"},
		{"BONFIRE_LINK_TTL=300", "BONFIRE_LINK_TTL: not a duration; write it like 300s"},
		{"BONFIRE_LINK_TTL=20m", "BONFIRE_LINK_TTL: choose between 1s and BONFIRE_LINK_TTL_MAX (15m0s)"},
		{"BONFIRE_LINK_TTL_MAX=169h", "BONFIRE_LINK_TTL_MAX: choose between"},
		{"BONFIRE_AUDIT_SEAL_INTERVAL=1ms", "BONFIRE_AUDIT_SEAL_INTERVAL: choose between"},
		{"BONFIRE_UPLOAD_TTL=1s", "BONFIRE_UPLOAD_TTL: choose 1m or longer"},
		{"BONFIRE_PART_SIZE=8MB", "BONFIRE_PART_SIZE: not a size; write it like 8MiB"},
		{"BONFIRE_PART_SIZE=4MiB", "BONFIRE_PART_SIZE: choose between 5MiB and 5GiB"},
		{"BONFIRE_PART_SIZE=99999999TiB", "BONFIRE_PART_SIZE: not a size"},
		{"BONFIRE_SPOOL_MEMORY=1MiB", "BONFIRE_SPOOL_MEMORY: must hold at least one part (BONFIRE_PART_SIZE is 8MiB)"},
		{"BONFIRE_SHA1=yes", "BONFIRE_SHA1: write small, all or off"},
		{"BONFIRE_LOG_LEVEL=loud", "BONFIRE_LOG_LEVEL: write DEBUG"},
		{"BONFIRE_PLAYGROUND=perhaps", "BONFIRE_PLAYGROUND: write true or false"},
		{"BONFIRE_FSCK_INTERVAL=1s", "BONFIRE_FSCK_INTERVAL: choose 1m or longer, or 0"},
		{"BONFIRE_EVENT_RETENTION=72h", "BONFIRE_EVENT_RETENTION: choose 168h or longer"},
		{"BONFIRE_S3_PREFIX=/x", "BONFIRE_S3_PREFIX: must not begin"},
	} {
		_, err := config.Load([]string{tc.set})
		if err == nil || !strings.Contains(err.Error(), tc.words) {
			t.Errorf("%s: got %v, want %q", tc.set, err, tc.words)
		}
	}
}

func TestLoadListsEverythingThatIsWrong(t *testing.T) {
	_, err := config.Load([]string{"BONFIRE_LINK_TTL=x", "BONFIRE_PART_SIZE=y"})
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("want two lines, got %v", err)
	}
}

func TestReadyToServeAsksForWhatIsMissing(t *testing.T) {
	for i, line := range production {
		name, _, _ := strings.Cut(line, "=")
		rest := append(append([]string{}, production[:i]...), production[i+1:]...)
		c, err := config.Load(rest)
		if err == nil {
			err = c.ReadyToServe()
		}
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v", name, err)
		}
	}
	for _, plain := range [][]string{
		{"BONFIRE_PUBLIC_URL=http://files.example.org"},
		{"BONFIRE_WEBHOOK_URL=http://hooks.example.org", "BONFIRE_WEBHOOK_SECRET=" + strings.Repeat("s", 32)},
	} {
		c, err := config.Load(append(append([]string{}, production...), plain...))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.ReadyToServe(); err == nil || !strings.Contains(err.Error(), "must be https") {
			t.Errorf("plain http beyond this machine: got %v", err)
		}
	}
}

// TestP10_SecretsNeverPrint holds every way a Secret could leave against its value.
func TestP10_SecretsNeverPrint(t *testing.T) {
	const value = "hunter2-hunter2-hunter2-hunter2!"
	c, err := config.Load([]string{"BONFIRE_WEBHOOK_URL=https://h.example.org", "BONFIRE_WEBHOOK_SECRET=" + value})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("configuration", "config", c, "secret", c.WebhookSecret)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out := logged.String() + string(text)
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d"} {
		out += fmt.Sprintf(verb, c.WebhookSecret) + fmt.Sprintf(verb, c)
	}
	if strings.Contains(out, value) || strings.Contains(out, fmt.Sprintf("%x", value)) {
		t.Errorf("a secret was printed: %s", out)
	}
	if !strings.Contains(out, "***") {
		t.Error("a set secret should show as ***")
	}
	if c.WebhookSecret.Reveal() != value {
		t.Error("Reveal must give the value")
	}
	_, err = config.Load([]string{"BONFIRE_DATABASE_URL=://user:" + value + "@host"})
	if err == nil || strings.Contains(err.Error(), value) {
		t.Errorf("an error message must not hold the value: %v", err)
	}
}

func TestEveryVariableIsDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range config.Variables() {
		if !strings.HasPrefix(v.Name, "BONFIRE_") || v.Help == "" || v.Group == "" || seen[v.Name] {
			t.Errorf("variable %+v is incomplete or doubled", v)
		}
		seen[v.Name] = true
		if !strings.Contains(config.Help(), v.Name) {
			t.Errorf("%s is missing from the help", v.Name)
		}
	}
}

func TestUnknownFindsMisspeltNames(t *testing.T) {
	got := config.Unknown([]string{"BONFIRE_S3_BUKET=x", "BONFIRE_TOKEN=x", "BONFIRE_ADDR=:1", "PATH=/bin"})
	if len(got) != 1 || got[0] != "BONFIRE_S3_BUKET" {
		t.Errorf("got %v", got)
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.9.9.9:1": true, "[::1]:8080": true, "localhost:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "10.0.0.1:80": false, "example.org:80": false, "nonsense": false,
	} {
		if got := config.Loopback(addr); got != want {
			t.Errorf("Loopback(%q) = %v", addr, got)
		}
	}
}

func TestSizeWritesAndReadsBack(t *testing.T) {
	for text, want := range map[string]string{"8MiB": "8MiB", "1024KiB": "1MiB", "5GiB": "5GiB", "1000": "1000B", "0": "0B", "3 MiB": "3MiB"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != want {
			t.Errorf("%q: got %s, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "8MB", "MiB", "9223372036854775807KiB"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, s)
		}
	}
}
