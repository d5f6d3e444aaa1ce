package invoices

import (
	"database/sql"
	"errors"
	"fmt"

	"folio/invoices/document"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// fate is what a driver's error says about the one statement, sent once, that
// it answers. database/sql sends a statement again by itself when a connection
// breaks, and then the error answers the repeat: so statements whose fate
// matters are sent on a connection of their own (sql.Conn), where it does not.
type fate struct {
	// unknown: the statement may have been executed and committed, or may
	// still be. Otherwise it certainly was not and will not be.
	unknown bool
	retry   bool // the same statement may well succeed a moment later
	data    bool // what was to be stored is at fault
	exists  bool // a thing of that key exists
}

// judge reads a driver's error; no other place does. A server that answers with
// an error has rolled back, unless it says that it is about to go away: lib/pq
// turns that answer, and every broken connection, into errors that are no
// *pq.Error, and all of those leave the fate open. So does the end of a
// context, for which the driver reports whatever came first.
func judge(err error) fate {
	answer := pq.As(err)
	if answer == nil {
		return fate{unknown: true, retry: true}
	}
	switch answer.Code {
	case pqerror.UniqueViolation:
		return fate{exists: true, data: true}
	case pqerror.TRStatementCompletionUnknown, pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow, pqerror.IdleSessionTimeout, pqerror.IdleInTransactionSessionTimeout:
		return fate{unknown: true, retry: true}
	case pqerror.QueryCanceled, pqerror.LockNotAvailable, pqerror.ObjectInUse, pqerror.ReadOnlySQLTransaction,
		pqerror.ObjectNotInPrerequisiteState: // a standby, or a server that recovers
		return fate{retry: true}
	}
	switch answer.Code.Class() {
	case "08": // the connection failed
		return fate{unknown: true, retry: true}
	case "40", "53", "57", "58": // deadlock, serialization; no room; an operator; the disk
		return fate{retry: true}
	case "22", "23", "54": // bad data, a constraint, too big
		return fate{data: true}
	}
	return fate{}
}

// wrap says what was being done and sorts err into the errors of this package
// that callers tell apart. It is for statements that store no invoice, where a
// fate left open is cured by trying again. It returns nil for nil.
func wrap(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	case isOurs(err):
		return fmt.Errorf("%s: %w", doing, err)
	}
	switch f := judge(err); {
	case f.exists:
		return fmt.Errorf("%s: %w", doing, ErrExists)
	case f.unknown || f.retry:
		return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func isOurs(err error) bool {
	for _, ours := range []error{ErrNotFound, ErrExists, ErrUnauthorized, ErrUnavailable, ErrDraftChanged, ErrDraftIssued, ErrSeriesUsed, ErrSeriesSuspended, ErrTooMany, errStale} {
		if errors.Is(err, ours) {
			return true
		}
	}
	var invalid *document.InvalidError
	return errors.As(err, &invalid)
}
