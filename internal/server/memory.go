package server

import (
	"math"
	"runtime/debug"

	"github.com/bonfiredb/bonfire/internal/config"
)

// besideSpools is what a busy server uses beside its spools; what it holds above
// that is mostly garbage.
const besideSpools = 128 << 20

// limitMemory has garbage collected sooner once the process is as large as its
// spools may make it, instead of letting it become twice that. GOMEMLIMIT, where
// it is set, stays.
func limitMemory(c config.Config) {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(int64(c.SpoolMemory) + besideSpools)
	}
}
