package invoices

import (
	"cmp"
	"context"
	"slices"

	"folio/counter"
)

// seriesInPostgres lists the selected series that have a document or a strict counter,
// in the order of Series.String. Counters are read after the documents were looked
// for: whoever has a document has a counter by then.
func (db *DB) seriesInPostgres(ctx context.Context, of counter.Selection) ([]counter.Series, error) {
	tenants, err := db.tenantsWithDocuments(ctx)
	if err != nil {
		return nil, err
	}
	var all []counter.Series
	for _, tenant := range tenants {
		if of.Tenant != "" && of.Tenant != tenant {
			continue
		}
		written, err := db.seriesWithDocuments(ctx, tenant)
		if err != nil {
			return nil, err
		}
		all = append(all, written...)
	}
	counters, err := db.StrictCounters(ctx, of.Tenant, of.Name)
	if err != nil {
		return nil, err
	}
	for _, c := range counters {
		all = append(all, c.Series)
	}
	all = slices.DeleteFunc(all, func(s counter.Series) bool { return !of.Selects(s) })
	slices.SortFunc(all, func(a, b counter.Series) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(all), nil
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
