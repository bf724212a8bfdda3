package store

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// tracer logs statements for debugging. bun writes values into the text of a
// statement, so only texts with placeholders are shown; of the others the verb.
type tracer struct{ log *slog.Logger }

type traceKey struct{}

type traced struct {
	statement string
	start     time.Time
}

// TraceQueryStart implements pgx.QueryTracer.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	statement := d.SQL
	if len(d.Args) == 0 {
		statement, _, _ = strings.Cut(strings.TrimSpace(d.SQL), " ")
	}
	return context.WithValue(ctx, traceKey{}, traced{statement, time.Now()})
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryEndData) {
	started, _ := ctx.Value(traceKey{}).(traced)
	t.log.DebugContext(ctx, "sql", "statement", started.statement, "took", time.Since(started.start),
		"tag", d.CommandTag.String(), "sqlstate", sqlState(d.Err))
}
