package invoices

import (
	"context"
	"encoding/json"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// bookCredits books the imported credit notes on the accounts of their invoices, as
// the notes that folio issues are. Of an export its own lines say it.
func (r *importing) bookCredits(tx *sqlx.Tx) error {
	if r.head != nil {
		return nil
	}
	for _, statement := range []string{openCredited, noteCredited, sumCredited} {
		if _, err := tx.ExecContext(r.ctx, statement, r.name, r.tenant); err != nil {
			return err
		}
	}
	return nil
}

const openCredited = `
	insert into credits (tenant, series, period, number, gross)
	select distinct d.tenant, d.series, d.period, d.number, d.gross
	from import_rows r join documents d
		on d.tenant = $2 and d.series = r.credits_series and d.period = r.credits_period and d.number = r.credits_number
	where r.import = $1
	on conflict do nothing`

// noteCredited locks the accounts: the place of a note follows those that are there.
const noteCredited = `
	with account as materialized (
		select series, period, number, notes from credits c
		where tenant = $2 and exists (select 1 from import_rows r where r.import = $1
			and r.credits_series = c.series and r.credits_period = c.period and r.credits_number = c.number)
		order by series, period, number
		for update)
	insert into credit_notes (tenant, invoice_series, invoice_period, invoice_number, place, series, period, number, lines, totals)
	select $2, a.series, a.period, a.number,
		a.notes + row_number() over (partition by a.series, a.period, a.number order by r.series, r.period, r.number),
		r.series, r.period, r.number, '[]', cast(r.content as json) -> 'totals'
	from account a join import_rows r
		on r.import = $1 and r.credits_series = a.series and r.credits_period = a.period and r.credits_number = a.number`

const sumCredited = `
	update credits c set credited = c.credited + s.gross, notes = c.notes + s.notes,
		closed = c.closed or (c.gross <> 0 and c.credited + s.gross = c.gross)
	from (select credits_series, credits_period, credits_number, sum(gross) as gross, count(*) as notes
	      from import_rows where import = $1 and credits_number is not null group by 1, 2, 3) s
	where c.tenant = $2 and c.series = s.credits_series and c.period = s.credits_period and c.number = s.credits_number`

// clashOverCredited finds credit notes that together come to more than their
// invoice, in its sign.
const clashOverCredited = `
	select s.line, 'with this credit note those of ' || o.printed_number || ' come to ' || s.gross + coalesce(c.credited, 0) || ', but it to ' || o.gross as problem
	from (select credits_series as series, credits_period as period, credits_number as number, max(line) as line, sum(gross) as gross
	      from import_rows where import = $1 and credits_number is not null group by 1, 2, 3) s
	join (select series, period, number, printed_number, gross from import_rows where import = $1 and status = 'issued' and kind = 'invoice'
	      union all
	      select series, period, number, printed_number, gross from documents where tenant = $2 and status = 'issued' and kind = 'invoice') o
		using (series, period, number)
	left join credits c on c.tenant = $2 and c.series = s.series and c.period = s.period and c.number = s.number
	where s.gross + coalesce(c.credited, 0) not between least(0, o.gross) and greatest(0, o.gross)
	order by s.line limit $3`

// accountLine is, in an export, what was credited of an invoice.
type accountLine struct {
	Type     string `json:"type"`
	Series   string `json:"series" db:"series"`
	Period   string `json:"period" db:"period"`
	Number   int64  `json:"number" db:"number"`
	Credited string `json:"credited" db:"credited"`
	Notes    int64  `json:"notes" db:"notes"`
	Closed   bool   `json:"closed" db:"closed"`
}

func writeAccounts(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error {
	const query = `
		select series, period, number, cast(credited as text) as credited, notes, closed from credits
		where tenant = $1 and (tenant, series, period, number) > ($1, $2, $3, $4)
		order by tenant, series, period, number limit $5`
	return writePages(ctx, tx, tenant, out, "list what was credited", query, func(r *accountLine) []any {
		r.Type = "account"
		return []any{r.Series, r.Period, r.Number}
	})
}

func checkAccountLine(_ *maker, it *fileLine) error {
	l, err := decodePart[accountLine](it)
	if err == nil && (!isAmount(l.Credited) || l.Notes < 0 || l.Number < 1 || l.Number > counter.MaxNumber) {
		err = &lineError{it.line, "", "is no account of an invoice"}
	}
	return err
}

// storeAccounts comes after the documents. The gross is that of the invoice.
func storeAccounts(ctx context.Context, tx *sqlx.Tx, to partTarget, bodies []json.RawMessage) error {
	const insert = `
		insert into credits (tenant, series, period, number, gross, credited, notes, closed)
		select tenant, series, period, number, gross, cast($5 as numeric), $6, $7 from documents
		where tenant = $1 and series = $2 and period = $3 and number = $4 and status = 'issued' and kind = 'invoice'`
	return storeEach(ctx, tx, insert, bodies, func(l accountLine) []any {
		return []any{to.tenant, l.Series, l.Period, l.Number, l.Credited, l.Notes, l.Closed}
	})
}

// creditedLine is, in an export, what a credit note took of its invoice.
type creditedLine struct {
	Type          string          `json:"type"`
	InvoiceSeries string          `json:"invoice_series" db:"invoice_series"`
	InvoicePeriod string          `json:"invoice_period" db:"invoice_period"`
	InvoiceNumber int64           `json:"invoice_number" db:"invoice_number"`
	Place         int64           `json:"place" db:"place"`
	Series        string          `json:"series" db:"series"`
	Period        string          `json:"period" db:"period"`
	Number        int64           `json:"number" db:"number"`
	Lines         json.RawMessage `json:"lines" db:"lines"`
	Totals        json.RawMessage `json:"totals" db:"totals"`
}

func writeCredited(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error {
	const query = `
		select invoice_series, invoice_period, invoice_number, place, series, period, number, lines, totals from credit_notes
		where tenant = $1 and (tenant, invoice_series, invoice_period, invoice_number, place) > ($1, $2, $3, $4, $5)
		order by tenant, invoice_series, invoice_period, invoice_number, place limit $6`
	return writePages(ctx, tx, tenant, out, "list what credit notes took", query, func(r *creditedLine) []any {
		r.Type = "credited"
		return []any{r.InvoiceSeries, r.InvoicePeriod, r.InvoiceNumber, r.Place}
	})
}

func checkCreditedLine(_ *maker, it *fileLine) error {
	_, err := decodePart[creditedLine](it)
	return err
}

// storeCredited comes after the documents: each is of a credit note that names its
// invoice.
func storeCredited(ctx context.Context, tx *sqlx.Tx, to partTarget, bodies []json.RawMessage) error {
	const insert = `
		insert into credit_notes (tenant, invoice_series, invoice_period, invoice_number, place, series, period, number, lines, totals)
		select d.tenant, d.credits_series, d.credits_period, d.credits_number, $5, d.series, d.period, d.number, cast($9 as json), cast($10 as json)
		from documents d
		where d.tenant = $1 and d.credits_series = $2 and d.credits_period = $3 and d.credits_number = $4
			and d.series = $6 and d.period = $7 and d.number = $8 and d.status = 'issued'`
	return storeEach(ctx, tx, insert, bodies, func(l creditedLine) []any {
		return []any{to.tenant, l.InvoiceSeries, l.InvoicePeriod, l.InvoiceNumber, l.Place,
			l.Series, l.Period, l.Number, string(l.Lines), string(l.Totals)}
	})
}
