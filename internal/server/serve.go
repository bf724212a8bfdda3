package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/records"
)

const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 64 << 10
	// graceTime is how long requests may take to finish once the server stops;
	// orchestrators kill after 30 s by default.
	graceTime = 25 * time.Second
	// sweepEvery is how often a server looks for uploads that a crash left half-done.
	sweepEvery = 10 * time.Second
	// retentionEvery is how often a server looks for files whose time has come.
	retentionEvery = time.Hour
	// forgetEvery is how often a server looks for events that are old enough to go.
	forgetEvery = 6 * time.Hour
	// partitionsEvery is how often the audit trail's coming months are made ready.
	partitionsEvery = 12 * time.Hour
	partitionsAhead = 3
)

// Run serves on ln until ctx ends, and then stops in order: no new requests,
// uploads commit what has arrived, the others finish within their time, the
// workers end. ready is called once requests are served; it may be nil. The
// listener is closed in every case.
func (r *Rooms) Run(ctx context.Context, o Options, ln net.Listener, ready func()) error {
	defer ln.Close()
	limitMemory(o.Config)
	stopping, stop := context.WithCancel(context.Background())
	defer stop()
	m := newMetrics(r)
	h, err := r.handler(o, m, lifetimes{stopping})
	if err != nil {
		return err
	}
	servers := []*http.Server{newServer(h, o.Log)}
	listeners := []net.Listener{ln}
	if addr := o.Config.MetricsAddr; addr != "" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("BONFIRE_METRICS_ADDR: %w", err)
		}
		servers, listeners = append(servers, newServer(m.handler(), o.Log)), append(listeners, l)
	}

	workers, endWorkers := context.WithCancel(context.WithoutCancel(ctx))
	defer endWorkers()
	group, failed := errgroup.WithContext(ctx)
	for i, srv := range servers {
		group.Go(func() error {
			if err := srv.Serve(listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	r.work(workers, group, o.Config)
	if ready != nil {
		ready()
	}
	<-failed.Done() // ctx ended, or a server or worker did
	stop()
	err = shutdown(servers)
	endWorkers()
	return errors.Join(err, group.Wait())
}

// work starts the background workers.
func (r *Rooms) work(ctx context.Context, group *errgroup.Group, c config.Config) {
	group.Go(func() error { return r.Ledger.Run(ctx) })
	group.Go(func() error { return r.Records.Sweeper(ctx, sweepEvery) })
	group.Go(func() error { return r.Records.Sealer(ctx, c.AuditSeal) })
	group.Go(func() error { return r.Records.Retention(ctx, retentionEvery) })
	group.Go(func() error { return r.Records.Listen(ctx) })
	if c.FsckEvery > 0 {
		group.Go(func() error { return r.Records.WatchDrift(ctx, c.FsckEvery) })
	}
	if r.webhook != nil {
		group.Go(func() error { return r.webhook.Run(ctx) })
	}
	group.Go(func() error {
		r.rounds("events", forgetEvery).Run(ctx, func(ctx context.Context) error { return r.Records.ForgetEvents(ctx, c.EventRetention) })
		return nil
	})
	group.Go(func() error {
		r.rounds("audit partitions", partitionsEvery).Run(ctx, func(ctx context.Context) error { return r.Store.AuditPartitions(ctx, partitionsAhead) })
		return nil
	})
}

func (r *Rooms) rounds(name string, every time.Duration) records.Rounds {
	return records.Rounds{Every: every, Name: name, Level: slog.LevelWarn, Log: r.log}
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h,
		// No ReadTimeout and no WriteTimeout: one PATCH may be an hour's recording.
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// shutdown lets requests finish, and cuts off those that do not.
func shutdown(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), graceTime)
	defer cancel()
	var err error
	for _, srv := range servers {
		if e := srv.Shutdown(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("requests were cut off: %w", e), srv.Close())
		}
	}
	return err
}
