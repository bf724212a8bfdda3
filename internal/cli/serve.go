package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/server"
)

type serveFlags struct {
	dev        bool
	data, addr string
}

func (p *program) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: "Runs the server until it is told to stop (SIGTERM, SIGINT); then requests under way are finished.\n" +
			"All configuration comes from the environment.\n\n" +
			"With --dev it has a demo clinic and development tokens and, where no database or bucket is named, embedded\n" +
			"ones. It then listens on this machine only.\n\nEnvironment:\n" + config.Help() +
			"\n  The standard AWS_* variables are read, too.",
		Args: cobra.NoArgs,
		RunE: do(func(ctx context.Context, _ []string) error {
			if f.dev {
				return p.serveDev(ctx, f)
			}
			return p.serve(ctx, f)
		}),
	}
	cmd.Flags().BoolVar(&f.dev, "dev", false, "development: demo clinic, development tokens, embedded stack")
	cmd.Flags().StringVar(&f.data, "data", dataDir, "data directory of --dev")
	cmd.Flags().StringVar(&f.addr, "addr", "", "host:port, in place of BONFIRE_ADDR")
	return cmd
}

// over is what flags put over the environment.
func (f serveFlags) over() []string {
	if f.addr == "" {
		return nil
	}
	return []string{"BONFIRE_ADDR=" + f.addr}
}

// serve is production: it starts only on what is complete and safe.
func (p *program) serve(ctx context.Context, f serveFlags) (err error) {
	cfg, err := p.load(f.over()...)
	if err != nil {
		return err
	}
	if err := cfg.ReadyToServe(); err != nil {
		return &misused{err}
	}
	log := slog.New(slog.NewJSONHandler(p.err, &slog.HandlerOptions{Level: cfg.LogLevel}))
	p.warnUnknown(log)
	o := server.Options{Config: cfg, Credentials: awsCredentials(p.vars), Log: log}
	rooms, err := server.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rooms.Close()) }()
	if err := rooms.Check(ctx); err != nil {
		return fmt.Errorf("refusing to serve: %w", err)
	}
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("BONFIRE_ADDR: %w", err)
	}
	defer log.Info("stopped")
	return rooms.Run(ctx, o, ln, func() {
		log.Info("serving", "address", ln.Addr().String(), "url", cfg.PublicURL, "version", version())
	})
}

func (p *program) warnUnknown(log *slog.Logger) {
	if names := config.Unknown(p.environ); len(names) > 0 {
		log.Warn("nothing reads these variables; are they misspelt?", "names", strings.Join(names, " "))
	}
}

// awsCredentials are the keys that the environment names; nil leaves it to the
// SDK, which knows of profiles, roles and instance metadata.
func awsCredentials(vars map[string]string) aws.CredentialsProvider {
	key, secret := vars["AWS_ACCESS_KEY_ID"], vars["AWS_SECRET_ACCESS_KEY"]
	if key == "" || secret == "" {
		return nil
	}
	return credentials.NewStaticCredentialsProvider(key, secret, vars["AWS_SESSION_TOKEN"])
}
