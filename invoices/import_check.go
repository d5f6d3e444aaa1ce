package invoices

import (
	"errors"
	"fmt"
	"slices"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// clashQueries find rows that cannot become documents. Each answers with a line and
// what is wrong there, lowest line first; $1 is the import, $2 the tenant, $3 how
// many are wanted.
func clashQueries() []string {
	return []string{
		clashTwice("series, period, number", "", "r.series || ' ' || r.period || ' number ' || r.number"),
		clashTwice("printed_number", "", "'printed number ' || r.printed_number"),
		clashTwice("request_id, item", "and request_id not like "+ownRequests, "'request ' || r.request_id || ' item ' || r.item"),
		clashStored("d.series = r.series and d.period = r.period and d.number = r.number",
			"'number ' || r.number || ' of ' || r.series || ' ' || r.period || ' is taken already: it is ' || case d.status when 'void' then 'void (' || d.reason || ')' else d.printed_number end"),
		clashStored("d.printed_number = r.printed_number",
			"'printed number ' || r.printed_number || ' is taken by number ' || d.number || ' of ' || d.series || ' ' || d.period"),
		clashStored("d.request_id = r.request_id and d.item = r.item and r.request_id not like "+ownRequests,
			"'request ' || r.request_id || ' made number ' || d.number || ' of ' || d.series || ' ' || d.period || ' already'"),
		clashNothingToCredit,
		clashOverCredited,
		clashBelowStart,
	}
}

// ownRequests matches the request ids that this import has made: no other has them.
const ownRequests = `'i:' || $1 || ':%'`

// clashTwice finds what the file has twice, of the rows that a condition selects.
func clashTwice(columns, condition, what string) string {
	return `
		select r.line, ` + what + ` || ' is on line ' || o.line || ' already' as problem
		from (select ` + columns + `, min(line) as line from import_rows
		      where import = $1 and $2 <> '' ` + condition + ` group by ` + columns + ` having count(*) > 1) o
		join import_rows r using (` + columns + `)
		where r.import = $1 and r.line > o.line
		order by r.line limit $3`
}

// clashStored finds what a document has already.
func clashStored(condition, what string) string {
	return `
		select r.line, ` + what + ` as problem
		from import_rows r join documents d on d.tenant = $2 and ` + condition + `
		where r.import = $1
		order by r.line limit $3`
}

const clashNothingToCredit = `
	select r.line, case when r.credits_printed is not null then 'credits ' || r.credits_printed
		else 'credits number ' || r.credits_number || ' of ' || r.credits_series || ' ' || r.credits_period end
		|| ', which is no invoice of the tenant or of the file' as problem
	from import_rows r
	where r.import = $1 and (r.credits_number is not null or r.credits_printed is not null)
		and not exists (select 1 from import_rows o
			where o.import = $1 and o.series = r.credits_series and o.period = r.credits_period and o.number = r.credits_number
				and o.status = 'issued' and o.kind = 'invoice')
		and not exists (select 1 from documents d
			where d.tenant = $2 and d.series = r.credits_series and d.period = r.credits_period and d.number = r.credits_number
				and d.status = 'issued' and d.kind = 'invoice')
	order by r.line limit $3`

// clashBelowStart finds rows below the first number of a series that is in use: what
// its ledger accounts for begins there, for ever.
const clashBelowStart = `
	select r.line, 'number ' || r.number || ' is below ' || b.first || ', where ' || r.series || ' ' || r.period || ' begins since it was used' as problem
	from import_rows r join import_begun b on b.series = r.series and b.period = r.period
	where r.import = $1 and $2 <> '' and r.number < b.first
	order by r.line limit $3`

// resolveCredits finds the invoices that credit notes name by their printed number.
const resolveCredits = `
	update import_rows r set credits_series = o.series, credits_period = o.period, credits_number = o.number
	from (select printed_number, series, period, number from import_rows where import = $1 and status = 'issued'
	      union all
	      select printed_number, series, period, number from documents where tenant = $2 and status = 'issued') o
	where r.import = $1 and r.credits_printed is not null and o.printed_number = r.credits_printed`

// span is what an import brings to one series and period.
type span struct {
	Series string `db:"series"`
	Period string `db:"period"`
	First  int64  `db:"first"`
	Last   int64  `db:"last"`
	Rows   int64  `db:"rows"`
	Strict bool   `db:"strict"`
	begun  bool   // its ledger, or its counter if it is strict, is in use
	mark   int64  // of that
}

func (s span) of(tenant string) counter.Series {
	return counter.Series{Tenant: tenant, Name: s.Series, Period: s.Period}
}

// voids is how many numbers become void because no document bears them.
func (s span) voids() int64 {
	between := s.Last - s.First + 1 - s.Rows
	if s.begun {
		between += max(0, s.First-1-s.mark)
	}
	return between
}

// spans reads what the staged rows bring, and the ledgers that are in use there.
func (r *importing) spans(tx *sqlx.Tx) ([]span, error) {
	var all []span
	const query = `
		select series, period, min(number) as first, max(number) as last, count(distinct number) as rows
		from import_rows where import = $1 group by series, period order by series, period`
	if err := tx.SelectContext(r.ctx, &all, query, r.name); err != nil {
		return nil, err
	}
	const make = `
		create temporary table if not exists import_begun (
			series text collate "C", period text collate "C", first bigint) on commit delete rows`
	if _, err := tx.ExecContext(r.ctx, make); err != nil {
		return nil, err
	}
	for i := range all {
		s := &all[i]
		first, err := r.begun(tx, s)
		if err != nil {
			return nil, err
		}
		if !s.begun {
			continue
		}
		if _, err := tx.ExecContext(r.ctx, `insert into import_begun (series, period, first) values ($1, $2, $3)`, s.Series, s.Period, first); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// begun finds where what accounts for s begins and how far it has come, if it is in
// use.
func (r *importing) begun(tx *sqlx.Tx, s *span) (first int64, err error) {
	if s.Strict = r.maker.rules[s.Series].Numbering == numberingStrict; s.Strict {
		return r.lockStrict(tx, s)
	}
	l, version, err := r.Ledgers.Load(r.ctx, s.of(r.tenant))
	if err != nil {
		return 0, fmt.Errorf("read the ledger of %s: %w", s.of(r.tenant), err)
	}
	s.begun, s.mark = version != "", l.Mark
	return l.Range().First, nil
}

// check looks for everything that keeps the staged rows from becoming documents.
func (r *importing) check(tx *sqlx.Tx) ([]span, error) {
	r.tell("check", r.mark.Bytes)
	if err := r.sameRules(tx); err != nil {
		return nil, err
	}
	for _, statement := range []string{`set local work_mem = '64MB'`, `analyze import_rows`} {
		if _, err := tx.ExecContext(r.ctx, statement); err != nil {
			return nil, err
		}
	}
	spans, err := r.spans(tx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(r.ctx, resolveCredits, r.name, r.tenant); err != nil {
		return nil, err
	}
	if err := r.clashes(tx); err != nil {
		return nil, err
	}
	return spans, r.fewVoids(spans)
}

// clashes returns an *ImportError that names the first of all kinds, by line.
func (r *importing) clashes(tx *sqlx.Tx) error {
	type clash struct {
		Line    int64  `db:"line"`
		Problem string `db:"problem"`
	}
	var all []clash
	for _, query := range clashQueries() {
		var found []clash
		if err := tx.SelectContext(r.ctx, &found, query, r.name, r.tenant, r.faults.most+1); err != nil {
			return err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b clash) int { return int(a.Line - b.Line) })
	for _, c := range all {
		r.faults.add(&lineError{line: c.Line, detail: c.Problem})
	}
	return r.faults.err()
}

// fewVoids refuses a file whose numbers are so far apart that it can hardly be meant.
func (r *importing) fewVoids(spans []span) error {
	most := orDefault(r.MostVoids, 1_000_000)
	var sum int64
	for _, s := range spans {
		if sum += s.voids(); sum > most {
			return &ImportError{Problems: []string{fmt.Sprintf(
				"%s: numbers %d to %d would make more than %d numbers void that no document bears; allow more if it is meant (--most-voids)",
				s.of(r.tenant), s.First, s.Last, most)}}
		}
	}
	return nil
}

// sameRules: the rows were made by rules that may have changed since. From here on
// they are locked.
func (r *importing) sameRules(tx *sqlx.Tx) error {
	if r.head != nil {
		return r.mustBeEmpty(tx)
	}
	now, err := rulesOf(r.ctx, tx, r.tenant)
	if err != nil {
		return err
	}
	text, err := rulesText(now)
	if err == nil && text != r.mark.Rules {
		err = errors.New("a series of the tenant was changed while the file was read; run it again")
	}
	return err
}
