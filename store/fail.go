package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bonfiredb/bonfire/clinical"
)

// SQLSTATEs that are acted on (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	uniqueViolation       = "23505"
	foreignKeyViolation   = "23503"
	undefinedTable        = "42P01"
	duplicateObject       = "42710"
	insufficientPrivilege = "42501"
	restrictViolation     = "23001" // raised by our own triggers
)

var (
	errNested   = errors.New("store: a transaction is open already")
	errNoTenant = errors.New("store: a transaction without a tenant")
)

// fail translates an error of the driver into a Failure, keeping the cause so
// that InTx can still see whether a retry helps. A Failure passes unchanged.
func fail(err error) error {
	switch {
	case err == nil:
		return nil
	case clinical.AsFailure(err) != nil:
		return err
	case errors.Is(err, sql.ErrNoRows):
		return clinical.Missing()
	case unavailable(err):
		return clinical.Fail(clinical.Unavailable, "the database does not answer, try again", discreet(err))
	}
	return internal(discreet(err))
}

// internal is a fault of ours; cause goes to the log.
func internal(cause error) error {
	return clinical.Fail(clinical.Internal, "internal error", cause)
}

// discreetError keeps a Postgres error for errors.As but prints only its code
// and the schema's names: messages and details quote values of rows (P10).
type discreetError struct{ pg *pgconn.PgError }

func discreet(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &discreetError{pg}
	}
	return err
}

func (e *discreetError) Unwrap() error { return e.pg }

func (e *discreetError) Error() string {
	s := "SQLSTATE " + e.pg.Code
	for _, part := range []struct{ label, name string }{
		{"table", e.pg.TableName}, {"column", e.pg.ColumnName},
		{"constraint", e.pg.ConstraintName}, {"in", e.pg.Routine},
	} {
		if part.name != "" {
			s += " " + part.label + " " + part.name
		}
	}
	return s
}

// sqlState is the SQLSTATE of a Postgres error in err's chain, "" when there is none.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// violates reports whether err is a violation of the named constraint.
func violates(err error, state, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == state && pg.ConstraintName == constraint
}

// contended reports whether the transaction lost against another one and would
// probably succeed when run again. The third case is a prepared statement whose
// table a migration has changed: pgx prepares it anew the next time.
func contended(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	return pg.Code == serializationFailure || pg.Code == deadlockDetected ||
		pg.Code == "0A000" && pg.Routine == "RevalidateCachedQuery"
}

// abandoned reports whether the caller gave up.
func abandoned(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// disconnected reports whether the connection broke or could not be made, or
// leads to a server that another one has taken over from.
func disconnected(err error) bool {
	if abandoned(err) { // also a net.Error
		return false
	}
	if state := sqlState(err); state != "" {
		switch state {
		case "57P01", "57P02", "57P03", "53300", "25006": // shutdown, crash, starting up, too many connections, takes no writes
			return true
		}
		return strings.HasPrefix(state, "08")
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// unavailable reports whether the same call may succeed later.
func unavailable(err error) bool {
	if abandoned(err) || disconnected(err) || contended(err) {
		return true
	}
	switch state := sqlState(err); state {
	case "57014", "55P03", "25P03": // timeout, lock timeout, idle in transaction
		return true
	default:
		return strings.HasPrefix(state, "53") // out of disk, memory, connections
	}
}

// taken translates the refusals of an INSERT: Conflict for a key that exists,
// NotFound for a row it refers to that does not.
func taken(err error) error {
	switch sqlState(err) {
	case uniqueViolation:
		return clinical.Fail(clinical.Conflict, "it exists already", discreet(err))
	case foreignKeyViolation:
		return clinical.Missing()
	}
	return fail(err)
}
