package records_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bonfiredb/bonfire/records"
)

// TestRounds: the sweeper, and all else that is done in the background, works at
// once, then at its pace or when it is called; neither a failure nor a round
// that takes long stops it or is made up for, and it ends when it is told.
func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		early := make(chan struct{}, 1)
		var log strings.Builder
		var at []time.Duration
		over := make(chan struct{})
		go func() {
			defer close(over)
			r := records.Rounds{Every: time.Minute, Early: early, Name: "sweep", Level: slog.LevelWarn, Log: slog.New(slog.NewTextHandler(&log, nil))}
			r.Run(ctx, func(ctx context.Context) error {
				at = append(at, time.Since(began))
				switch len(at) {
				case 2:
					return errors.New("the database is away")
				case 4:
					time.Sleep(150 * time.Second)
				case 7:
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			})
		}()
		time.Sleep(90 * time.Second)
		early <- struct{}{}
		time.Sleep(time.Hour)
		stop()
		<-over
		want := []time.Duration{0, time.Minute, 90 * time.Second, 2 * time.Minute, 270 * time.Second, 5 * time.Minute, 6 * time.Minute}
		if !slices.Equal(at, want) {
			t.Errorf("rounds at %v, want %v", at, want)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "the database is away") {
			t.Errorf("the log: %s", log.String())
		}
	})
}
