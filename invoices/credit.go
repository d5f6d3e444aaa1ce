package invoices

import (
	"context"
	"encoding/json"
	"fmt"

	"folio/invoices/document"
)

// credit is what a credit note takes of an invoice, computed for its account as
// it was with so many notes.
type credit struct {
	of      key
	printed string // the number that is printed on it
	notes   int
	lines   string // [{line, quantity}]
	totals  string
	closes  bool
}

// insertCredit writes one credit note, books it on the account of its invoice and
// notes what it took, or does nothing of it. It is insertBatch (the same fence,
// the same $1 to $24, harmless when executed twice) with one condition more: the
// account, which the statement locks, has as many notes as the note was computed
// for. Of several that come at once one finds it so; the others are told that it
// is not current, and nothing is stored of them then or later.
const insertCredit = `
	with fence as materialized (` + openHolder + `),` + insertCredited

// insertStrictCredit is the same in a strict series, see insertStrict.
const insertStrictCredit = `
	with fence as materialized (` + noHolder + `),` + insertCredited

// insertCredit returns the statement for the rows of l.
func (l *line) insertCredit() string {
	if l.books != nil {
		return insertStrictCredit
	}
	return insertCredit
}

// insertCredited is the statement behind its fence.
const insertCredited = `
	account as materialized (
		select series, period, number from credits
		where tenant = $25 and series = $26 and period = $27 and number = $28 and notes = $29
		for update),
	written as (
		insert into documents (` + documentColumns + `, credits_series, credits_period, credits_number)
		select ` + documentValues + `, a.series, a.period, a.number
		from ` + documentRows + ` cross join fence f cross join account a
		on conflict do nothing
		returning tenant, series, period, number, gross, credits_series, credits_period, credits_number),
	noted as (
		insert into credit_notes (tenant, invoice_series, invoice_period, invoice_number, place, series, period, number, lines, totals)
		select w.tenant, w.credits_series, w.credits_period, w.credits_number, $29 + 1, w.series, w.period, w.number,
			cast($30 as json), cast($31 as json)
		from written w),
	booked as (
		update credits c set credited = c.credited + w.gross, notes = c.notes + 1, closed = $32
		from written w
		where c.tenant = w.tenant and c.series = w.credits_series and c.period = w.credits_period and c.number = w.credits_number)
	select exists (select 1 from fence) as open, exists (select 1 from account) as current, w.tenant, w.series, w.period, w.number
	from (values (1)) as always left join written w on true`

// values are $25 to $32 of insertCredit.
func (c *credit) values() []any {
	return []any{c.of.Tenant, c.of.Name, c.of.Period, c.of.Number, c.notes, c.lines, c.totals, c.closes}
}

// account is an invoice and what was credited of it.
type account struct {
	stored
	Open    bool   `db:"open"` // it has a row
	Notes   int    `db:"notes"`
	Earlier string `db:"earlier"`
}

// account reads what of names, in one snapshot. ErrNotFound: there is none.
func (db *DB) account(ctx context.Context, of key) (account, error) {
	var a account
	err := db.lookUps.GetContext(ctx, &a, accountByKey, of.Tenant, of.Name, of.Period, of.Number)
	return a, wrap("read what was credited of an invoice", err)
}

const accountByKey = `select ` + storedColumns + `, c.notes is not null as open, coalesce(c.notes, 0) as notes,
			coalesce((
				select cast(json_agg(json_build_object('lines', n.lines, 'totals', n.totals) order by n.place) as text)
				from credit_notes n
				where n.tenant = d.tenant and n.invoice_series = d.series and n.invoice_period = d.period and n.invoice_number = d.number
			), '[]') as earlier
		from documents d ` + withAccount + `
		where d.tenant = $1 and d.series = $2 and d.period = $3 and d.number = $4
			and d.status = 'issued' and d.kind <> 'external'`

// withAccount joins the account c of a document d, if it has one.
const withAccount = `left join credits c on c.tenant = d.tenant and c.series = d.series and c.period = d.period and c.number = d.number`

// openAccount sees to it that an invoice has an account. Executed twice it
// changes nothing.
func (db *DB) openAccount(ctx context.Context, of key) error {
	const insert = `
		insert into credits (tenant, series, period, number, gross)
		select tenant, series, period, number, gross from documents
		where tenant = $1 and series = $2 and period = $3 and number = $4 and status = 'issued' and kind = 'invoice'
		on conflict do nothing`
	_, err := db.lookUps.ExecContext(ctx, insert, of.Tenant, of.Name, of.Period, of.Number)
	return wrap("open the account of an invoice", err)
}

// invoiced returns the invoice for computing a note of it.
func (a account) invoiced() (Invoice, document.Invoiced, error) {
	inv, err := a.invoice()
	if err != nil {
		return Invoice{}, document.Invoiced{}, err
	}
	i := document.Invoiced{Draft: inv.Draft, Totals: inv.Totals, Printed: inv.PrintedNumber}
	if err := json.Unmarshal([]byte(a.Earlier), &i.Earlier); err != nil {
		return Invoice{}, document.Invoiced{}, fmt.Errorf("decode what was credited of %s: %w", inv.ID, err)
	}
	return inv, i, nil
}

// take turns a note into what it takes of a.
func (a account) take(n document.Note) (*credit, error) {
	lines, err := json.Marshal(n.Taken)
	if err != nil {
		return nil, fmt.Errorf("encode the credited lines: %w", err)
	}
	totals, err := json.Marshal(n.Totals)
	if err != nil {
		return nil, fmt.Errorf("encode the credited totals: %w", err)
	}
	return &credit{of: a.key(), printed: a.Printed, notes: a.Notes, lines: string(lines), totals: string(totals), closes: n.Closes}, nil
}
