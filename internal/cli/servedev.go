package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/store"
)

// serveDev is `serve --dev`: the same server, with what it stands on brought
// along. What the environment names is used as it is.
func (p *program) serveDev(ctx context.Context, f serveFlags) (err error) {
	cfg, err := p.load(f.over()...)
	if err != nil {
		return err
	}
	if !config.Loopback(cfg.Addr) {
		return &misused{fmt.Errorf("BONFIRE_ADDR: --dev listens on this machine only, because anybody may have its tokens: take 127.0.0.1:8080, not %s", cfg.Addr)}
	}
	log := slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: cfg.LogLevel}))
	p.warnUnknown(log)
	ln, err := net.Listen("tcp", cfg.Addr) // first: the bucket's CORS rules name the port
	if err != nil {
		return fmt.Errorf("BONFIRE_ADDR: %w", err)
	}
	defer ln.Close()
	cfg.PublicURL = publicURL(cfg, ln.Addr().String())

	stack, stackEnv, err := startMissing(ctx, cfg, f.data)
	if err != nil {
		return err
	}
	defer stopStack(stack, &err)
	kept, end := context.WithCancel(ctx)
	defer end()
	go stack.Keep(kept, log)
	over := append(append(f.over(), "BONFIRE_PUBLIC_URL="+cfg.PublicURL), stackEnv...)
	if cfg, err = p.load(over...); err != nil {
		return err
	}
	key, err := p.devKey(f.data)
	if err != nil {
		return err
	}
	if cfg.SigningKeys == "" {
		path, err := signingKeys(f.data)
		if err != nil {
			return err
		}
		cfg.SigningKeys = config.Secret(path)
	}
	if len(stackEnv) > 0 {
		withdraw, err := shareEnv(f.data, append(stackEnv, "BONFIRE_PUBLIC_URL="+cfg.PublicURL, "BONFIRE_SIGNING_KEYS="+cfg.SigningKeys.Reveal()))
		if err != nil {
			return err
		}
		defer withdraw()
	}
	if err := migrateDev(ctx, cfg, log); err != nil {
		return err
	}
	o := server.Options{
		Config: cfg, Dev: true, DevKey: key, Origins: localOrigins(cfg), Log: log,
		Credentials: awsCredentials(config.Vars(append(append([]string{}, p.environ...), stackEnv...))),
	}
	rooms, err := server.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rooms.Close()) }()
	if err := rooms.Check(ctx); err != nil {
		return fmt.Errorf("refusing to serve: %w", err)
	}
	if err := demo.Seed(ctx, rooms.Store, time.Now()); err != nil {
		return err
	}
	return rooms.Run(ctx, o, ln, func() { p.welcome(cfg, f) })
}

// startMissing starts what the environment does not name.
func startMissing(ctx context.Context, cfg config.Config, dir string) (stopper, []string, error) {
	database, bucket := cfg.DatabaseURL == "", cfg.S3Bucket == ""
	switch {
	case database && bucket:
		s, err := devstack.Start(ctx, devstack.Options{Dir: dir, CORSOrigins: localOrigins(cfg)})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Env(), nil
	case database:
		s, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: dir})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Env(), nil
	case bucket:
		s, err := devstack.StartS3(ctx, devstack.S3Options{Dir: dir, CORSOrigins: localOrigins(cfg)})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Env(), nil
	}
	return nothing{}, nil, nil
}

// startOrJoin is startMissing, or what a program that runs on dir has started.
func (p *program) startOrJoin(ctx context.Context, cfg config.Config, dir string) (stopper, []string, error) {
	stack, env, err := startMissing(ctx, cfg, dir)
	if !errors.Is(err, devstack.ErrInUse) {
		return stack, env, err
	}
	env, missing := sharedEnv(dir, p.environ)
	if missing != nil {
		return nil, nil, err // it is being started or removed
	}
	return nothing{}, env, nil
}

// nothing was started.
type nothing struct{}

// Keep does nothing.
func (nothing) Keep(context.Context, *slog.Logger) {}

// Stop does nothing.
func (nothing) Stop(context.Context) error { return nil }

// migrateDev brings the database up to date where it may.
func migrateDev(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	if cfg.MigrateDatabaseURL == "" {
		return nil // the check before serving tells when that was needed
	}
	applied, err := store.Migrate(ctx, cfg.MigrateDatabaseURL.Reveal())
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if len(applied) > 0 {
		log.Info("migrated", "applied", len(applied))
	}
	return nil
}

// publicURL is the address that clients use: the configured one, or that of
// the listener, by the name that people type.
func publicURL(cfg config.Config, addr string) string {
	if cfg.PublicURL != "" {
		return cfg.PublicURL
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "http://" + addr
	}
	if host == "127.0.0.1" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// welcome tells what there is to try; each line works as it stands.
func (p *program) welcome(cfg config.Config, f serveFlags) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }
	token := p.name + " dev token clinician"
	if f.data != dataDir {
		token += " --data " + quote(f.data)
	}
	at := ""
	if cfg.PublicURL != defaultServer {
		at = " --server " + cfg.PublicURL
	}
	say("Bonfire files: %s\n", cfg.PublicURL)
	if cfg.ConsoleOn(true) {
		say("Open it in a browser and sign in as one of the demo principals below.\n")
	}
	say("Try, in another terminal:")
	say(`  echo 'Allergic to penicillin.' | %s upload - --patient %s --kind intake-form%s --token "$(%s)"`, p.name, demo.Patient, at, token)
	say(`  curl -s %s/graphql -H "Authorization: Bearer $(%s)" -H 'Content-Type: application/json' -d '{"query":"{ files(patientId: \"%s\") { nodes { id kind size } } }"}'`,
		cfg.PublicURL, token, demo.Patient)
	if cfg.PlaygroundOn(true) {
		say("  %s/playground/   (GraphQL in the browser; put {\"Authorization\": \"Bearer TOKEN\"} into its headers)", cfg.PublicURL)
	} else {
		say("  %s help", p.name)
	}
	if _, err := os.Stat(filepath.Join(f.data, envFile)); err == nil {
		say("  %s; %s doctor --dev   (likewise fsck, export, audit, key, member: commands that work on the stores)", shellEnv(f.data), p.name)
	}
	say("\nDemo principals (%s):", token[:len(p.name)+len(" dev token ")]+"NAME")
	for _, d := range demo.Principals() {
		say("  %-10s %s", d.Name, d.Does)
	}
	say("")
}
