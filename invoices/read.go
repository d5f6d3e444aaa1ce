package invoices

import (
	"context"
	"database/sql/driver"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// read runs do, which reads for a request of tenant, in a transaction that sees
// the rows of that tenant and no others, whatever its statements ask for: that is
// the second wall, behind the condition that every statement has. The setting
// ends with the transaction, so the next user of the connection inherits none.
//
// It costs a round trip more than the statements of do, which are one round trip
// each: one to begin, one to end, where a statement with parameters that stands
// alone takes two.
func (db *DB) read(ctx context.Context, tenant, doing string, do func(sqlx.QueryerContext) error) error {
	return db.reading(ctx, `begin read only`, tenant, doing, do)
}

// readSnapshot is read in a transaction whose statements all see the same.
func (db *DB) readSnapshot(ctx context.Context, tenant, doing string, do func(sqlx.QueryerContext) error) error {
	return db.reading(ctx, `begin isolation level repeatable read read only`, tenant, doing, do)
}

func (db *DB) reading(ctx context.Context, begin, tenant, doing string, do func(sqlx.QueryerContext) error) error {
	conn, err := db.readingFor(ctx, begin, tenant)
	if err != nil {
		return wrap(doing, err)
	}
	err = do(conn)
	// Whatever became of ctx, the connection must not be used again in this
	// transaction.
	if _, ending := conn.ExecContext(context.WithoutCancel(ctx), `commit`); ending != nil {
		discard(conn)
	}
	_ = conn.Close() // hands it back
	return wrap(doing, err)
}

// readingFor takes a connection and begins a transaction that reads for tenant.
// A connection that broke while nobody used it is thrown away.
func (db *DB) readingFor(ctx context.Context, begin, tenant string) (*sqlx.Conn, error) {
	begin += `; select set_config('folio.tenant', ` + pq.QuoteLiteral(tenant) + `, true)`
	for broken := 0; ; broken++ {
		conn, err := db.reads.Connx(ctx)
		if err != nil {
			return nil, err
		}
		if _, err = conn.ExecContext(ctx, begin); err == nil {
			return conn, nil
		}
		discard(conn)
		if ctx.Err() != nil || !judge(err).unknown || broken == db.reads.Stats().MaxOpenConnections {
			return nil, err
		}
	}
}

// discard closes the connection itself, instead of handing it back.
func discard(conn *sqlx.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
