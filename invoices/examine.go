package invoices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Examination asks a Postgres about itself, over one connection of the URL's own user,
// which writes nothing. Its methods may be called at the same time.
type Examination struct {
	db  *sqlx.DB
	cfg DBConfig
}

// Examine connects.
func Examine(ctx context.Context, cfg DBConfig) (*Examination, error) {
	connector, err := newConnector(&address{url: cfg.URL, file: cfg.URLFile}, terms{owner, restTimeout, orDefault(cfg.Silence, 10*time.Second)})
	if err != nil {
		return nil, err
	}
	e := &Examination{db: bounded(connector, 1, time.Hour), cfg: cfg}
	if err := e.db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, e.db.Close())
	}
	return e, nil
}

// Close closes the connection.
func (e *Examination) Close() error { return e.db.Close() }

// ServerSetting is a setting of Postgres, as sessions of the URL's user have it.
type ServerSetting struct {
	Value  string `db:"setting"`
	Source string `db:"source"` // as in pg_settings: default, configuration file, database, user, client, …
}

// Server is what a Postgres says of itself.
type Server struct {
	Version  string // for people
	Number   int    // such as 170002
	Standby  bool
	User     string
	Database string
	Settings map[string]ServerSetting // those that matter
}

// Server asks for what the server is, and how it is set.
func (e *Examination) Server(ctx context.Context) (Server, error) {
	var row struct {
		Version  string `db:"version"`
		Number   int    `db:"number"`
		Standby  bool   `db:"standby"`
		User     string `db:"who"`
		Database string `db:"database"`
	}
	const about = `
		select current_setting('server_version') as version, cast(current_setting('server_version_num') as integer) as number,
		       pg_is_in_recovery() as standby, session_user as who, current_database() as database`
	if err := e.db.GetContext(ctx, &row, about); err != nil {
		return Server{}, wrap("ask Postgres what it is", err)
	}
	var set []struct {
		Name string `db:"name"`
		ServerSetting
	}
	const settings = `
		select name, setting, source from pg_settings
		where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'wal_level', 'synchronous_standby_names')`
	if err := e.db.SelectContext(ctx, &set, settings); err != nil {
		return Server{}, wrap("read the server's settings", err)
	}
	s := Server{
		Version: row.Version, Number: row.Number, Standby: row.Standby, User: row.User, Database: row.Database,
		Settings: make(map[string]ServerSetting),
	}
	for _, one := range set {
		s.Settings[one.Name] = one.ServerSetting
	}
	return s, nil
}

// Room is how many connections Postgres gives to the URL's user.
type Room struct {
	Most     int `db:"most"`     // max_connections
	Reserved int `db:"reserved"` // of these, for administrators
	User     int `db:"who"`      // the user's own limit; -1: none
	Database int `db:"database"` // the database's own limit; -1: none
	Used     int `db:"used"`     // by whomever
	Others   int `db:"others"`   // of these, by other users
	Beside   int `db:"beside"`   // of these, in this database
}

// Free is how many there are for replicas, what the URL's user has of them by now
// included: that is theirs, or a tool's for a moment.
func (r Room) Free() int {
	free := r.Most - r.Reserved - r.Others
	if r.Database >= 0 {
		free = min(free, r.Database-r.Beside)
	}
	if r.User >= 0 {
		free = min(free, r.User)
	}
	return max(free, 0)
}

// Room asks how many connections there are. Of others' a plain user is not told what they
// are, but where: those that are no clients' are in no database.
func (e *Examination) Room(ctx context.Context) (r Room, err error) {
	const query = `
		select cast(current_setting('max_connections') as integer) as most,
		       cast(current_setting('superuser_reserved_connections') as integer)
		         + coalesce(cast(nullif(current_setting('reserved_connections', true), '') as integer), 0) as reserved,
		       (select rolconnlimit from pg_roles where rolname = session_user) as who,
		       (select datconnlimit from pg_database where datname = current_database()) as database,
		       count(*) as used,
		       count(*) filter (where usename <> session_user) as others,
		       count(*) filter (where usename <> session_user and datname = current_database()) as beside
		from pg_stat_activity
		where backend_type = 'client backend' or backend_type is null and datname is not null`
	return r, wrap("ask Postgres for its connections", e.db.GetContext(ctx, &r, query))
}

// Schema returns the version of the schema, 0 if there is none, and the one that this
// program needs.
func (e *Examination) Schema(ctx context.Context) (have, want int64, err error) {
	return schemaOf(ctx, e.db)
}

// MissingRoles returns those of folio's roles that the URL's user may not take.
func (e *Examination) MissingRoles(ctx context.Context) (missing []string, err error) {
	for _, role := range []string{roleWriter, roleReader, roleSettler, roleAuditor} {
		err := transact(ctx, e.db, "take the role "+role, func(tx *sqlx.Tx) error {
			_, err := tx.ExecContext(ctx, `set local role `+role)
			return err
		})
		switch {
		case err == nil:
		case judge(err).unknown || judge(err).retry:
			return nil, err
		default:
			missing = append(missing, role)
		}
	}
	return missing, nil
}

// Standbys counts the standbys that commits wait for; known is false if the user may not
// see which those are.
func (e *Examination) Standbys(ctx context.Context) (n int, known bool, err error) {
	var row struct {
		Synchronous int  `db:"synchronous"`
		Hidden      bool `db:"hidden"`
	}
	const query = `
		select count(*) filter (where sync_state in ('sync', 'quorum')) as synchronous,
		       coalesce(bool_or(sync_state is null), false) as hidden
		from pg_stat_replication`
	err = e.db.GetContext(ctx, &row, query)
	return row.Synchronous, !row.Hidden, wrap("ask Postgres for its standbys", err)
}

// Standing compares how far Postgres has come with what is noted of it: nil if it may be
// written to; ErrBehind and ErrResuming wait for an operator. noted is false if nothing is.
func (e *Examination) Standing(ctx context.Context, notes Notes) (noted bool, err error) {
	text, err := notes.LoadNote(ctx)
	if err != nil {
		return false, fmt.Errorf("read how far Postgres had come: %w", err)
	}
	was, err := parseNote(text)
	if err != nil {
		return false, err
	}
	if err := e.db.GetContext(ctx, &text, selectStanding); err != nil {
		return false, wrap("ask Postgres how far it has come", err)
	}
	now, resumed, err := parseStanding(text)
	if err == nil {
		err = was.refuses(now)
	}
	if err == nil && !resumed {
		err = fmt.Errorf("%w; it is in era %s", ErrResuming, now.era)
	}
	return was != (standing{}), err
}

// Clock compares a clock with the server's: the server's is ahead by offset, give or take
// bound, which is half of the quickest round trip.
func (e *Examination) Clock(ctx context.Context, now func() time.Time) (offset, bound time.Duration, err error) {
	for try := range 5 {
		var theirs time.Time
		before := now()
		if err := e.db.GetContext(ctx, &theirs, `select clock_timestamp()`); err != nil {
			return 0, 0, wrap("ask Postgres for the time", err)
		}
		after := now()
		if half := after.Sub(before) / 2; try == 0 || half < bound {
			offset, bound = theirs.Sub(before)-half, half
		}
	}
	return offset, bound, nil
}
