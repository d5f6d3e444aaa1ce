package invoices

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// DBConfig says where Postgres is and how much of it to use. URL is required;
// zero fields have defaults.
type DBConfig struct {
	URL     string        // postgres://… or key=value; several hosts only as key=value
	Batches int           // connections that write invoices; 0: 4
	Others  int           // connections for everything else; 0: 8
	Silence time.Duration // a server silent for this long is taken for gone; 0: ten seconds
}

// DB is Postgres, as two bounded sets of connections: one writes the batches of
// invoices, the other does the rest. So a burst of reads cannot keep invoices
// from being written, nor a stalled write a holder from being fenced.
type DB struct {
	batches *sqlx.DB
	rest    *sqlx.DB
	url     string
}

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
	batches, err := connections(cfg.URL, batchTimeout, cfg.Silence, orDefault(cfg.Batches, 4))
	if err != nil {
		return nil, err
	}
	rest, err := connections(cfg.URL, restTimeout, cfg.Silence, orDefault(cfg.Others, 8))
	if err != nil {
		return nil, err
	}
	return &DB{batches: batches, rest: rest, url: cfg.URL}, nil
}

// Close closes the connections, once what uses them has ended.
func (db *DB) Close() error { return errors.Join(db.batches.Close(), db.rest.Close()) }

// Ping asks whether the server answers.
func (db *DB) Ping(ctx context.Context) error { return wrap("ping Postgres", db.rest.PingContext(ctx)) }

// Check refuses a server that could forget what it acknowledged, and one whose
// schema is older than this program.
func (db *DB) Check(ctx context.Context) error {
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

// connections makes one bounded set of connections. What the URL says itself is
// kept; everything else is set here, for every session.
func connections(url, statementTimeout string, silence time.Duration, count int) (*sqlx.DB, error) {
	cfg, err := pq.NewConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	if cfg.ApplicationName == "" {
		cfg.ApplicationName = "folio"
	}
	if len(cfg.Multi) > 0 && cfg.TargetSessionAttrs == "" {
		cfg.TargetSessionAttrs = pq.TargetSessionAttrsPrimary
	}
	cfg = cfg.Clone()
	for name, value := range map[string]string{
		"TimeZone":                            "UTC",
		"statement_timeout":                   statementTimeout,
		"lock_timeout":                        lockTimeout,
		"idle_in_transaction_session_timeout": "5000",
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "2",
		"tcp_user_timeout":                    "10000",
	} {
		if _, set := cfg.Runtime[name]; !set {
			cfg.Runtime[name] = value
		}
	}
	connector, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	connector.Dialer(dialer{silence: silence})
	db := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	db.SetMaxOpenConns(count)
	db.SetMaxIdleConns(count)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}
