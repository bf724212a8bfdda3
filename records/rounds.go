package records

import (
	"context"
	"log/slog"
	"time"
)

// Rounds are work in the background that is done again and again.
type Rounds struct {
	// Every is the time from the beginning of one round to that of the next. A
	// round that takes longer is followed at once, by one and not by all it missed.
	Every time.Duration
	// Early brings the next round forward; nil when nothing does.
	Early <-chan struct{}
	// Name and Level are those of the log's event when a round fails.
	Name  string
	Level slog.Level
	Log   *slog.Logger
}

// Run does the first round now, and ends with ctx. What fails is tried again in
// the next round.
func (r Rounds) Run(ctx context.Context, round func(context.Context) error) {
	t := time.NewTicker(r.Every)
	defer t.Stop()
	for ctx.Err() == nil {
		if err := round(ctx); err != nil && ctx.Err() == nil {
			r.Log.Log(ctx, r.Level, r.Name, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-r.Early:
		}
	}
}
