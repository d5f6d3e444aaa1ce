package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"folio/invoices"
)

// postgresSide is what is asked of Postgres.
type postgresSide struct {
	p    *Patient
	etcd *etcdSide
	conn *later[*invoices.Examination]
	is   *later[invoices.Server]
	told *later[schema]
}

type schema struct{ have, want int64 }

func newPostgres(p *Patient, e *etcdSide) *postgresSide {
	return &postgresSide{p: p, etcd: e, conn: newLater[*invoices.Examination](), is: newLater[invoices.Server](), told: newLater[schema]()}
}

// close closes the connection, if there is one by now.
func (d *postgresSide) close() {
	select {
	case <-d.conn.done:
		if d.conn.err == nil {
			_ = d.conn.value.Close() // nothing hangs on it
		}
	default:
	}
}

func (d *postgresSide) checks() []check {
	return []check{
		one("postgres", "connect", d.connect),
		one("postgres", "version", d.of(oldPostgres)),
		one("postgres", "standby", d.of(standby)),
		one("postgres", "fsync", d.of(durable("fsync", "a crash of the machine can lose or damage everything"))),
		one("postgres", "full-page-writes", d.of(durable("full_page_writes", "a crash in the middle of a write can damage a page"))),
		one("postgres", "synchronous-commit", d.of(durable("synchronous_commit", "a crash can lose acknowledged invoices"))),
		one("postgres", "wal-level", d.of(walLevel)),
		one("postgres", "replication", d.replication),
		one("postgres", "connections", d.connections),
		one("postgres", "schema", d.schema),
		one("postgres", "roles", d.roles),
		one("postgres", "standing", d.standing),
		one("clock", "postgres", d.clock),
	}
}

// connected connects, or waits for who does.
func (d *postgresSide) connected(ctx context.Context) (*invoices.Examination, error) {
	return d.conn.get(ctx, func(ctx context.Context) (*invoices.Examination, error) {
		cfg := d.p.Postgres
		cfg.Silence = d.p.Within / 2
		ctx, cancel := context.WithTimeout(ctx, d.p.Within/2)
		defer cancel()
		return invoices.Examine(ctx, cfg)
	})
}

func (d *postgresSide) connect(ctx context.Context) Finding {
	begun := time.Now()
	if _, err := d.connected(ctx); err != nil {
		return whyNotConnected(err, d.p.Postgres).on(invoices.Where(d.p.Postgres))
	}
	return ok("connected in " + short(time.Since(begun)).String()).on(invoices.Where(d.p.Postgres))
}

func whyNotConnected(err error, cfg invoices.DBConfig) Finding {
	place := "FOLIO_DATABASE_URL"
	if cfg.URLFile != "" {
		place = "the file of FOLIO_DATABASE_URL_FILE"
	}
	var noName *net.DNSError
	seen := strings.ReplaceAll(err.Error(), "temporarily unavailable, nothing was stored; send the request again: ", "")
	switch text := err.Error(); {
	case errors.As(err, &noName):
		return unknown("not asked: its name does not resolve, see dns")
	case strings.Contains(text, "28P01"), strings.Contains(text, "28000"):
		return fault(seen, "correct user and password in "+place+", or Postgres' pg_hba.conf: it has to let this user in from this address")
	case strings.Contains(text, "3D000"):
		return fault(seen, "make the database, or name another in "+place)
	case strings.Contains(text, "53300"):
		return fault(seen, "raise max_connections, or the limit of the user or database, or run fewer replicas")
	case strings.Contains(text, "x509"), strings.Contains(text, "SSL"), strings.Contains(text, "tls"):
		return fault(seen, "compare sslmode, sslrootcert, sslcert and sslkey in "+place+" with the certificates of the server")
	case strings.Contains(text, "read the database URL"):
		return fault(seen, "correct "+place)
	}
	return fault(seen, "see whether Postgres runs and "+place+" names its address; a NetworkPolicy or firewall between may drop it")
}

// server asks what the server is, or waits for who does.
func (d *postgresSide) server(ctx context.Context) (invoices.Server, error) {
	return d.is.get(ctx, func(ctx context.Context) (invoices.Server, error) {
		conn, err := d.connected(ctx)
		if err != nil {
			return invoices.Server{}, errNotConnected
		}
		return conn.Server(ctx)
	})
}

var errNotConnected = errors.New("there is no connection to Postgres")

// of makes a check of what the server is.
func (d *postgresSide) of(judge func(invoices.Server) Finding) func(context.Context) Finding {
	return func(ctx context.Context) Finding {
		s, err := d.server(ctx)
		if err != nil {
			return unknown("not asked: " + err.Error())
		}
		return judge(s)
	}
}

// schemaOf asks for the version of the schema, or waits for who does.
func (d *postgresSide) schemaOf(ctx context.Context) (schema, error) {
	return d.told.get(ctx, func(ctx context.Context) (s schema, err error) {
		conn, err := d.connected(ctx)
		if err != nil {
			return s, errNotConnected
		}
		s.have, s.want, err = conn.Schema(ctx)
		return s, err
	})
}

func (d *postgresSide) schema(ctx context.Context) Finding {
	s, err := d.schemaOf(ctx)
	switch {
	case errors.Is(err, errNotConnected):
		return unknown("not asked: " + err.Error())
	case err != nil:
		return fault(err.Error(), "let the user of the database URL own folio's schema")
	case s.have == 0:
		return fault("there is none", "folio migrate")
	case s.have < s.want:
		return fault(fmt.Sprintf("version %d, this program needs %d", s.have, s.want), "folio migrate")
	case s.have > s.want:
		return ok(fmt.Sprintf("version %d, of a newer program; this one needs %d, and works with it", s.have, s.want))
	}
	return ok(fmt.Sprintf("version %d", s.have))
}

// migrated connects, if the schema is what this program needs.
func (d *postgresSide) migrated(ctx context.Context) (*invoices.Examination, error) {
	s, err := d.schemaOf(ctx)
	if err == nil && s.have < s.want {
		err = errors.New("the schema is too old")
	}
	if err != nil {
		return nil, err
	}
	return d.connected(ctx)
}
