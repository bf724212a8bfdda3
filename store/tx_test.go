package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bonfiredb/bonfire/clinical"
)

// Transactions that lose against another one run again, and both effects stay.
func TestInTxRetriesDeadlocks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.patient(north), h.patient(north)
	touch := func(ctx context.Context, tx *Tx, id clinical.PatientID) error {
		_, err := tx.exec(ctx, `UPDATE patient SET display_name = display_name || 'x' WHERE id = $1`, string(id))
		return err
	}
	var met, done sync.WaitGroup
	met.Add(2)
	var runs [2]int
	for i, order := range [][]clinical.PatientID{{a.ID, b.ID}, {b.ID, a.ID}} {
		done.Go(func() {
			err := h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
				runs[i]++
				if err := touch(ctx, tx, order[0]); err != nil {
					return err
				}
				if runs[i] == 1 { // each holds one row and wants the other's
					met.Done()
					met.Wait()
				}
				return touch(ctx, tx, order[1])
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if runs[0]+runs[1] != 3 {
		t.Errorf("%v runs, want one repeated", runs)
	}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		got, err := tx.patientRow(ctx, a.ID)
		same(t, got.DisplayName, a.DisplayName+"xx", err)
		return nil
	})
}

// A failure of fn rolls everything back and comes out as it went in.
func TestInTxRollsBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := clinical.Patient{ID: clinical.NewID[clinical.PatientID](noon), Tenant: north, CreatedAt: noon, CreatedBy: clinical.NewID[clinical.ActorID](noon)}
	insert := func(ctx context.Context, tx *Tx) error { return tx.InsertPatient(ctx, p, nil) }
	cause := clinical.Fail(clinical.Gone, "it is gone", errors.New("cause"))
	err := h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		check(t, insert(ctx, tx))
		return cause
	})
	if err != error(cause) {
		t.Errorf("got %v, want the failure itself", err)
	}
	wantKind(t, h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		check(t, insert(ctx, tx))
		return errors.New("plain")
	}), clinical.Internal)
	wantKind(t, h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error { return sql.ErrNoRows }), clinical.NotFound)
	func() {
		defer func() {
			if recover() != "out" {
				t.Error("the panic was swallowed")
			}
		}()
		_ = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			check(t, insert(ctx, tx))
			panic("out")
		})
	}()
	h.in(north, insert) // none of these left it behind, nor a connection in a transaction
	if got := h.db.Stats().AcquiredConns(); got != 0 {
		t.Errorf("%d connections are still out", got)
	}
	// A statement that failed cannot be passed over in silence.
	wantKind(t, h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		_ = insert(ctx, tx)
		return nil
	}), clinical.Internal)
}

func TestInTxRefusesNesting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		if tx.Tenant() != north {
			t.Errorf("the tenant is %q", tx.Tenant())
		}
		wantKind(t, h.db.InTx(ctx, north, func(context.Context, *Tx) error { return nil }), clinical.Internal)
		_, err := h.db.Tenants(ctx)
		wantKind(t, err, clinical.Internal)
		return nil
	})
	wantKind(t, h.db.InTx(h.Context(), "", func(context.Context, *Tx) error { return nil }), clinical.Internal)
	wantKind(t, h.db.InTx(h.Context(), "Not A Slug", func(context.Context, *Tx) error { return nil }), clinical.Internal)
}

// The tenant is the transaction's: the next borrower of the connection has none.
func TestP9_TenantDoesNotOutliveItsTransaction(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	db, err := Open(h.Context(), h.env.AppURL, Options{MaxConns: 1})
	check(t, err)
	defer func() { _ = db.Close() }()
	for _, end := range []error{nil, errors.New("rolled back")} {
		_ = db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error { return end })
		var tenant string
		check(t, db.pool.QueryRow(h.Context(), `SELECT coalesce(current_setting('app.tenant', true), '')`).Scan(&tenant))
		if tenant != "" {
			t.Errorf("after %v the connection is still %q", end, tenant)
		}
	}
}

// A caller who leaves before COMMIT leaves nothing behind; the error says why.
func TestInTxOfACallerWhoLeaves(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := clinical.Patient{ID: clinical.NewID[clinical.PatientID](noon), Tenant: north, CreatedAt: noon, CreatedBy: clinical.NewID[clinical.ActorID](noon)}
	ctx, leave := context.WithCancel(h.Context())
	err := h.db.InTx(ctx, north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.InsertPatient(ctx, p, nil))
		leave()
		return nil
	})
	wantKind(t, err, clinical.Unavailable)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation within", err)
	}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		_, err := tx.patientRow(ctx, p.ID)
		wantKind(t, err, clinical.NotFound)
		return nil
	})
}

// A restart of Postgres between transactions, and within one, is made up for:
// the transaction runs again, and its effect is there once (P1).
func TestP1_InTxSurvivesARestart(t *testing.T) {
	t.Parallel()
	h := settleIn(t, devtestPrivate(t))
	postgres := h.env.Stack.Postgres()
	for name, harm := range map[string]func(){
		"stopped": func() { check(t, postgres.Restart(context.Background())) },
		"killed":  func() { postgres.Kill(); check(t, postgres.Start(context.Background())) },
	} {
		t.Run(name, func(t *testing.T) {
			h.warm(8)
			harm()
			before := h.retries.Load()
			between := h.patient(north)
			if n := h.retries.Load() - before; n != 1 {
				t.Errorf("%d retries: the other connections were tried one by one", n)
			}

			h.warm(8)
			p, runs := between, 0
			p.ID = clinical.NewID[clinical.PatientID](noon)
			h.in(north, func(ctx context.Context, tx *Tx) error {
				runs++
				if err := tx.InsertPatient(ctx, p, nil); err != nil {
					return err
				}
				if runs == 1 {
					harm()
				}
				_, err := tx.patientRow(ctx, p.ID)
				return err
			})
			if runs != 2 {
				t.Errorf("%d runs, want 2", runs)
			}
			h.in(north, func(ctx context.Context, tx *Tx) error {
				for _, id := range []clinical.PatientID{between.ID, p.ID} {
					if _, err := tx.patientRow(ctx, id); err != nil {
						t.Error(err)
					}
				}
				return nil
			})
		})
	}
	postgres.Kill()
	for h.db.Ping(h.Context()) == nil { // the backends notice in their own time
	}
	err := h.db.InTx(h.Context(), north, func(context.Context, *Tx) error { return nil })
	wantKind(t, err, clinical.Unavailable)
	wantKind(t, h.db.Ping(h.Context()), clinical.Unavailable)
	check(t, postgres.Start(context.Background()))
	check(t, h.db.Ping(h.Context()))
}

// warm leaves n connections in the pool.
func (h *house) warm(n int) {
	h.Helper()
	var all sync.WaitGroup
	var open sync.WaitGroup
	open.Add(n)
	for range n {
		all.Go(func() {
			var once sync.Once
			if err := h.db.InTx(h.Context(), north, func(context.Context, *Tx) error {
				once.Do(open.Done)
				open.Wait()
				return nil
			}); err != nil {
				h.Error(err)
			}
		})
	}
	all.Wait()
}

// When the answer to COMMIT is lost, nothing is tried again: the effect may be there.
func TestInTxDoesNotRepeatALostCommit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fatal := &pgconn.PgError{Severity: "FATAL", Code: "57P01"}
	for _, lost := range []error{fatal, errors.New("unexpected EOF"), context.DeadlineExceeded} {
		runs := 0
		err := h.db.retry(h.Context(), func() error { runs++; return outcome(lost) })
		wantKind(t, err, clinical.Unavailable)
		if runs != 1 || !strings.Contains(clinical.AsFailure(err).Words, "not known") {
			t.Errorf("%v: %d runs, %v", lost, runs, err)
		}
	}
	// A refusal by the server is no doubt: it runs again, or fails for what it is.
	runs := 0
	check(t, h.db.retry(h.Context(), func() error {
		if runs++; runs == 1 {
			return outcome(&pgconn.PgError{Severity: "ERROR", Code: serializationFailure})
		}
		return nil
	}))
	wantKind(t, h.db.retry(h.Context(), func() error { return outcome(&pgconn.PgError{Severity: "ERROR", Code: "23514"}) }), clinical.Internal)
}

// The network breaks when COMMIT has reached the server and its answer has not
// come back: the effect is there once, and the caller is told that nobody knows.
func TestP1_InTxBrokenAtCommit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	db := h.open(h.severedAtCommit())
	p := clinical.Patient{ID: clinical.NewID[clinical.PatientID](noon), Tenant: north, CreatedAt: noon, CreatedBy: clinical.NewID[clinical.ActorID](noon)}
	runs := 0
	err := db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		runs++
		return tx.InsertPatient(ctx, p, nil)
	})
	wantKind(t, err, clinical.Unavailable)
	if runs != 1 || !strings.Contains(clinical.AsFailure(err).Words, "not known") {
		t.Errorf("%d runs, %v", runs, err)
	}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		_, err := tx.patientRow(ctx, p.ID)
		return err
	})
}

// severedAtCommit is the URL of a way to the database on which every COMMIT
// gets through and no answer to it comes back.
func (h *house) severedAtCommit() string {
	h.Helper()
	server := h.db.conf.Copy()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(h, err)
	h.Cleanup(func() { _ = listener.Close() })
	network, address := pgconn.NetworkAddress(server.Host, server.Port)
	carry := func(client net.Conn) {
		defer func() { _ = client.Close() }()
		upstream, err := net.Dial(network, address)
		if err != nil {
			return
		}
		defer func() { _ = upstream.Close() }()
		var severed atomic.Bool
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			_, _ = io.Copy(writer(func(p []byte) (int, error) {
				if severed.Load() {
					return len(p), nil
				}
				return client.Write(p)
			}), upstream)
			_ = client.(*net.TCPConn).CloseWrite()
		}()
		for buf := make([]byte, 1<<16); ; {
			n, err := client.Read(buf)
			if err != nil {
				return
			}
			if bytes.Contains(bytes.ToLower(buf[:n]), []byte("commit\x00")) {
				severed.Store(true)
			}
			if _, err := upstream.Write(buf[:n]); err != nil {
				return
			}
			if severed.Load() {
				_ = upstream.(interface{ CloseWrite() error }).CloseWrite()
				<-answered // the server has done it and hung up
				return
			}
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go carry(client)
		}
	}()
	return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", server.User, server.Password, listener.Addr(), server.Database)
}

// writer is a function as an io.Writer.
type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// Causes and debug logs name what went wrong, never what stood in the row (P10).
func TestP10_ErrorsAndLogsHoldNoValues(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var log bytes.Buffer
	db, err := Open(h.Context(), h.env.AppURL, Options{Debug: true, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	check(t, err)
	defer func() { _ = db.Close() }()
	const secret = "Zebra-Syndrome"
	p := h.patient(north)
	u := newUpload(p)
	u.Title, u.Kind = secret, secret
	for name, write := range map[string]func(ctx context.Context, tx *Tx) error{
		"a failing row": func(ctx context.Context, tx *Tx) error {
			_, err := tx.exec(ctx, `UPDATE patient SET display_name = NULL, identifiers = to_jsonb($1::text)`, secret)
			return err
		},
		"a malformed value": func(ctx context.Context, tx *Tx) error {
			_, err := tx.exec(ctx, `SELECT $1::text::uuid`, secret)
			return err
		},
		"bad syntax by bun": func(ctx context.Context, tx *Tx) error {
			_, err := tx.bun.NewRaw("SELECT FROM WHERE ?", secret).Exec(ctx)
			return fail(err)
		},
		"a rejected insert": func(ctx context.Context, tx *Tx) error {
			bad := p
			bad.ID, bad.DisplayName, bad.CreatedBy = clinical.NewID[clinical.PatientID](noon), secret, secret
			return tx.InsertPatient(ctx, bad, nil)
		},
	} {
		err := db.InTx(h.Context(), north, write)
		wantKind(t, err, clinical.Internal)
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(t, db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error { return tx.InsertUpload(ctx, u, nil) }))
	if out := log.String(); strings.Contains(out, secret) || !strings.Contains(out, "INSERT INTO upload") {
		t.Errorf("the debug log:\n%s", out)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), "postgres://%zz", Options{})
	wantKind(t, err, clinical.Invalid)
	_, err = Open(t.Context(), "postgres://nobody@127.0.0.1:1/none?connect_timeout=2", Options{})
	wantKind(t, err, clinical.Unavailable)
}

// Statements do not run for ever.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	db, err := Open(h.Context(), h.env.AppURL, Options{StatementTimeout: 50 * time.Millisecond, LockTimeout: 10 * time.Millisecond})
	check(t, err)
	defer func() { _ = db.Close() }()
	wantKind(t, db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `SELECT pg_sleep(30)`)
		return err
	}), clinical.Unavailable)
	p := h.patient(north)
	lock := func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `SELECT FROM patient WHERE id = $1 FOR UPDATE`, string(p.ID))
		return err
	}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, lock(ctx, tx))
		wantKind(t, db.InTx(h.Context(), north, lock), clinical.Unavailable)
		return nil
	})
}
