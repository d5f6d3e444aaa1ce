package invoices

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jmoiron/sqlx"
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
	have, want, err := schemaOf(ctx, db.rest)
	switch {
	case err != nil:
		return err
	case have == 0:
		return errors.New("check Postgres: the database has no schema yet; run folio migrate")
	case have < want:
		return fmt.Errorf("check Postgres: the schema is at version %d, this program needs %d; run folio migrate", have, want)
	}
	return nil
}

// schemaOf returns the version of the schema, 0 if there is none, and the one that this
// program needs.
func schemaOf(ctx context.Context, q sqlx.QueryerContext) (have, want int64, err error) {
	known, err := fs.Glob(migrations(), "*.sql")
	if err == nil {
		want, err = goose.NumericComponent(known[len(known)-1])
	}
	if err != nil {
		return 0, 0, err
	}
	var exists bool
	if err := sqlx.GetContext(ctx, q, &exists, `select to_regclass('goose_db_version') is not null`); err != nil {
		return 0, 0, wrap("look for the schema", err)
	}
	if !exists {
		return 0, want, nil
	}
	if err := sqlx.GetContext(ctx, q, &have, `select coalesce(max(version_id), 0) from goose_db_version where is_applied`); err != nil {
		return 0, 0, wrap("read the schema's version", err)
	}
	return have, want, nil
}
