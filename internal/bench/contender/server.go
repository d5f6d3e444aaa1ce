package contender

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"

	"folio/internal/bench/load"
)

// Server is the Postgres that all contenders share, each with a database of its own. URL
// is that of a database, for which %s stands.
type Server struct{ URL string }

// Of is the URL of a database.
func (s Server) Of(database string) string { return fmt.Sprintf(s.URL, database) }

// in runs do on one connection to a database.
func (s Server) in(ctx context.Context, database string, do func(*sql.Conn) error) (err error) {
	connector, err := pq.NewConnector(s.Of(database))
	if err != nil {
		return fmt.Errorf("read the database URL: %w", err)
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to database %s: %w", database, err)
	}
	defer conn.Close() // to the set that is closed next
	return do(conn)
}

// Execute runs statements in a database, one by one.
func (s Server) Execute(ctx context.Context, database string, statements ...string) error {
	return s.in(ctx, database, func(c *sql.Conn) error {
		for _, statement := range statements {
			if _, err := c.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

// Clone makes a database that has what another has, and what a contender needs besides:
// a counter and a sequence for each tenant. Nobody may be connected to the other.
func (s Server) Clone(ctx context.Context, from, to, period string) error {
	if err := s.Execute(ctx, "postgres", `create database `+pq.QuoteIdentifier(to)+` template `+pq.QuoteIdentifier(from)); err != nil {
		return err
	}
	return s.Execute(ctx, to,
		`create table bench_counters (tenant text collate "C", series text collate "C", period text collate "C",
			last bigint not null, primary key (tenant, series, period))`,
		`insert into bench_counters (tenant, series, period, last) select name, 'invoice', `+pq.QuoteLiteral(period)+`, 0 from tenants`,
		`do $$ declare t text; begin
			for t in select name from tenants loop
				execute format('create sequence %I', 'numbers_' || replace(t, '-', '_') || '_`+period+`');
			end loop;
		end $$`,
		`analyze`)
}

// Drop removes a database, if it is there, and ends the sessions that it has.
func (s Server) Drop(ctx context.Context, database string) error {
	return s.Execute(ctx, "postgres", `drop database if exists `+pq.QuoteIdentifier(database)+` with (force)`)
}

// Databases are those whose names begin so, by name.
func (s Server) Databases(ctx context.Context, begin string) (names []string, err error) {
	return names, s.in(ctx, "postgres", func(c *sql.Conn) error {
		const query = `select coalesce(array_agg(cast(datname as text) order by datname), '{}') from pg_database where starts_with(datname, $1)`
		return c.QueryRowContext(ctx, query, begin).Scan(pq.Array(&names))
	})
}

// Folder is where the server has its data.
func (s Server) Folder(ctx context.Context) (dir string, err error) {
	return dir, s.in(ctx, "postgres", func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, `select current_setting('data_directory')`).Scan(&dir)
	})
}

// Postmaster is the process id of the server.
func (s Server) Postmaster(ctx context.Context) (pid int, err error) {
	return pid, s.in(ctx, "postgres", func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, `select cast(split_part(pg_read_file('postmaster.pid'), e'\n', 1) as integer)`).Scan(&pid)
	})
}

// Version is what the server says of itself, shortly.
func (s Server) Version(ctx context.Context) (v string, err error) {
	return v, s.in(ctx, "postgres", func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, `select current_setting('server_version')`).Scan(&v)
	})
}

// Highest is the highest number of a tenant's series.
func (s Server) Highest(ctx context.Context, database, tenant, series string) (n int64, err error) {
	return n, s.in(ctx, database, func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, `select coalesce(max(number), 0) from documents where tenant = $1 and series = $2`, tenant, series).Scan(&n)
	})
}

// Stored is what a series has of each tenant since a moment.
func (s Server) Stored(ctx context.Context, database, series string, tenants []string, since time.Time) (rows []load.Stored, err error) {
	place := make(map[string]int, len(tenants))
	for i, name := range tenants {
		place[name] = i
	}
	const query = `
		select tenant, count(*), sum(number), min(number), max(number), count(*) - count(distinct (period, number))
		from documents where series = $1 and created_at >= $2 and status = 'issued' group by tenant`
	return rows, s.in(ctx, database, func(c *sql.Conn) error {
		return each(ctx, c, query, func(tenant string, r load.Stored) {
			r.Tenant = place[tenant]
			rows = append(rows, r)
		}, series, since)
	})
}

func each(ctx context.Context, c *sql.Conn, query string, do func(string, load.Stored), args ...any) error {
	rows, err := c.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read what is stored: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var tenant string
		var r load.Stored
		if err := rows.Scan(&tenant, &r.Rows, &r.Sum, &r.Low, &r.High, &r.Duplicates); err != nil {
			return fmt.Errorf("read what is stored: %w", err)
		}
		do(tenant, r)
	}
	return rows.Err()
}

// Statements are the most expensive statements of a database since the last Forget, as
// pg_stat_statements has them, one a line.
func (s Server) Statements(ctx context.Context, database string, most int) (lines []Statement, err error) {
	const query = `
		select p.query, p.calls, p.rows, p.total_exec_time / 1e3, p.wal_bytes
		from pg_stat_statements p join pg_database d on d.oid = p.dbid
		where d.datname = $1 order by p.total_exec_time desc limit $2`
	return lines, s.in(ctx, "postgres", func(c *sql.Conn) error {
		rows, err := c.QueryContext(ctx, query, database, most)
		if err != nil {
			return fmt.Errorf("read pg_stat_statements: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var l Statement
			if err := rows.Scan(&l.Text, &l.Calls, &l.Rows, &l.Seconds, &l.WAL); err != nil {
				return fmt.Errorf("read pg_stat_statements: %w", err)
			}
			l.Text = strings.Join(strings.Fields(l.Text), " ")
			lines = append(lines, l)
		}
		return rows.Err()
	})
}

// Statement is a line of pg_stat_statements.
type Statement struct {
	Text    string  `json:"text"`
	Calls   int64   `json:"calls"`
	Rows    int64   `json:"rows"`
	Seconds float64 `json:"seconds"` // of all calls together, in the server
	WAL     int64   `json:"wal_bytes"`
}

// CanRemember tells whether pg_stat_statements, a part of Postgres' contrib, is installed.
func (s Server) CanRemember(ctx context.Context) (can bool, err error) {
	return can, s.in(ctx, "postgres", func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, `select exists (select from pg_available_extensions where name = 'pg_stat_statements')`).Scan(&can)
	})
}

// Remember makes the server keep pg_stat_statements, from its next start on.
func (s Server) Remember(ctx context.Context) error {
	return s.Execute(ctx, "postgres", `alter system set shared_preload_libraries = 'pg_stat_statements'`)
}

// Forget begins the statistics of statements anew.
func (s Server) Forget(ctx context.Context) error {
	return s.Execute(ctx, "postgres", `create extension if not exists pg_stat_statements`, `select pg_stat_statements_reset()`)
}
