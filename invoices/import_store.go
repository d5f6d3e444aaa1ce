package invoices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// storeStaged makes documents of the staged rows. It waits for whoever is writing
// one of the numbers, and fails if that one is stored: then everything is checked
// again.
const storeStaged = `
	insert into documents (tenant, series, period, number, status, created_at, request_id, item, digest, key_id, issue_date,
		currency, net, tax, gross, printed_number, content, kind, reference, reason, credits_series, credits_period, credits_number,
		void_by, void_note)
	select $2, series, period, number, status, created_at, request_id, item, digest, key_id, issue_date,
		currency, net, tax, gross, printed_number, cast(content as json), kind, reference, reason, credits_series, credits_period, credits_number,
		case when status = 'void' then '` + byOperator + `' end,
		case when status = 'void' then 'It was void already where it was moved in from, by the import ' || $1 || '.' end
	from import_rows where import = $1`

// storeGaps makes void what lies between the imported numbers and has no row.
const storeGaps = `
	insert into documents (tenant, series, period, number, status, created_at, reason, void_by, void_note)
	select $2, g.series, g.period, n, 'void', clock_timestamp(), $3, '` + byOperator + `', 'By the import ' || $1 || '.'
	from (select series, period, number + 1 as first, lead(number) over (partition by series, period order by number) - 1 as last
	      from import_rows where import = $1) g
	cross join generate_series(g.first, g.last) as n
	where g.first <= g.last
	order by g.series, g.period, n
	on conflict do nothing`

// store checks the staged rows and makes documents of them, all or none, in one
// transaction. In a dry run it only checks.
func (r *importing) store() error {
	return r.inTx("store the rows", func(tx *sqlx.Tx) error {
		if r.dry == nil {
			if err := r.storeParts(tx, false); err != nil {
				return err
			}
		}
		spans, err := r.check(tx)
		if err != nil {
			return err
		}
		r.reportSpans(spans)
		if r.dry != nil {
			return nil
		}
		r.tell("store", r.mark.Bytes)
		return r.storeRows(tx, spans)
	})
}

func (r *importing) reportSpans(spans []span) {
	r.report.Rows, r.report.Series = r.mark.Rows, nil
	for _, s := range spans {
		r.report.Series = append(r.report.Series, ImportedSeries{
			Series: s.of(r.tenant), Range: counter.Range{First: s.First, Last: s.Last}, Rows: s.Rows, strict: s.Strict,
		})
	}
}

// storeParts stores what else an export has of the tenant: what comes before the
// documents, or what comes after them.
func (r *importing) storeParts(tx *sqlx.Tx, after bool) error {
	if r.head == nil {
		return nil
	}
	var exists bool
	if err := tx.GetContext(r.ctx, &exists, `select exists (select 1 from tenants where name = $1)`, r.tenant); err != nil {
		return err
	}
	to := partTarget{tenant: r.tenant, create: !exists}
	for _, p := range tenantParts() {
		if p.after != after {
			continue
		}
		err := r.stagedParts(tx, p.name, func(lines []*fileLine) error {
			bodies := make([]json.RawMessage, len(lines))
			for i, l := range lines {
				bodies[i] = l.body
			}
			return p.store(r.ctx, tx, to, bodies)
		})
		if err != nil {
			return fmt.Errorf("store the %s lines: %w", p.name, err)
		}
	}
	return nil
}

// stagedParts goes through the staged lines of a part, or of all ("").
func (r *importing) stagedParts(q sqlx.QueryerContext, name string, do func([]*fileLine) error) error {
	const query = `
		select line, part, body from import_parts
		where import = $1 and ($2 = '' or part = $2) and line > $3 order by line limit $4`
	for last, more := int64(0), true; more; {
		var rows []struct {
			Line int64  `db:"line"`
			Part string `db:"part"`
			Body string `db:"body"`
		}
		if err := sqlx.SelectContext(r.ctx, q, &rows, query, r.name, name, last, partsAtOnce); err != nil {
			return err
		}
		if more = len(rows) == partsAtOnce; len(rows) == 0 {
			return nil
		}
		lines := make([]*fileLine, len(rows))
		for i, row := range rows {
			lines[i] = &fileLine{line: row.Line, part: row.Part, body: json.RawMessage(row.Body)}
			last = row.Line
		}
		if err := do(lines); err != nil {
			return err
		}
	}
	return nil
}

func (r *importing) storeRows(tx *sqlx.Tx, spans []span) error {
	if _, err := tx.ExecContext(r.ctx, storeStaged, r.name, r.tenant); err != nil {
		return err
	}
	if _, err := tx.ExecContext(r.ctx, storeGaps, r.name, r.tenant, reasonImport); err != nil {
		return err
	}
	if err := r.bookCredits(tx); err != nil {
		return err
	}
	if err := r.storeParts(tx, true); err != nil {
		return err
	}
	for _, s := range spans {
		if err := r.storeSpan(tx, s); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(r.ctx, `update imports set state = 'stored', changed_at = clock_timestamp() where import = $1`, r.name)
	return err
}

// storeSpan notes what the counter has to be moved past, and where a series begins
// that was never used, if that is not where it begins anyway.
func (r *importing) storeSpan(tx *sqlx.Tx, s span) error {
	if s.Strict {
		if err := r.moveStrict(tx, s); err != nil {
			return err
		}
	} else if !s.begun {
		const begin = `
			insert into series_starts (tenant, series, period, first)
			select $1, $2, $3, cast($4 as bigint)
			where cast($4 as bigint) <> cast($5 as bigint) or exists (select 1 from series_starts where tenant = $1 and series = $2 and period = $3)
			on conflict (tenant, series, period) do update set first = least(series_starts.first, excluded.first)`
		if _, err := tx.ExecContext(r.ctx, begin, r.tenant, s.Series, s.Period, s.First, r.maker.rules[s.Series].first()); err != nil {
			return err
		}
	}
	const insert = `insert into import_series (import, series, period, first, last, rows) values ($1, $2, $3, $4, $5, $6)`
	_, err := tx.ExecContext(r.ctx, insert, r.name, s.Series, s.Period, s.First, s.Last, s.Rows)
	return err
}

// move moves the counter of each series past the imported numbers, on every replica,
// and ends the import. All of it may be done again.
func (r *importing) move() error {
	if err := r.summary(); err != nil {
		return err
	}
	r.tell("move the counter", r.mark.Bytes)
	for _, s := range r.report.Series {
		if s.strict {
			continue // moved with its rows
		}
		if err := r.moveOne(s); err != nil {
			return fmt.Errorf("the rows are stored; run it again to move the counter past them: %w", err)
		}
	}
	return r.inTx("end the import", func(tx *sqlx.Tx) error {
		for _, statement := range []string{
			`delete from import_rows where import = $1`,
			`delete from import_parts where import = $1`,
			`update imports set state = 'done', changed_at = clock_timestamp() where import = $1`,
		} {
			if _, err := tx.ExecContext(r.ctx, statement, r.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// seekPatience bounds the wait for replicas to hand back what they hold of a series.
const seekPatience = 2 * time.Minute

func (r *importing) moveOne(s ImportedSeries) error {
	ctx, cancel := context.WithTimeout(AskedByOperator(r.ctx), seekPatience)
	defer cancel()
	return seekFar(ctx, r.Counter, r.Ledgers, s.Series, s.Last, reasonImport)
}

// summary reads what the import stored.
func (r *importing) summary() error {
	var spans []span
	// A counter that gave numbers belongs to a strict series, and always will.
	const query = `
		select s.series, s.period, s.first, s.last, s.rows, exists (
			select 1 from strict_counters c
			where c.tenant = $2 and c.series = s.series and c.period = s.period and c.mark >= c.first) as strict
		from import_series s where s.import = $1 order by s.series, s.period`
	if err := sqlx.SelectContext(r.ctx, r.queryer(), &spans, query, r.name, r.tenant); err != nil {
		return cutShort("read what was imported", err)
	}
	r.reportSpans(spans)
	return nil
}

// seekFar makes sure that no number of s up to mark is given again, in as many seeks
// as it takes.
func seekFar(ctx context.Context, by Seeker, ledgers Ledgers, s counter.Series, mark int64, reason string) error {
	for {
		err := by.Seek(ctx, s, mark, reason)
		if !errors.Is(err, counter.ErrTooFar) {
			return err
		}
		l, _, loadErr := ledgers.Load(ctx, s)
		if loadErr != nil {
			return fmt.Errorf("read the ledger of %s: %w", s, loadErr)
		}
		if err := by.Seek(ctx, s, max(l.Mark, l.Range().First-1)+counter.MaxSeek, reason); err != nil {
			return err
		}
	}
}
