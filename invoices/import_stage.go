package invoices

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jmoiron/sqlx"
)

// stageAtOnce is how many lines one transaction stages.
const stageAtOnce = 20_000

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
		var parts []*fileLine
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

// copyRows copies rows of stagedColumns from what follows.
func copyRows() string {
	return "copy import_rows (" + strings.Join(stagedColumns(), ", ") + ") from stdin"
}

// copySome copies the rows of the next lines to the server while it reads them.
func (r *importing) copySome(tx *sqlx.Tx, next *importMark) (parts []*fileLine, more bool, err error) {
	out, err := tx.PrepareContext(r.ctx, copyRows())
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
func (r *importing) readSome(keep func(*staged) error) (parts []*fileLine, more bool, err error) {
	for range orDefault(r.piece, stageAtOnce) {
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
func (r *importing) row(it *fileLine, keep func(*staged) error) error {
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
func (r *importing) part(it *fileLine) error {
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

func (r *importing) keepParts(tx *sqlx.Tx, parts []*fileLine) error {
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
		return fmt.Errorf("%w: the mark of the import is not where this run left it", errors.Join(ErrImportInterrupted, err))
	}
	return nil
}
