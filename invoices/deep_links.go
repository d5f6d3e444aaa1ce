package invoices

import (
	"context"
	"strconv"

	"folio/counter"
	"folio/invoices/deep"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// readAccounts reads the accounts of the page's numbers, and of the invoices that
// its credit notes credit.
func (p *deepPage) readAccounts(ctx context.Context, tx *sqlx.Tx) error {
	of, err := p.accountKeys(ctx, tx)
	if err != nil || len(of) == 0 {
		return err
	}
	p.accounts = make([]deepAccount, len(of))
	for i, k := range of {
		p.accounts[i].of = k
	}
	for _, read := range []func(context.Context, *sqlx.Tx, []any) error{p.readInvoices, p.readBooked, p.readNoted} {
		if err := read(ctx, tx, keyArrays(of)); err != nil {
			return err
		}
	}
	return nil
}

func (p *deepPage) accountKeys(ctx context.Context, tx *sqlx.Tx) ([]key, error) {
	var numbers []int64
	const query = `
		select number from credits where tenant = $1 and series = $2 and period = $3 and number between $4 and $5
		union
		select invoice_number from credit_notes
		where tenant = $1 and invoice_series = $2 and invoice_period = $3 and invoice_number between $4 and $5
		order by 1`
	if err := tx.SelectContext(ctx, &numbers, query, p.series.Tenant, p.series.Name, p.series.Period, p.from, p.linkedTo); err != nil {
		return nil, err
	}
	seen := make(map[key]bool)
	var of []key
	add := func(k key) {
		if !seen[k] {
			seen[k] = true
			of = append(of, k)
		}
	}
	for _, n := range numbers {
		add(key{Series: p.series, Number: n})
	}
	for i := range p.rows {
		if k := p.rows[i].credits; k != (key{}) {
			add(k)
		}
	}
	return of, nil
}

// keyArrays are $1 to $4 of asked.
func keyArrays(of []key) []any {
	series, numbers := make([]counter.Series, len(of)), make([]int64, len(of))
	for i, k := range of {
		series[i], numbers[i] = k.Series, k.Number
	}
	tenants, names, periods := seriesArrays(series)
	return []any{tenants, names, periods, pq.Array(numbers)}
}

// asked are the keys that keyArrays gives, as q, with their places from 1.
const asked = `unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[])) with ordinality as q (tenant, series, period, number, i)`

func (p *deepPage) readInvoices(ctx context.Context, tx *sqlx.Tx, of []any) error {
	const query = `select q.i, ` + deepColumns + ` from ` + asked + `
		join documents d on d.tenant = q.tenant and d.series = q.series and d.period = q.period and d.number = q.number
		where d.status = 'issued'`
	rows, err := tx.QueryContext(ctx, query, of...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var i int64
		var r deepRow
		var status string
		if err := rows.Scan(append([]any{&i}, r.targets(&status)...)...); err != nil {
			return err
		}
		p.accounts[i-1].Invoice = &r.Row
	}
	return rows.Err()
}

func (p *deepPage) readBooked(ctx context.Context, tx *sqlx.Tx, of []any) error {
	const query = `select q.i, cast(c.gross as text), cast(c.credited as text), c.notes, c.closed from ` + asked + `
		join credits c on c.tenant = q.tenant and c.series = q.series and c.period = q.period and c.number = q.number`
	rows, err := tx.QueryContext(ctx, query, of...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var i int64
		var b deep.Booked
		if err := rows.Scan(&i, &b.Gross, &b.Credited, &b.Notes, &b.Closed); err != nil {
			return err
		}
		p.accounts[i-1].Booked = &b
	}
	return rows.Err()
}

func (p *deepPage) readNoted(ctx context.Context, tx *sqlx.Tx, of []any) error {
	const query = `select q.i, n.place, n.series, n.period, n.number, n.lines, n.totals,
			coalesce(d.credits_series = q.series and d.credits_period = q.period and d.credits_number = q.number, false), ` + deepColumns + `
		from ` + asked + `
		join credit_notes n on n.tenant = q.tenant and n.invoice_series = q.series and n.invoice_period = q.period and n.invoice_number = q.number
		left join documents d on d.tenant = n.tenant and d.series = n.series and d.period = n.period and d.number = n.number and d.status = 'issued'
		order by q.i, n.place`
	rows, err := tx.QueryContext(ctx, query, of...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var i, number int64
		var n deep.Noted
		var r deepRow
		var series, period, status string
		columns := []any{&i, &n.Place, &series, &period, &number, &n.Lines, &n.Totals, &n.Linked}
		if err := rows.Scan(append(columns, r.targets(&status)...)...); err != nil {
			return err
		}
		if n.Note = noteName(series, period, number); status != "" {
			n.Row = &r.Row
		}
		p.accounts[i-1].Noted = append(p.accounts[i-1].Noted, n)
	}
	return rows.Err()
}

// noteName is a credit note as people name it within its tenant.
func noteName(series, period string, number int64) string {
	if period == "" {
		period = "-"
	}
	return series + "/" + period + "/" + strconv.FormatInt(number, 10)
}
