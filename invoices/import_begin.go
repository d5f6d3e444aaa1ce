package invoices

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// begin finds what an earlier run has done, or notes that this one begins.
func (r *importing) begin() error {
	if r.DryRun {
		tx, err := r.beginTx()
		if err != nil {
			return cutShort("begin a dry run", err)
		}
		r.dry = tx
	}
	found, err := r.findMark()
	if err != nil || found && r.mark.State != importStaging {
		return err
	}
	rules, err := r.prepare()
	if err != nil {
		return err
	}
	if found {
		whole, err := r.stagedWhole()
		if err != nil {
			return err
		}
		if whole && r.mark.Rules == rules && r.file.seek != nil {
			r.report.Resumed = r.mark.Lines
			return r.open()
		}
		if err := r.discard(); err != nil {
			return err
		}
	}
	r.mark = importMark{State: importStaging, Rules: rules}
	err = r.inTx("begin the import", func(tx *sqlx.Tx) error {
		if err := sweepStaging(r.ctx, tx); err != nil {
			return err
		}
		const insert = `insert into imports (import, tenant, state, rules) values ($1, $2, $3, $4) on conflict do nothing`
		_, err := tx.ExecContext(r.ctx, insert, r.name, r.tenant, importStaging, rules)
		return err
	})
	if err != nil {
		return err
	}
	return r.open()
}

// inTx runs do in a transaction of the import's connection; in a dry run, in the
// one that is rolled back at the end.
func (r *importing) inTx(doing string, do func(*sqlx.Tx) error) error {
	if r.dry != nil {
		return cutShort(doing, do(r.dry))
	}
	tx, err := r.beginTx()
	if err != nil {
		return cutShort(doing, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // what went wrong is err
		return cutShort(doing, err)
	}
	return cutShort(doing, tx.Commit())
}

// beginTx begins a transaction of the import's connection. It does not end with the
// import's context, only what is done in it: database/sql would roll back at any moment,
// while the driver still reads what the server says of a COPY.
func (r *importing) beginTx() (*sqlx.Tx, error) {
	return r.conn.BeginTxx(context.WithoutCancel(r.ctx), nil)
}

// cutShort is wrap for an import: what can be tried again goes on, rather than begin.
func cutShort(doing string, err error) error {
	var refused *ImportError
	switch {
	case err == nil:
		return nil
	case isOurs(err) || errors.As(err, &refused) || errors.Is(err, errOnlyLook):
		return fmt.Errorf("%s: %w", doing, err)
	}
	switch f := judge(err); {
	case f.exists:
		return fmt.Errorf("%s: %w: %w", doing, ErrExists, err)
	case f.unknown || f.retry:
		return fmt.Errorf("%s: %w: %w", doing, ErrImportInterrupted, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (r *importing) findMark() (found bool, err error) {
	const query = `select state, rules, lines, bytes, rows, parts from imports where import = $1`
	err = r.queryer().GetContext(r.ctx, &r.mark, query, r.name)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, cutShort("look for an earlier run", err)
}

// getter is a connection or a transaction.
type getter interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	sqlx.QueryerContext
}

func (r *importing) queryer() getter {
	if r.dry != nil {
		return r.dry
	}
	return r.conn
}

// stagedWhole reports whether all is there that the mark tells of: a crash of
// Postgres empties what is staged.
func (r *importing) stagedWhole() (bool, error) {
	var have struct {
		Rows  int64 `db:"rows"`
		Parts int64 `db:"parts"`
	}
	const query = `
		select (select count(*) from import_rows where import = $1) as rows,
		       (select count(*) from import_parts where import = $1) as parts`
	err := r.queryer().GetContext(r.ctx, &have, query, r.name)
	return have.Rows == r.mark.Rows && have.Parts == r.mark.Parts, cutShort("count what is staged", err)
}

// prepare finds the tenant and its rules, and returns their text.
func (r *importing) prepare() (rules string, err error) {
	r.maker = &maker{name: r.name, tenant: r.tenant, zone: time.UTC, now: time.Now().UTC(), rules: make(map[string]*rule)}
	t, err := findTenant(r.ctx, r.queryer(), r.tenant)
	missing := errors.Is(err, ErrNotFound)
	if err != nil && !missing {
		return "", err
	}
	switch {
	case missing && r.head == nil:
		return "", fmt.Errorf("%w; make it first (folio tenant create %s)", err, r.tenant)
	case missing && !r.CreateTenant:
		return "", fmt.Errorf("%w; make it first, or have the import make it (--create-tenant)", err)
	case r.head != nil:
		if err := r.mustBeEmpty(r.queryer()); err != nil {
			return "", err
		}
		return "export", nil // its rules come with it
	}
	if r.maker.zone, err = time.LoadLocation(t.TimeZone); err != nil {
		return "", fmt.Errorf("time zone of tenant %s: %w", r.tenant, err)
	}
	if r.maker.rules, err = rulesOf(r.ctx, r.queryer(), r.tenant); err != nil {
		return "", cutShort("read the series of "+r.tenant, err)
	}
	return rulesText(r.maker.rules)
}

// mustBeEmpty: an export is a whole tenant, and does not mix with another.
func (r *importing) mustBeEmpty(q getter) error {
	var used bool
	if err := q.GetContext(r.ctx, &used, `select exists (select 1 from documents where tenant = $1)`, r.tenant); err != nil {
		return cutShort("look for documents of "+r.tenant, err)
	}
	if used {
		return fmt.Errorf("tenant %s has documents already; an export goes into an empty tenant, or a new one", r.tenant)
	}
	return nil
}

// open begins to read where the mark says. The parts of an export are gone through
// again: its documents are read by its rules.
func (r *importing) open() error {
	if r.Format == "csv" {
		src, err := newCSV(r.file.in, r.mark.Lines, r.mark.Bytes, r.file.seekTo)
		var bad *lineError
		if errors.As(err, &bad) {
			r.faults.add(bad)
			return r.faults.err()
		}
		r.src = src
		return err
	}
	if r.mark.Bytes > 0 {
		if err := r.file.seekTo(r.mark.Bytes); err != nil {
			return err
		}
	}
	r.src = newJSONL(r.file.in, r.mark.Lines, r.mark.Bytes)
	return r.partsAgain()
}

func (r *importing) partsAgain() error {
	return cutShort("read what is staged", r.stagedParts(r.queryer(), "", func(lines []*fileLine) error {
		for _, l := range lines {
			if err := r.part(l); err != nil {
				return err
			}
		}
		return nil
	}))
}

// discard forgets what is staged of this import.
func (r *importing) discard() error {
	return r.inTx("discard what is staged", func(tx *sqlx.Tx) error {
		return discardStaged(r.ctx, tx, `import = $1 and state = 'staging'`, r.name)
	})
}

// sweepStaging forgets files that nobody has gone on with for a week.
func sweepStaging(ctx context.Context, tx *sqlx.Tx) error {
	return discardStaged(ctx, tx, `state = 'staging' and changed_at < clock_timestamp() - make_interval(secs => $1)`, oldStaging.Seconds())
}

func discardStaged(ctx context.Context, tx *sqlx.Tx, which string, arg any) error {
	for _, table := range []string{"import_rows", "import_parts", "imports"} {
		if _, err := tx.ExecContext(ctx, `delete from `+table+` where import in (select import from imports where `+which+`)`, arg); err != nil {
			return err
		}
	}
	return nil
}

// oldStaging is how long a file that nobody goes on with stays staged.
const oldStaging = 7 * 24 * time.Hour
