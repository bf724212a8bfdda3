package records_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

// peril is a way to a clinic's database and bucket on which a caller dies at a
// call of the test's choice.
type peril struct {
	env    devtest.Env // reaches both by that way
	script atomic.Pointer[faultproxy.Script]
	die    atomic.Pointer[context.CancelFunc]
}

func newPeril(t *testing.T, env *devtest.Env) *peril {
	t.Helper()
	p := &peril{env: *env}
	p.script.Store(new(faultproxy.Script))
	judge := func(op faultproxy.Op) faultproxy.Fate {
		fate := p.script.Load().Judge(op)
		if fate != faultproxy.Passes {
			(*p.die.Load())()
		}
		return fate
	}
	pg, err := faultproxy.NewPostgres(env.AppURL, judge)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Close)
	s3, err := faultproxy.NewS3(env.Endpoint, judge)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s3.Close)
	p.env.AppURL, p.env.Endpoint = pg.URL, s3.URL
	return p
}

// killed runs do and ends its context at its n-th call, which meets that fate. It
// is false when do made fewer calls.
func (p *peril) killed(t *testing.T, n int, fate faultproxy.Fate, do func(context.Context)) bool {
	t.Helper()
	ctx, die := context.WithCancel(t.Context())
	p.die.Store(&die)
	plan := new(faultproxy.Script)
	plan.Plan(n, fate, true)
	p.script.Store(plan)
	do(ctx)
	die()
	p.script.Store(new(faultproxy.Script))
	return plan.Happened()
}
