//go:build unix && !nodevstack

package devstack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// superuser exists on the socket only; nothing but this package and tests that play a database administrator use it.
const superuser = "postgres"

// hba is who may come in. The socket is in a 0700 directory: whoever reaches it could as well change the files. TCP asks for passwords and
// knows the two roles only.
const hba = `# TYPE  DATABASE     USER                       ADDRESS       METHOD
local   all          all                                      trust
local   replication  all                                      trust
host    all          ` + OwnerRole + `,` + AppRole + `  127.0.0.1/32  scram-sha-256
`

// settings suit a small machine and several stacks at a time. Failed statements and the DETAIL of errors (which quotes values) stay out of
// the log: it would hold patient data.
func (p *Postgres) settings() []string {
	listen := ""
	if p.opts.Port != 0 {
		listen = "127.0.0.1"
	}
	set := []string{
		"listen_addresses=" + listen,
		"port=" + strconv.Itoa(p.port),
		"unix_socket_directories=" + strings.ReplaceAll(p.place.sockets, ",", `\,`),
		"unix_socket_permissions=0700",
		"max_connections=200",
		"shared_buffers=32MB",
		"huge_pages=off",
		"dynamic_shared_memory_type=mmap", // in the data directory: /dev/shm is small in containers, and kill -9 would leave files there
		"jit=off",
		"timezone=UTC",
		"log_timezone=UTC",
		"password_encryption=scram-sha-256",
		"logging_collector=off",
		"log_destination=stderr",
		"log_line_prefix=%m [%p] ",
		"log_checkpoints=off",
		"log_min_error_statement=panic",
		"log_error_verbosity=terse",
	}
	if p.opts.Replicated {
		set = append(set, "wal_level=replica", "max_wal_senders=4")
	} else {
		set = append(set, "wal_level=minimal", "max_wal_senders=0")
	}
	if p.opts.NoSync {
		set = append(set, "fsync=off", "full_page_writes=off") // a commit still reaches the kernel, which outlives kill -9
	}
	return set
}

// dataMajor is the version of Postgres that made a cluster; 0 when there is none.
func dataMajor(data string) int {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return 0
	}
	return versionIn(string(raw))
}

// initCluster makes an empty cluster unless there is one. It works beside the final place and moves the result there in one step, so that a
// half-made cluster is never taken for a whole one. The locale is C: the order of strings is the same on every machine.
func (p *Postgres) initCluster(ctx context.Context) error {
	if dataMajor(p.place.data()) != 0 {
		return nil
	}
	work := p.place.data() + ".new"
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("devstack: initdb: %w", err)
	}
	if err := os.Mkdir(work, 0o700); err != nil {
		return fmt.Errorf("devstack: initdb: %w", err)
	}
	fill := p.initdb
	if p.follows != nil {
		fill = p.baseBackup
	}
	if err := fill(ctx, work); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "pg_hba.conf"), []byte(hba), 0o600); err != nil {
		return fmt.Errorf("devstack: initdb: %w", err)
	}
	if err := p.home.note(p.begin); err != nil {
		return err
	}
	// An empty directory may stand at the final place: settle makes one to see whether it can be reached.
	if err := os.Remove(p.place.data()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("devstack: initdb: %w", err)
	}
	if err := os.Rename(work, p.place.data()); err != nil {
		return fmt.Errorf("devstack: initdb: %w", err)
	}
	return nil
}

// begin notes what a new cluster holds: nothing yet, or what the one that it follows holds.
func (p *Postgres) begin(f *facts) {
	f.Prepared = ""
	if p.follows != nil {
		of := p.follows.home.known()
		f.OwnerPassword, f.AppPassword, f.Prepared = of.OwnerPassword, of.AppPassword, of.Prepared
	}
}

// initdb makes a cluster with nothing in it.
func (p *Postgres) initdb(ctx context.Context, work string) error {
	args := []string{"-D", work, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"}
	if p.opts.NoSync {
		args = append(args, "--no-sync", "--wal-segsize=1") // a fifth less to write
	}
	return p.fill(ctx, "initdb", work, args...)
}

// fill runs a program that fills the empty directory work, as the user that the server will run as.
func (p *Postgres) fill(ctx context.Context, name, work string, args ...string) error {
	cmd := exec.Command(p.bin.path(name), args...)
	cmd.Dir = work
	cmd.Env = childEnv()
	if c := p.place.cred; c != nil {
		if err := os.Chown(work, int(c.Uid), int(c.Gid)); err != nil {
			return fmt.Errorf("devstack: %s: %w", name, err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := run(ctx, cmd); err != nil {
		return fmt.Errorf("devstack: %s: %w\n%s", name, err, strings.TrimSpace(out.String()))
	}
	return nil
}

// rolesSQL makes the two roles, the schema's rights (in template1, so that every database has them) and the database. It may run again.
// \gexec runs what a query returns. Rights on tables are the migrations' business.
const rolesSQL = `
SELECT 'CREATE ROLE ' || r FROM unnest(ARRAY['` + OwnerRole + `', '` + AppRole + `']) r WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) \gexec
ALTER ROLE ` + OwnerRole + ` LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '%s';
ALTER ROLE ` + AppRole + ` LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '%s';
\connect template1
ALTER SCHEMA public OWNER TO ` + OwnerRole + `;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ` + AppRole + `;
\connect postgres
SELECT 'CREATE DATABASE ` + Database + ` OWNER ` + OwnerRole + `' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '` + Database + `') \gexec
REVOKE ALL ON DATABASE ` + Database + ` FROM PUBLIC;
GRANT CONNECT ON DATABASE ` + Database + ` TO ` + AppRole + `;
`

// prepare runs rolesSQL, once per cluster and wording.
func (p *Postgres) prepare(ctx context.Context) error {
	known := p.home.known()
	script := fmt.Sprintf(rolesSQL, known.OwnerPassword, known.AppPassword)
	sum := sha256.Sum256([]byte(script))
	digest := hex.EncodeToString(sum[:])
	if known.Prepared == digest {
		return nil
	}
	if err := p.psql(ctx, script); err != nil {
		return fmt.Errorf("devstack: make roles and database: %w", err)
	}
	return p.home.note(func(f *facts) { f.Prepared = digest })
}

// psql runs a script as the superuser, statement by statement, and stops at the first error. The script goes in by standard input:
// arguments are visible to every user of the machine.
func (p *Postgres) psql(ctx context.Context, script string) error {
	cmd := exec.Command(p.bin.path("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1",
		"-h", p.place.sockets, "-p", strconv.Itoa(p.port), "-U", superuser, "-d", "postgres")
	cmd.Env = append(childEnv(), "PGCONNECT_TIMEOUT=10", "PGAPPNAME=devstack")
	cmd.Dir = "/"
	cmd.Stdin = strings.NewReader(script)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = nil, &out
	if err := run(ctx, cmd); err != nil {
		return fmt.Errorf("psql: %w: %s", err, strings.TrimSpace(out.String()))
	}
	return nil
}
