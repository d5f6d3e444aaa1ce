package contender

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Checkpoints are what the server's checkpoints did since its statistics began.
type Checkpoints struct {
	Begun   int64 // by their time, or because there was so much WAL
	Buffers int64 // pages that they wrote
}

// Minus is what they did since before.
func (c Checkpoints) Minus(before Checkpoints) Checkpoints {
	return Checkpoints{c.Begun - before.Begun, c.Buffers - before.Buffers}
}

// Position is how much was ever written to the WAL, in bytes, and what the checkpoints did
// so far.
func (s Server) Position(ctx context.Context) (at int64, c Checkpoints, err error) {
	return at, c, s.in(ctx, "postgres", func(conn *sql.Conn) error {
		query, err := positionQuery(ctx, conn)
		if err != nil {
			return err
		}
		if err := conn.QueryRowContext(ctx, query).Scan(&at, &c.Begun, &c.Buffers); err != nil {
			return fmt.Errorf("ask Postgres for its checkpoints: %w", err)
		}
		return nil
	})
}

// positionQuery is the query of Position: since Postgres 17 its figures are elsewhere.
func positionQuery(ctx context.Context, conn *sql.Conn) (string, error) {
	var version int
	if err := conn.QueryRowContext(ctx, `select cast(current_setting('server_version_num') as integer)`).Scan(&version); err != nil {
		return "", fmt.Errorf("ask Postgres for its version: %w", err)
	}
	if version >= 170000 {
		return `select cast(pg_current_wal_insert_lsn() - '0/0' as bigint), num_timed + num_requested, buffers_written from pg_stat_checkpointer`, nil
	}
	return `select cast(pg_current_wal_insert_lsn() - '0/0' as bigint), checkpoints_timed + checkpoints_req, buffers_checkpoint from pg_stat_bgwriter`, nil
}

// Recycle makes the server write so many segments of WAL and end them with a checkpoint,
// which keeps their files for what is written next. In a database that has run for a
// while they are there; in a new one whoever commits waits, every 16 MB, until a file is
// made, filled and synced.
func (s Server) Recycle(ctx context.Context, segments int) error {
	const fill = `
		do $$ begin
			for i in 1..%d loop
				perform pg_logical_emit_message(false, 'bench', 'or there is nothing to switch from');
				perform pg_switch_wal();
			end loop;
		end $$`
	// A switch fills the rest of the file itself.
	return s.Execute(ctx, "postgres", `set wal_init_zero = off`, fmt.Sprintf(fill, segments), `checkpoint`)
}

// Ahead is how many segments of WAL are there for what is written next.
func (s Server) Ahead(ctx context.Context) (n int, err error) {
	return n, s.in(ctx, "postgres", func(conn *sql.Conn) error {
		const query = `select count(*) from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$' and name > pg_walfile_name(pg_current_wal_lsn())`
		return conn.QueryRowContext(ctx, query).Scan(&n)
	})
}

// Settings are those that differ from Postgres' defaults, name=value, but for language
// and where the server listens, and checkpoint_timeout, which says when checkpoints come.
func (s Server) Settings(ctx context.Context) (text string, err error) {
	const query = `
		select name || '=' || current_setting(name) from pg_settings
		where name = 'checkpoint_timeout' or source in ('command line', 'configuration file') and setting is distinct from boot_val
			and name !~* '^(port|listen_addresses|unix_socket_directories|lc_.*|.*timezone|DateStyle|default_text_search_config)$'
		order by name`
	var all []string
	return text, s.in(ctx, "postgres", func(conn *sql.Conn) error {
		rows, err := conn.QueryContext(ctx, query)
		if err != nil {
			return fmt.Errorf("ask Postgres for its settings: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var one string
			if err := rows.Scan(&one); err != nil {
				return fmt.Errorf("ask Postgres for its settings: %w", err)
			}
			all = append(all, one)
		}
		text = strings.Join(all, ", ")
		return rows.Err()
	})
}
