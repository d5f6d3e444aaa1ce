package invoices

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"folio/counter"
	"folio/invoices/accounts"
	"folio/invoices/deep"
	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// deepSeries is what is to be looked at of a series.
type deepSeries struct {
	series counter.Series
	spans  []counter.Range // ascending
	new    bool            // the last of spans was never looked at; accounts beyond it neither
}

// plannedAtOnce is how many series one statement tells of.
const plannedAtOnce = 1000

// deepPlan lists the series that f selects and of which something is to be looked
// at, in order.
func (db *DB) deepPlan(ctx context.Context, f counter.Selection) ([]deepSeries, error) {
	all, err := db.seriesWithDocuments(ctx, f.Tenant)
	if err != nil {
		return nil, err
	}
	credited, err := db.seriesWithAccounts(ctx)
	if err != nil {
		return nil, err
	}
	all = append(all, credited...)
	all = slices.DeleteFunc(all, func(s counter.Series) bool { return !f.Selects(s) })
	open, err := db.openSpans(ctx, f)
	if err != nil {
		return nil, err
	}
	for s := range open {
		all = append(all, s)
	}
	var plan []deepSeries
	for part := range slices.Chunk(inOrder(all), plannedAtOnce) {
		if plan, err = db.planSome(ctx, plan, part, open); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// planSome adds to plan what is to be looked at of some series.
func (db *DB) planSome(ctx context.Context, plan []deepSeries, some []counter.Series, open map[counter.Series][]counter.Range) ([]deepSeries, error) {
	var rows []struct {
		Checked int64 `db:"checked"` // -1: never looked at
		Highest int64 `db:"highest"`
	}
	const query = `
		select coalesce(a.checked, -1) as checked, coalesce((
			select d.number from documents d
			where d.tenant = q.tenant and d.series = q.series and d.period = q.period
			order by d.number desc limit 1), 0) as highest
		from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[])) with ordinality as q (tenant, series, period, i)
		left join deep_audits a using (tenant, series, period)
		order by q.i`
	tenants, names, periods := seriesArrays(some)
	if err := db.audits.SelectContext(ctx, &rows, query, tenants, names, periods); err != nil {
		return nil, wrap("read how far the content of documents was checked", err)
	}
	for i, s := range some {
		d := deepSeries{series: s, spans: accounts.Merged(open[s])}
		if checked := max(0, rows[i].Checked); rows[i].Highest > checked || rows[i].Checked < 0 {
			d.new = true
			d.spans = append(d.spans, counter.Range{First: checked + 1, Last: rows[i].Highest})
		}
		if len(d.spans) > 0 {
			plan = append(plan, d)
		}
	}
	return plan, nil
}

// inOrder sorts all by their keys, and leaves each in it once.
func inOrder(all []counter.Series) []counter.Series {
	slices.SortFunc(all, func(a, b counter.Series) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Period, b.Period))
	})
	return slices.Compact(all)
}

func seriesArrays(all []counter.Series) (tenants, names, periods any) {
	t, n, p := make([]string, len(all)), make([]string, len(all)), make([]string, len(all))
	for i, s := range all {
		t[i], n[i], p[i] = s.Tenant, s.Name, s.Period
	}
	return pq.Array(t), pq.Array(n), pq.Array(p)
}

// seriesWithAccounts lists every series that has an account of an invoice, or a
// credit note of one, whether there is such an invoice or not. It goes through all of
// them: they are few beside the documents.
func (db *DB) seriesWithAccounts(ctx context.Context) ([]counter.Series, error) {
	var rows []struct {
		Tenant string `db:"tenant"`
		Series string `db:"series"`
		Period string `db:"period"`
	}
	const query = `
		select tenant, series, period from credits group by 1, 2, 3
		union
		select tenant, invoice_series, invoice_period from credit_notes group by 1, 2, 3`
	if err := db.audits.SelectContext(ctx, &rows, query); err != nil {
		return nil, wrap("list the series that have accounts", err)
	}
	all := make([]counter.Series, len(rows))
	for i, r := range rows {
		all[i] = counter.Series{Tenant: r.Tenant, Name: r.Series, Period: r.Period}
	}
	return all, nil
}

// deepRules are the rules of the series of one tenant at a time, as checks hold
// documents against them.
type deepRules struct {
	db     *DB
	tenant string
	known  map[string]*deepRule // by the name of a series
}

type deepRule struct {
	Series
	formats  []document.Format
	imported map[string][]deep.Range // by period
}

// of returns the rules for s; those of a series that there is not say nothing.
func (r *deepRules) of(ctx context.Context, s counter.Series) (*deep.Series, error) {
	if r.known == nil || r.tenant != s.Tenant {
		if err := r.read(ctx, s.Tenant); err != nil {
			return nil, err
		}
	}
	rules := &deep.Series{Tenant: s.Tenant, Name: s.Name, Period: s.Period, Strict: true}
	if known := r.known[s.Name]; known != nil {
		rules.Formats, rules.Restarts = known.formats, document.PeriodRule(known.Period)
		rules.Strict, rules.Imported = known.Numbering == numberingStrict, known.imported[s.Period]
	}
	return rules, nil
}

func (r *deepRules) read(ctx context.Context, tenant string) error {
	all, err := listSeries(ctx, r.db.audits, tenant)
	if err != nil {
		return err
	}
	r.tenant, r.known = tenant, make(map[string]*deepRule, len(all))
	for _, s := range all {
		rule := &deepRule{Series: s, imported: make(map[string][]deep.Range)}
		if err := rule.add(s.Format); err != nil {
			return err
		}
		r.known[s.Name] = rule
	}
	if err := r.readFormats(ctx); err != nil {
		return wrap("read the former formats of "+tenant, err)
	}
	return wrap("read what was imported of "+tenant, r.readImports(ctx))
}

func (r *deepRule) add(template string) error {
	f, err := document.ParseFormat(template)
	if err != nil {
		return fmt.Errorf("series %s of %s: %w", r.Name, r.Tenant, err)
	}
	r.formats = append(r.formats, f)
	return nil
}

func (r *deepRules) readFormats(ctx context.Context) error {
	var rows []namedFormat
	const query = `select name, format, true as former from series_formats where tenant = $1 order by name, format`
	if err := r.db.audits.SelectContext(ctx, &rows, query, r.tenant); err != nil {
		return err
	}
	for _, row := range rows {
		if known := r.known[row.Name]; known != nil {
			if err := known.add(row.Format); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *deepRules) readImports(ctx context.Context) error {
	var rows []struct {
		Series string `db:"series"`
		Period string `db:"period"`
		First  int64  `db:"first"`
		Last   int64  `db:"last"`
	}
	const query = `
		select s.series, s.period, s.first, s.last from import_series s join imports i using (import)
		where i.tenant = $1 order by s.series, s.period, s.first`
	if err := sqlx.SelectContext(ctx, r.db.audits, &rows, query, r.tenant); err != nil {
		return err
	}
	for _, row := range rows {
		if known := r.known[row.Series]; known != nil {
			known.imported[row.Period] = append(known.imported[row.Period], deep.Range{First: row.First, Last: row.Last})
		}
	}
	return nil
}
