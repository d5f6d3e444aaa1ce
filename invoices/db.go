package invoices

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// DBConfig says where Postgres is and how much of it to use. URL or URLFile is
// required; other zero fields have defaults.
type DBConfig struct {
	URL     string        // postgres://… or key=value; several hosts only as key=value
	URLFile string        // instead of URL: a file that has it, read for each new connection
	Batches int           // connections that write invoices; 0: 4
	Others  int           // connections for everything else, shared out among its uses, one each at least; 0: 15
	Silence time.Duration // a server silent for this long is taken for gone; 0: ten seconds
	Life    time.Duration // connections are made anew after so long; 0: half an hour

	// Witness keeps what writes numbers from a server that is behind; nil: every
	// server is taken as it is.
	Witness *Witness
}

// DB is Postgres, as bounded sets of connections, one for each use. So a burst of
// reads cannot keep invoices from being written, nor a stalled write a holder
// from being fenced. All but one take a role that may do just what the use needs,
// see migrations/0006_tenants.sql.
type DB struct {
	batches  *sqlx.DB // folio_writer: the batches of invoices
	lookUps  *sqlx.DB // folio_writer: what issuing looks up, of all tenants
	reads    *sqlx.DB // folio_reader: requests that read, see read
	hearing  *sqlx.DB // folio_reader: the one that listens
	settling *sqlx.DB // folio_settler: holders, fences and voids
	audits   *sqlx.DB // folio_auditor
	duties   *sqlx.DB // folio_auditor: those that hold the lock of a Duty
	rest     *sqlx.DB // the owner: migrations and administration
	at       *address
	life     time.Duration
	voided   *voidCounts
	changes  *changes // what was told of keys and series
	lookedUp *lookUps
	witness  *Witness // compares the connections of batches, lookUps and settling; may be nil
}

// The roles that migrations/0006_tenants.sql makes; owner is whoever the URL names.
const (
	owner         = ""
	roleWriter    = "folio_writer"
	roleReader    = "folio_reader"
	roleSettler   = "folio_settler"
	roleAuditor   = "folio_auditor"
	othersDefault = 15
)

// Bounds that the server keeps for us, so that a replica that vanished cannot
// hold a row for long. They are strings for the server, in milliseconds.
const (
	batchTimeout = "5000" // of the statement that writes a batch
	restTimeout  = "8000"
	lockTimeout  = "3000"
)

// Open prepares the connections; the first use connects. Errors say what is
// wrong with the URL.
func Open(cfg DBConfig) (*DB, error) {
	if cfg.Silence <= 0 {
		cfg.Silence = 10 * time.Second
	}
	db := &DB{at: &address{url: cfg.URL, file: cfg.URLFile}, life: orDefault(cfg.Life, 30*time.Minute), witness: cfg.Witness, voided: new(voidCounts), changes: new(changes), lookedUp: new(lookUps)}
	for _, set := range db.plan(cfg) {
		plain, err := newConnector(db.at, terms{set.role, set.timeout, cfg.Silence})
		if err != nil {
			return nil, err
		}
		var connector driver.Connector = plain
		if set.witness != nil {
			connector = gate{Connector: connector, witness: set.witness}
		}
		life := db.life
		if set.kept {
			life = db.stay()
		}
		*set.of = bounded(connector, set.count, life)
	}
	return db, nil
}

// use is one set of connections, and what it is for.
type use struct {
	of      **sqlx.DB
	role    string
	timeout string
	count   int
	witness *Witness
	kept    bool // who takes one keeps it, see stay
}

// plan says which sets there are, and how large each is.
func (db *DB) plan(cfg DBConfig) []use {
	others := orDefault(cfg.Others, othersDefault)
	share := func(n int) int { return max(1, others*n/othersDefault) }
	return []use{
		{&db.batches, roleWriter, batchTimeout, orDefault(cfg.Batches, 4), cfg.Witness, true},
		{&db.lookUps, roleWriter, restTimeout, share(3), cfg.Witness, false},
		{&db.reads, roleReader, restTimeout, share(4), nil, false},
		{&db.hearing, roleReader, restTimeout, 1, nil, true},
		{&db.settling, roleSettler, restTimeout, share(2), cfg.Witness, false},
		{&db.audits, roleAuditor, restTimeout, share(1), nil, false},
		{&db.duties, roleAuditor, restTimeout, 2, nil, true},
		{&db.rest, owner, restTimeout, share(4), nil, false},
	}
}

// stay is how long who keeps a connection may keep it: as long as it may have lain among the
// others before, so that both are no more than its life.
func (db *DB) stay() time.Duration { return db.life / 2 }

// Connections is how many connections a replica takes at the most.
func Connections(cfg DBConfig) (sum int) {
	for _, set := range (&DB{}).plan(cfg) {
		sum += set.count
	}
	return sum
}

// sets are all sets of connections.
func (db *DB) sets() []*sqlx.DB {
	return []*sqlx.DB{db.batches, db.lookUps, db.reads, db.hearing, db.settling, db.audits, db.duties, db.rest}
}

// Pool is what one set of connections to Postgres does.
type Pool struct {
	Name string // its use
	sql.DBStats
}

// Pools tells of all sets of connections.
func (db *DB) Pools() []Pool {
	names := [...]string{"batches", "lookups", "reads", "hearing", "settling", "audits", "duties", "rest"} // in the order of sets
	var pools []Pool
	for i, set := range db.sets() {
		pools = append(pools, Pool{names[i], set.Stats()})
	}
	return pools
}

// Close closes the connections, once what uses them has ended.
func (db *DB) Close() error {
	var errs []error
	for _, set := range db.sets() {
		errs = append(errs, set.Close())
	}
	return errors.Join(errs...)
}

// Ping asks whether the server answers.
func (db *DB) Ping(ctx context.Context) error { return wrap("ping Postgres", db.rest.PingContext(ctx)) }

// Check refuses a server that could forget what it acknowledged, one whose
// schema is older than this program, and a user who may not take the roles.
func (db *DB) Check(ctx context.Context) error {
	if err := db.checkSettings(ctx); err != nil {
		return err
	}
	return db.checkRoles(ctx)
}

// checkSettings is Check without the roles.
func (db *DB) checkSettings(ctx context.Context) error {
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		if err := db.rest.GetContext(ctx, &value, `select current_setting($1)`, setting); err != nil {
			return wrap("read the server's settings", err)
		}
		if value == "off" {
			return fmt.Errorf("check Postgres: %s is off, so acknowledged invoices could be lost; set %s = on", setting, setting)
		}
	}
	return db.checkSchema(ctx)
}

// checkRoles takes each role once.
func (db *DB) checkRoles(ctx context.Context) error {
	for role, set := range map[string]*sqlx.DB{
		roleWriter: db.lookUps, roleReader: db.reads, roleSettler: db.settling, roleAuditor: db.audits,
	} {
		if err := set.PingContext(ctx); err != nil {
			return wrap(fmt.Sprintf("connect to Postgres as %s (if it refuses, run folio migrate, or grant %s to the user of the URL)", role, role), err)
		}
	}
	return nil
}

// unhurried opens connections of the owner's own, beside all sets: a statement over a
// million rows may take minutes, in silence.
func (db *DB) unhurried() (*sqlx.DB, error) {
	connector, err := newConnector(db.at, terms{owner, "0", 0})
	if err != nil {
		return nil, err
	}
	return bounded(connector, 2, db.life), nil
}

func bounded(connector driver.Connector, count int, life time.Duration) *sqlx.DB {
	db := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	db.SetMaxOpenConns(count)
	db.SetMaxIdleConns(count)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(life)
	return db
}

func orDefault[T int | int64 | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}
