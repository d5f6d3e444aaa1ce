package invoices

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// record takes a number for each of items and writes its row; those that it wrote
// it returns, in their order. Items whose number is used up, or whose holder was
// fenced, are left for another round; so are those that the same request recorded
// before, or on another replica.
//
// The row of item 0 is what a request has its key by, as that of an invoice is: the
// others are not sent before it is stored. Else a request of one, or an invoice, could
// get a key of which other items are stored. Rows of a strict series are stored all at
// once.
func (is *Issuer) record(ctx context.Context, p *prepared, items []int) ([]item, error) {
	rows, err := is.rowsFor(ctx, p, items)
	if err != nil {
		return nil, err
	}
	if p.strict() || len(rows) == 1 || items[0] != 0 {
		return is.recordRows(ctx, p, rows)
	}
	first, err := is.recordRows(ctx, p, rows[:1])
	if err != nil || len(first) == 0 { // or the same request has it elsewhere, and is looked up
		for _, r := range rows[1:] {
			r.giveBack()
		}
		return first, err
	}
	others, err := is.recordRows(ctx, p, rows[1:])
	return append(first, others...), outcomeUnknown(err)
}

// recordRows writes rows, see record.
func (is *Issuer) recordRows(ctx context.Context, p *prepared, rows []row) ([]item, error) {
	var made []item
	var failed error
	entries, err := is.Writer.submitAll(ctx, rows)
	if len(entries) == 0 {
		return nil, err
	}
	for i, e := range entries {
		repeat, err := is.Writer.await(ctx, e)
		switch {
		case err == nil && repeat == nil:
			made = append(made, rows[i].item())
		case errors.Is(err, errTaken) || errors.Is(err, errFenced):
			err = ctx.Err()
		case errors.Is(err, errBelowRange): // the others wait for the same
			err = is.leaveBehind(ctx, p, p.Strict.Within.First-1)
		}
		if err != nil && failed == nil {
			failed = err
		}
	}
	if failed == nil {
		failed = err
	}
	return made, outcomeUnknown(failed)
}

// item is a row of r as findItems would find it.
func (r *row) item() item {
	k := r.key()
	return item{
		Item: r.Item, Kind: r.Kind, Series: k.Name, Period: k.Period, Number: k.Number,
		Printed: r.Printed, Digest: r.Digest[:], IssueDate: r.Draft.IssueDate,
	}
}

// rowsFor makes the row of each item, with its number unless the series is strict.
func (is *Issuer) rowsFor(ctx context.Context, p *prepared, items []int) ([]row, error) {
	rows := make([]row, len(items))
	for i, item := range items {
		rows[i] = p.row
		rows[i].Item, rows[i].Strict.More = item, len(items)-1-i
	}
	if p.strict() {
		return rows, nil
	}
	numbers, err := is.take(ctx, p, len(items))
	if err != nil {
		return nil, err
	}
	for i, n := range numbers {
		rows[i].Number, rows[i].Printed = n, p.print(n)
	}
	return rows, nil
}

// outcomeUnknown is what an error comes to once some of a request's rows may be
// stored: that nothing was, nobody may say.
func outcomeUnknown(err error) error {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return err
}

// item is one number of a request, as it is stored.
type item struct {
	Item    int    `db:"item"`
	Kind    string `db:"kind"`
	Series  string `db:"series"`
	Period  string `db:"period"`
	Number  int64  `db:"number"`
	Printed string `db:"printed_number"`
	Digest  []byte `db:"digest"`

	IssueDate string `db:"issue_date"`
}

// findItems returns what is stored of r so far, in the order of the items.
func (db *DB) findItems(ctx context.Context, r NumbersRequest, id string) ([]item, error) {
	var items []item
	const query = `select item, kind, series, period, number, printed_number, digest, cast(issue_date as text) as issue_date
		from documents
		where tenant = $1 and request_id = $2 order by item`
	if err := db.lookUps.SelectContext(ctx, &items, query, r.Identity.Tenant, id); err != nil {
		return nil, wrap("look up a request for numbers", err)
	}
	for _, i := range items {
		if i.Kind != kindExternal || !bytes.Equal(i.Digest, r.Digest[:]) {
			return nil, ErrRequestReused
		}
	}
	return items, nil
}

// missing returns which of count items are not stored.
func missing(stored []item, count int) []int {
	have := make([]bool, count)
	for _, i := range stored {
		have[i.Item] = true
	}
	var items []int
	for i, has := range have {
		if !has {
			items = append(items, i)
		}
	}
	return items
}

func externalNumbers(items []item, replayed bool) ExternalNumbers {
	out := ExternalNumbers{Series: items[0].Series, Period: items[0].Period, Replayed: replayed}
	for _, i := range items {
		out.Numbers = append(out.Numbers, ExternalNumber{Number: i.Number, PrintedNumber: i.Printed})
	}
	return out
}
