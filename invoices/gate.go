package invoices

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/jmoiron/sqlx"
)

// gate makes connections that may write: each is compared with what was seen of
// Postgres before it is used, and again before it is used by somebody else once
// an era was noted that is another.
type gate struct {
	driver.Connector
	witness *Witness
}

// Connect implements driver.Connector.
func (g gate) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := g.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	turn, err := g.witness.admit(func() (string, error) { return askOne(ctx, conn, selectStanding) })
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	whole, ok := conn.(wholeConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("connect to Postgres: the driver's %T cannot do all that is needed", conn), conn.Close())
	}
	return &admitted{wholeConn: whole, witness: g.witness, turn: turn}, nil
}

// wholeConn is all of a connection that database/sql makes use of.
type wholeConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// admitted is a connection that passed the gate.
type admitted struct {
	wholeConn
	witness *Witness
	turn    int64 // of the witness, when it passed
}

// current reports whether what was noted since could not refuse it.
func (a *admitted) current() bool { return a.turn == a.witness.turn.Load() }

// ResetSession implements driver.SessionResetter.
func (a *admitted) ResetSession(ctx context.Context) error {
	if !a.current() {
		return driver.ErrBadConn
	}
	return a.wholeConn.ResetSession(ctx)
}

// IsValid implements driver.Validator.
func (a *admitted) IsValid() bool { return a.current() && a.wholeConn.IsValid() }

// driverConn is the driver's own connection, for what only the driver knows.
func driverConn(c any) driver.Conn {
	if a, ok := c.(*admitted); ok {
		return a.wholeConn
	}
	return c.(driver.Conn)
}

// stale reports whether a connection that somebody keeps has to pass the gate
// again.
func stale(conn *sqlx.Conn) (is bool) {
	err := conn.Raw(func(c any) error {
		a, gated := c.(*admitted)
		is = gated && !a.current()
		return nil
	})
	return is || errors.Is(err, sql.ErrConnDone)
}

// askOne reads one text over a connection of the driver.
func askOne(ctx context.Context, conn driver.Conn, query string) (text string, err error) {
	asker, ok := conn.(driver.QueryerContext)
	if !ok {
		return "", fmt.Errorf("the driver's %T cannot be asked", conn)
	}
	rows, err := asker.QueryContext(ctx, query, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	value := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(value); err != nil {
		if errors.Is(err, io.EOF) {
			err = sql.ErrNoRows
		}
		return "", err
	}
	return fmt.Sprintf("%s", value[0]), nil
}

// mayWrite says why nothing is written at present, so that who would only wait is
// told at once; nil if it is not known that nothing is.
func (db *DB) mayWrite() error { return db.witness.Refusal() }
