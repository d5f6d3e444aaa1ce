package invoices

import (
	"context"
	"fmt"
	"strings"

	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// The bounds of a page.
const (
	limitDefault = 20
	limitMax     = 100
)

// Invoice returns an invoice of tenant by its public id. ErrNotFound: there is
// none, or it is another tenant's.
func (db *DB) Invoice(ctx context.Context, tenant, id string) (Invoice, error) {
	k, ok := decodeKey(idPrefix, id)
	if !ok || k.Tenant != tenant {
		return Invoice{}, ErrNotFound
	}
	var s shown
	err := db.read(ctx, tenant, "read an invoice", func(q sqlx.QueryerContext) error {
		return sqlx.GetContext(ctx, q, &s, invoiceByKey, k.Tenant, k.Name, k.Period, k.Number)
	})
	if err != nil {
		return Invoice{}, err
	}
	return s.invoice()
}

const invoiceByKey = `select ` + shownColumns + ` from documents d ` + withAccount + `
	where d.tenant = $1 and d.series = $2 and d.period = $3 and d.number = $4
		and d.status = 'issued' and d.kind <> 'external'`

// List returns a page of a tenant's invoices, in the order (series, period,
// number); voids are not among them. *document.InvalidError names "limit",
// "cursor", "period" without series, or a part of Narrow without both.
func (db *DB) List(ctx context.Context, tenant string, q Query) (Page, error) {
	if q.Limit == 0 {
		q.Limit = limitDefault
	}
	after, err := q.check(tenant)
	if err != nil {
		return Page{}, err
	}
	query, args := q.sql(tenant, after)
	var rows []shown
	err = db.read(ctx, tenant, "list invoices", func(q sqlx.QueryerContext) error {
		return sqlx.SelectContext(ctx, q, &rows, query, args...)
	})
	if err != nil {
		return Page{}, err
	}
	return page(rows, q.Limit)
}

// check returns the key after which the page begins; the zero key if it is the
// first.
func (q Query) check(tenant string) (key, error) {
	if err := checkLimit(q.Limit); err != nil {
		return key{}, err
	}
	if used := q.Narrow.used(); len(used) > 0 && (q.Series == "" || q.Period == nil) {
		return key{}, invalid(used[0], "selects within one series and period only; give series and period, too")
	}
	if q.Period != nil && q.Series == "" && q.Number == 0 && q.PrintedNumber == "" && q.RequestID == "" {
		return key{}, invalid("period", "selects within one series only; give series, too")
	}
	if q.Cursor == "" {
		return key{}, nil
	}
	k, ok := decodeKey(cursorPrefix, q.Cursor)
	if !ok || k.Tenant != tenant {
		return key{}, badCursor()
	}
	return k, nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > limitMax {
		return invalid("limit", fmt.Sprintf("is %d; give 1 to %d", limit, limitMax))
	}
	return nil
}

func badCursor() error {
	return invalid("cursor", "is not one that a list returned; give next_cursor as it was, or begin without")
}

func invalid(pointer, detail string) error {
	return &document.InvalidError{Fields: []document.FieldError{{Pointer: pointer, Detail: detail}}}
}

// sql builds the query of a page: one row more than the limit tells whether
// there is another.
func (q Query) sql(tenant string, after key) (string, []any) {
	var query strings.Builder
	args := []any{tenant}
	add := func(condition string, values ...any) {
		places := make([]any, len(values))
		for i, v := range values {
			args = append(args, v)
			places[i] = len(args)
		}
		fmt.Fprintf(&query, condition, places...)
	}
	if q.Number != 0 {
		// The key does not begin with the number: go through its beginnings.
		query.WriteString(`with recursive ` + eachPeriod + ` select ` + shownColumns +
			` from p join documents d on d.tenant = $1 and d.series = p.series and d.period = p.period `)
	} else {
		query.WriteString(`select ` + shownColumns + ` from documents d `)
	}
	query.WriteString(withAccount + ` where d.tenant = $1 and d.status = 'issued' and d.kind <> 'external'`)
	if q.Number != 0 {
		add(` and d.number = $%d`, q.Number)
	}
	if q.Series != "" {
		add(` and d.series = $%d`, q.Series)
	}
	if q.Period != nil {
		add(` and d.period = $%d`, *q.Period)
	}
	if q.PrintedNumber != "" {
		add(` and d.printed_number = $%d`, q.PrintedNumber)
	}
	if q.RequestID != "" {
		add(` and d.request_id = $%d`, fromClient+q.RequestID)
	}
	for _, c := range q.conditions() {
		if c.given {
			add(c.sql, c.value)
		}
	}
	if after.Number != 0 {
		add(` and (d.series, d.period, d.number) > ($%d, $%d, $%d)`, after.Name, after.Period, after.Number)
	}
	add(` order by d.series, d.period, d.number limit $%d`, q.Limit+1)
	return query.String(), args
}

// condition is one part of Narrow.
type condition struct {
	name  string // as the API calls it
	given bool
	sql   string // of documents d and accounts c, with the place of value
	value any
}

func (n Narrow) conditions() []condition {
	closed := ` and c.closed is distinct from $%d`
	if n.Status == statusCancelled {
		closed = ` and c.closed = $%d`
	}
	return []condition{
		{"status", n.Status != "", closed, true},
		{"kind", n.Kind != "", ` and d.kind = $%d`, n.Kind},
		{"customer_name", n.CustomerName != "", ` and d.content #>> '{customer,name}' = $%d`, n.CustomerName},
		{"customer_tax_id", n.CustomerTaxID != "", ` and d.content #>> '{customer,tax_id}' = $%d`, n.CustomerTaxID},
		{"issue_date_from", n.IssuedFrom != "", ` and d.issue_date >= cast($%d as date)`, n.IssuedFrom},
		{"issue_date_to", n.IssuedTo != "", ` and d.issue_date <= cast($%d as date)`, n.IssuedTo},
		{"created_from", !n.CreatedFrom.IsZero(), ` and d.created_at >= $%d`, n.CreatedFrom},
		{"created_to", !n.CreatedTo.IsZero(), ` and d.created_at < $%d`, n.CreatedTo},
	}
}

// used names what n selects by.
func (n Narrow) used() (names []string) {
	for _, c := range n.conditions() {
		if c.given {
			names = append(names, c.name)
		}
	}
	return names
}

// eachPeriod is p (series, period): the beginnings of the key that tenant $1
// has documents under, each found by one step in the index.
const eachPeriod = `p (series, period) as (
	(select series, period from documents where tenant = $1 order by series, period limit 1)
	union all
	select n.series, n.period from p cross join lateral (
		select d.series, d.period from documents d
		where d.tenant = $1 and (d.series, d.period) > (p.series, p.period)
		order by d.series, d.period limit 1) n)`

func page(rows []shown, limit int) (Page, error) {
	p := Page{Invoices: make([]Invoice, 0, len(rows))}
	if len(rows) > limit {
		rows = rows[:limit]
		p.NextCursor = rows[limit-1].key().encode(cursorPrefix)
	}
	for _, s := range rows {
		inv, err := s.invoice()
		if err != nil {
			return Page{}, err
		}
		p.Invoices = append(p.Invoices, inv)
	}
	return p, nil
}
