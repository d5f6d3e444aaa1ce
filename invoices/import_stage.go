package invoices

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// stageAtOnce is how many lines one transaction stages.
const stageAtOnce = 20_000

// begin finds what an earlier run has done, or notes that this one begins.
func (r *importing) begin() error {
	if r.DryRun {
		tx, err := r.conn.BeginTxx(r.ctx, nil)
		if err != nil {
			return wrap("begin a dry run", err)
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
		return wrap(doing, do(r.dry))
	}
	tx, err := r.conn.BeginTxx(r.ctx, nil)
	if err != nil {
		return wrap(doing, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // what went wrong is err
		return wrap(doing, err)
	}
	return wrap(doing, tx.Commit())
}

func (r *importing) findMark() (found bool, err error) {
	const query = `select state, rules, lines, bytes, rows, parts from imports where import = $1`
	err = r.queryer().GetContext(r.ctx, &r.mark, query, r.name)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, wrap("look for an earlier run", err)
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
	return have.Rows == r.mark.Rows && have.Parts == r.mark.Parts, wrap("count what is staged", err)
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
		return "", wrap("read the series of "+r.tenant, err)
	}
	return rulesText(r.maker.rules)
}

// mustBeEmpty: an export is a whole tenant, and does not mix with another.
func (r *importing) mustBeEmpty(q getter) error {
	var used bool
	if err := q.GetContext(r.ctx, &used, `select exists (select 1 from documents where tenant = $1)`, r.tenant); err != nil {
		return wrap("look for documents of "+r.tenant, err)
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
	var rows []struct {
		Line int64  `db:"line"`
		Part string `db:"part"`
		Body string `db:"body"`
	}
	const query = `select line, part, body from import_parts where import = $1 order by line`
	if err := sqlx.SelectContext(r.ctx, r.queryer(), &rows, query, r.name); err != nil {
		return wrap("read what is staged", err)
	}
	for _, row := range rows {
		if err := r.part(&item{line: row.Line, part: row.Part, body: json.RawMessage(row.Body)}); err != nil {
			return err
		}
	}
	return nil
}

// stage reads the file to its end and keeps its rows. After the first fault it
// keeps nothing more and only looks for others.
func (r *importing) stage() error {
	for more := true; more; {
		var err error
		if more, err = r.stageSome(); err != nil {
			return err
		}
	}
	if r.head != nil && r.ended == nil {
		r.faults.add(&lineError{r.mark.Lines, "", "is the last one, but an export has an end: the file is cut off"})
	}
	if r.ended != nil && r.ended.Documents != r.mark.Rows {
		r.faults.add(&lineError{r.mark.Lines, "", fmt.Sprintf("says that there are %d documents, but there are %d", r.ended.Documents, r.mark.Rows)})
	}
	return r.faults.err()
}

// errOnlyLook ends a piece of which nothing is to be kept.
var errOnlyLook = errors.New("the file has faults")

// stageSome stages the next piece, in a transaction that also moves the mark.
func (r *importing) stageSome() (more bool, err error) {
	if r.faults.err() != nil {
		_, more, err := r.readSome(func(*staged) error { return nil })
		return more, err
	}
	next := r.mark
	err = r.inTx("stage rows", func(tx *sqlx.Tx) error {
		var parts []*item
		if parts, more, err = r.copySome(tx, &next); err != nil {
			return err
		}
		if r.faults.err() != nil {
			return errOnlyLook
		}
		next.Lines, next.Bytes = r.src.at()
		next.Parts += int64(len(parts))
		if err := r.keepParts(tx, parts); err != nil {
			return err
		}
		return r.keepMark(tx, next)
	})
	if errors.Is(err, errOnlyLook) {
		return more, nil
	}
	if err == nil {
		r.mark = next
		r.tell("stage", next.Bytes)
	}
	return more, err
}

// copySome copies the rows of the next lines to the server while it reads them.
func (r *importing) copySome(tx *sqlx.Tx, next *importMark) (parts []*item, more bool, err error) {
	out, err := tx.PrepareContext(r.ctx, pq.CopyIn("import_rows", stagedColumns()...))
	if err != nil {
		return nil, false, err
	}
	parts, more, err = r.readSome(func(s *staged) error {
		next.Rows++
		_, err := out.ExecContext(r.ctx, s.values(r.name)...)
		return err
	})
	if err == nil {
		_, err = out.ExecContext(r.ctx)
	}
	return parts, more, errors.Join(err, out.Close())
}

// readSome reads a piece of the file. Faults of lines are collected.
func (r *importing) readSome(keep func(*staged) error) (parts []*item, more bool, err error) {
	for range orDefaultInt(r.piece, stageAtOnce) {
		if err := r.ctx.Err(); err != nil {
			return nil, false, err
		}
		it, err := r.src.next()
		if err == io.EOF {
			return parts, false, nil
		}
		if err == nil && it.part != "" {
			err = r.part(it)
			if err == nil {
				parts = append(parts, it)
			}
		} else if err == nil {
			err = r.row(it, keep)
		}
		var bad *lineError
		if errors.As(err, &bad) {
			r.faults.add(bad)
		} else if err != nil {
			return nil, false, err
		}
	}
	return parts, true, nil
}

// row makes a row of a document and has it kept.
func (r *importing) row(it *item, keep func(*staged) error) error {
	if r.ended != nil {
		return &lineError{it.line, "", "comes after the end of the export"}
	}
	s, bad := r.maker.make(it)
	for _, f := range bad {
		r.faults.add(&lineError{it.line, r.src.place(f.Pointer), f.Detail})
	}
	if s == nil || len(bad) > 0 {
		return nil
	}
	return keep(s)
}

// part takes a line of an export that is no document.
func (r *importing) part(it *item) error {
	switch {
	case r.head == nil:
		return &lineError{it.line, "/type", fmt.Sprintf("is %q: only an export has such lines, and begins with one of type %q", it.part, partExport)}
	case it.part == partExport:
		if it.line != 1 {
			return &lineError{it.line, "/type", "is a second beginning"}
		}
		return nil
	case it.part == partEnd:
		end, err := decodePart[exportEnd](it)
		r.ended = &end
		return err
	}
	for _, p := range tenantParts() {
		if p.name == it.part {
			return p.check(r.maker, it)
		}
	}
	return &lineError{it.line, "/type", fmt.Sprintf("%q is unknown to this program; a newer one made the export", it.part)}
}

func (r *importing) keepParts(tx *sqlx.Tx, parts []*item) error {
	const insert = `insert into import_parts (import, line, part, body) values ($1, $2, $3, $4)`
	for _, it := range parts {
		if _, err := tx.ExecContext(r.ctx, insert, r.name, it.line, it.part, string(it.body)); err != nil {
			return err
		}
	}
	return nil
}

// keepMark moves the mark, from where this run knows it.
func (r *importing) keepMark(tx *sqlx.Tx, next importMark) error {
	const update = `
		update imports set lines = $2, bytes = $3, rows = $4, parts = $5, changed_at = clock_timestamp()
		where import = $1 and state = 'staging' and bytes = $6`
	done, err := tx.ExecContext(r.ctx, update, r.name, next.Lines, next.Bytes, next.Rows, next.Parts, r.mark.Bytes)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%w: the mark of the import is not where this run left it", errors.Join(ErrUnavailable, err))
	}
	return nil
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
