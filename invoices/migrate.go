package invoices

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the numbered SQL files.
func migrations() fs.FS {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return files
}

// Migrate brings the schema up to date. Several at once are fine: they take
// turns, and those that come later find nothing to do.
func (db *DB) Migrate(ctx context.Context) (err error) {
	conns, err := db.unhurried()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conns.Close()) }()
	turns, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, conns.DB, migrations(), goose.WithSessionLocker(turns))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return wrap("migrate the schema", err)
	}
	return nil
}

// checkSchema refuses a schema that lacks a migration this program knows. A
// newer one is fine: migrations keep the program before them working.
func (db *DB) checkSchema(ctx context.Context) error {
	known, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		return err
	}
	want, err := goose.NumericComponent(known[len(known)-1])
	if err != nil {
		return err
	}
	var exists bool
	if err := db.rest.GetContext(ctx, &exists, `select to_regclass('goose_db_version') is not null`); err != nil {
		return wrap("look for the schema", err)
	}
	if !exists {
		return errors.New("check Postgres: the database has no schema yet; run folio migrate")
	}
	var have int64
	if err := db.rest.GetContext(ctx, &have, `select coalesce(max(version_id), 0) from goose_db_version where is_applied`); err != nil {
		return wrap("read the schema's version", err)
	}
	if have < want {
		return fmt.Errorf("check Postgres: the schema is at version %d, this program needs %d; run folio migrate", have, want)
	}
	return nil
}
