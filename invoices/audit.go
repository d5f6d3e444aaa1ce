package invoices

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// Ledgers is the counter's store, as far as the audit reads it.
type Ledgers interface {
	Load(ctx context.Context, s counter.Series) (counter.Ledger, counter.Version, error)
	List(ctx context.Context, tenant, name string) ([]counter.Series, error)
}

// AuditFilter selects series; zero fields select all.
type AuditFilter struct {
	Tenant string
	Series string
	Period *string
}

func (f AuditFilter) selects(s counter.Series) bool {
	return (f.Tenant == "" || f.Tenant == s.Tenant) &&
		(f.Series == "" || f.Series == s.Name) &&
		(f.Period == nil || *f.Period == s.Period)
}

// Audit accounts for every number of the selected series, in order. Each ledger
// is read before the rows of its series: a number leaves the ledger only when
// its row is there, so what moves in between is never called missing. An error
// means that the audit could not be finished.
func Audit(ctx context.Context, db *DB, ledgers Ledgers, f AuditFilter) ([]Account, error) {
	all, err := seriesToAudit(ctx, db, ledgers, f)
	if err != nil {
		return nil, err
	}
	// Read after the documents were looked for: whoever has a document has a
	// counter by now.
	strict, err := strictToAudit(ctx, db, f)
	if err != nil {
		return nil, err
	}
	isStrict := make(map[counter.Series]bool, len(strict))
	for _, s := range strict {
		isStrict[s] = true
	}
	all = sortedSeries(append(all, strict...))
	accounts := make([]Account, 0, len(all))
	for _, s := range all {
		audit := auditSeries
		if isStrict[s] {
			audit = auditStrict
		}
		a, err := audit(ctx, db, ledgers, s)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, a)
	}
	return accounts, nil
}

// seriesToAudit lists every series that has a ledger or a document.
func seriesToAudit(ctx context.Context, db *DB, ledgers Ledgers, f AuditFilter) ([]counter.Series, error) {
	all, err := ledgers.List(ctx, f.Tenant, f.Series)
	if err != nil {
		return nil, fmt.Errorf("list the ledgers: %w", err)
	}
	tenants, err := db.tenantsWithDocuments(ctx)
	if err != nil {
		return nil, err
	}
	for _, tenant := range tenants {
		if f.Tenant != "" && f.Tenant != tenant {
			continue
		}
		written, err := db.seriesWithDocuments(ctx, tenant)
		if err != nil {
			return nil, err
		}
		all = append(all, written...)
	}
	all = slices.DeleteFunc(all, func(s counter.Series) bool { return !f.selects(s) })
	return sortedSeries(all), nil
}

// sortedSeries sorts all, and leaves each in it once.
func sortedSeries(all []counter.Series) []counter.Series {
	slices.SortFunc(all, func(a, b counter.Series) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Period, b.Period))
	})
	return slices.Compact(all)
}

// tenantsWithDocuments reads the documents, not the tenants: books whose tenant
// is gone are audited too.
func (db *DB) tenantsWithDocuments(ctx context.Context) ([]string, error) {
	var names []string
	const query = `
		with recursive t (tenant) as (
			(select tenant from documents order by tenant limit 1)
			union all
			select (select d.tenant from documents d where d.tenant > t.tenant order by d.tenant limit 1)
			from t where t.tenant is not null)
		select tenant from t where tenant is not null`
	err := db.audits.SelectContext(ctx, &names, query)
	return names, wrap("list the tenants that have documents", err)
}

func auditSeries(ctx context.Context, db *DB, ledgers Ledgers, s counter.Series) (Account, error) {
	l, version, err := ledgers.Load(ctx, s)
	switch {
	case errors.Is(err, counter.ErrDamaged):
		return damagedAccount(ctx, db, s, err)
	case err != nil:
		return Account{}, fmt.Errorf("read the ledger of %s: %w", s, err)
	}
	runs, err := db.allRuns(ctx, s)
	if err != nil {
		return Account{}, err
	}
	a := classify(s, l, runs)
	if a.Clean() || highest(runs) <= l.Mark {
		return a, nil
	}
	// Rows above the mark: had they been reserved after the ledger was read?
	later, laterVersion, err := ledgers.Load(ctx, s)
	switch {
	case err != nil:
		return Account{}, fmt.Errorf("read the ledger of %s: %w", s, err)
	case later.Mark >= highest(runs):
		return classify(s, l, upToMark(runs, l.Mark)), nil
	case version == "" && laterVersion == "":
		a.Findings = append(a.Findings, "there are documents, but no ledger")
	}
	return a, nil
}

// damagedAccount counts the rows of a series whose ledger cannot be read.
func damagedAccount(ctx context.Context, db *DB, s counter.Series, damage error) (Account, error) {
	runs, err := db.allRuns(ctx, s)
	if err != nil {
		return Account{}, err
	}
	a := classify(s, counter.Ledger{Mark: highest(runs)}, runs)
	a.Mark, a.Missing = 0, nil // without a ledger nobody knows
	a.Findings = append(a.Findings, damage.Error())
	return a, nil
}

// allRuns reads every document of s as runs, in pieces that the server answers
// quickly.
func (db *DB) allRuns(ctx context.Context, s counter.Series) ([]run, error) {
	return readAllRuns(ctx, db.audits, s)
}

func readAllRuns(ctx context.Context, q sqlx.QueryerContext, s counter.Series) ([]run, error) {
	last, err := readFloor(ctx, q, s)
	if err != nil {
		return nil, err
	}
	var all []run
	for _, part := range pieces(upTo(last), readAtOnce) {
		runs, err := readRuns(ctx, q, s, part)
		if err != nil {
			return nil, err
		}
		all = append(all, runs...)
	}
	return all, nil
}

func highest(runs []run) (last int64) {
	for _, r := range runs {
		last = max(last, r.Last)
	}
	return last
}

// upToMark cuts off what lies above mark.
func upToMark(runs []run, mark int64) []run {
	var cut []run
	for _, r := range runs {
		if r.Last = min(r.Last, mark); r.Len() > 0 {
			cut = append(cut, r)
		}
	}
	return cut
}
