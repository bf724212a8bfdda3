package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/bonfiredb/bonfire/internal/cli"
	"github.com/bonfiredb/bonfire/internal/devstack"
)

func main() {
	if devstack.ChildMain() { // this process is the embedded S3 server
		return
	}
	os.Exit(run(os.Args, os.Environ()))
}

// run ends with the first SIGINT or SIGTERM in good order; a second one kills.
func run(args, environ []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, args, environ, os.Stdin, os.Stdout, os.Stderr)
}
