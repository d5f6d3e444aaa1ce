package invoices

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// What one replica at a time does. The numbers are names for Postgres' advisory
// locks.
const electionSweep = 0x666f6c696f01 // "folio", 1

// elected runs do if nobody else runs what has that number at this moment, over a
// connection of the auditor that keeps the place. It is to save work: who loses the
// connection loses the place without knowing it, so whatever is done must be
// harmless when two do it.
func (db *DB) elected(ctx context.Context, number int64, do func(*sqlx.Conn) error) error {
	conn, err := db.audits.Connx(ctx)
	if err != nil {
		return wrap("connect to Postgres", err)
	}
	defer conn.Close()
	var won bool
	if err := conn.GetContext(ctx, &won, `select pg_try_advisory_lock($1)`, number); err != nil || !won {
		return wrap("see whether another replica does it", err)
	}
	defer func() {
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, number); err != nil {
			discard(conn) // the place goes with the connection
		}
	}()
	return do(conn)
}
