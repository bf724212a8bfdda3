// Package devstack is the development stack in a box: a real Postgres and a real S3 server, both child processes of this program, with their
// data in one directory. `bonfire serve --dev`, `bonfire devstack` and every test that needs a database or a bucket stand on it.
//
// Postgres is the machine's own (initdb once, then a postmaster on a unix socket). S3 is versitygw, which is linked into this program and
// runs in a second copy of it: [ChildMain] turns a process into that server, so main and TestMain call it before anything else.
//
//	stack, err := devstack.Start(ctx, devstack.Options{Dir: "./.data"})
//	defer stack.Stop(context.Background())
//	os.Environ() + stack.Env() is the environment of a server
//
// What the stack promises: the data survives Stop and Start, kill -9 of either server and kill -9 of this program; the next Start needs no
// help. Servers end when the program that started them ends. Nothing listens beyond loopback. One program at a time uses a directory.
//
// What it is not: a production store. The S3 server does not fsync, keeps no lifecycle rules and accepts SSE-KMS headers without encrypting.
// Builds with the tag nodevstack (release images) hold none of it: there Start returns [ErrNotBuilt].
//
// What does not live here: the schema (package store migrates), the demo clinic, anything clinical. The package imports the standard
// library, versitygw and the AWS SDK only; SQL goes through psql, which stands beside every postgres binary.
package devstack
