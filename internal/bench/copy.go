package main

import (
	"context"
	"fmt"
	"time"

	"folio/internal/bench/contender"
	"folio/internal/bench/load"
	"folio/invoices/document"
)

// copy is the round of the entrant that has no replicas.
func (b *bench) copy(ctx context.Context, t *turn, window time.Duration) (round, error) {
	draft := document.Draft{Currency: "EUR", Customer: document.Customer{Name: "Ada Lovelace"}}
	for i := range t.kind.Lines {
		draft.Lines = append(draft.Lines, document.Line{
			Description: fmt.Sprintf("Translation, part %d", i+1), Quantity: "3", Unit: "h", UnitPrice: "80.50",
			Tax: document.Tax{Category: "S", Rate: "19"},
		})
	}
	if err := t.stack.database(ctx, t.entrant); err != nil {
		return round{}, err
	}
	mark, err := t.stack.server.Highest(ctx, t.entrant.database(), t.stack.tenants[0], blockSeries)
	if err != nil {
		return round{}, err
	}
	before, err := take(ctx, t.fleet, t.stack)
	if err != nil {
		return round{}, err
	}
	rows, took, err := contender.Copy(ctx, t.stack.server.Of(t.entrant.database()), t.stack.tenants[0], mark, draft, window)
	if err != nil {
		return round{}, err
	}
	for i := range rows {
		t.books.given = append(t.books.given, load.Given{Tenant: 0, Number: mark + i + 1})
	}
	after, err := take(ctx, t.fleet, t.stack)
	if err != nil {
		return round{}, err
	}
	r := t.cost(before, after, float64(rows))
	r.Numbers = float64(rows) / took.Seconds()
	return r, nil
}
