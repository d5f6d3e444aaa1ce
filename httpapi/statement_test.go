package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"folio/counter"
	"folio/invoices"
	"folio/invoices/accounts"
)

func (b *booksStub) Statement(_ context.Context, who invoices.Asker, name string, period *string) (invoices.Statement, error) {
	if err := b.ask(name, period, 0); err != nil {
		return invoices.Statement{}, err
	}
	some := func(ranges ...counter.Range) accounts.Numbers {
		return accounts.Numbers{Count: accounts.Total(ranges), Ranges: ranges}
	}
	return invoices.NewStatement(accounts.Account{
		Series: counter.Series{Tenant: "acme", Name: name, Period: "2026"}, First: 1, Mark: 10,
		Issued: some(counter.Range{First: 1, Last: 6}),
		Void:   accounts.Void{Numbers: some(counter.Range{First: 7, Last: 7}), Reasons: []accounts.Reason{{Reason: "printed_clash", Numbers: some(counter.Range{First: 7, Last: 7})}}},
		Held: accounts.Held{Numbers: some(counter.Range{First: 8, Last: 9}), Blocks: []accounts.Block{{
			Block: counter.Block{Serial: 3, Holder: "folio-0.secret"}, Numbers: some(counter.Range{First: 8, Last: 9}),
		}}},
		Free: some(counter.Range{First: 10, Last: 10}),
		AsOf: accounts.AsOf{Revision: 41, Snapshot: "7:9:8"},
	}, who.Operator), nil
}

func TestASeriesStatesWhatBecameOfItsNumbers(t *testing.T) {
	e := newEdge(t, Config{})
	got := e.ask(get("/v1/series/invoice/statement?period=2026"))
	want := `{"series":"invoice","period":"2026","first":1,"mark":10,"issued":{"count":6,"ranges":[{"first":1,"last":6}]},` +
		`"void":{"count":1,"ranges":[{"first":7,"last":7}],"reasons":[{"reason":"printed_clash","count":1,"ranges":[{"first":7,"last":7}]}]},` +
		`"held":{"count":2,"ranges":[{"first":8,"last":9}]},"free":{"count":1,"ranges":[{"first":10,"last":10}]},` +
		`"unaccounted":{"count":0,"ranges":[]},"as_of":{"etcd_revision":41,"postgres_snapshot":"7:9:8","at":"0001-01-01T00:00:00Z"}}`
	if got.Code != http.StatusOK || strings.TrimSpace(got.Body.String()) != want {
		t.Errorf("%d %s\nwant %s", got.Code, got.Body, want)
	}
	for target, says := range map[string]string{
		"/v1/series/invoice/statement?period=2026-01": `"pointer":"period"`,
		"/v1/series/invoice/statement?period=soon":    `"pointer":"period"`,
		"/v1/series/invoice/statement?when=2026":      `"pointer":"when"`,
	} {
		if got := e.ask(get(target)); got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), says) {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
}
