package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/devstack"
)

// stackStop bounds the clean stop of the embedded servers; then they are killed.
const stackStop = 20 * time.Second

type devstackFlags struct {
	data           string
	pgPort, s3Port int
	remove         bool
}

func (p *program) devstackCommand() *cobra.Command {
	var f devstackFlags
	cmd := &cobra.Command{
		Use:   "devstack",
		Short: "Run only Postgres and S3, for servers beside it",
		Long: "Runs Postgres and an S3 server in the foreground until it is told to stop. Prints what serve needs as\n" +
			"NAME=value lines, then READY. Several servers may share one. For development: the S3 server does not fsync.",
		Args: cobra.NoArgs,
		RunE: do(func(ctx context.Context, _ []string) error {
			if f.remove {
				return devstack.Remove(f.data)
			}
			return p.devstack(ctx, f)
		}),
	}
	cmd.Flags().StringVar(&f.data, "data", dataDir, "data directory")
	cmd.Flags().BoolVar(&f.remove, "remove", false, "remove what a stack made in the data directory, and its database where that lives elsewhere; refused while one runs")
	cmd.Flags().IntVar(&f.pgPort, "pg-port", 0, "port of Postgres (default: a free one)")
	cmd.Flags().IntVar(&f.s3Port, "s3-port", 0, "port of S3 (default: a free one)")
	return cmd
}

func (p *program) devstack(ctx context.Context, f devstackFlags) (err error) {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	pgPort := f.pgPort
	if pgPort == 0 {
		pgPort = devstack.FreePort
	}
	stack, err := devstack.Start(ctx, devstack.Options{
		Dir: f.data, PGPort: pgPort, S3Port: f.s3Port, CORSOrigins: localOrigins(cfg),
	})
	if err != nil {
		return err
	}
	defer stopStack(stack, &err)
	key, err := p.devKey(f.data)
	if err != nil {
		return err
	}
	settings := append(stack.Env(), "BONFIRE_DEV_KEY="+string(key))
	withdraw, err := shareEnv(f.data, settings)
	if err != nil {
		return err
	}
	defer withdraw()
	for _, line := range settings {
		_, _ = fmt.Fprintln(p.out, line)
	}
	_, _ = fmt.Fprintln(p.out, "READY")
	stack.Keep(ctx, slog.New(slog.NewTextHandler(p.err, nil)))
	return nil
}

// stopper is the embedded stack, or one half of it.
type stopper interface {
	Keep(context.Context, *slog.Logger)
	Stop(context.Context) error
}

// stopStack stops the embedded servers and adds what went wrong to err.
func stopStack(s stopper, err *error) {
	ctx, cancel := context.WithTimeout(context.Background(), stackStop)
	defer cancel()
	*err = errors.Join(*err, s.Stop(ctx))
}

// localOrigins are the origins whose pages may fetch from the embedded bucket:
// the server's own under both of its names, and the configured ones.
func localOrigins(cfg config.Config) []string {
	origins := append([]string{}, cfg.CORSOrigins...)
	public, err := url.Parse(publicURL(cfg, cfg.Addr))
	if err != nil {
		return origins
	}
	origins = append(origins, public.Scheme+"://"+public.Host)
	if port := public.Port(); config.LoopbackHost(public.Hostname()) && port != "" {
		for _, host := range []string{"localhost", "127.0.0.1"} {
			if name := host + ":" + port; name != public.Host {
				origins = append(origins, public.Scheme+"://"+name)
			}
		}
	}
	return origins
}
