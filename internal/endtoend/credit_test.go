package endtoend

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"folio/httpapi/client"
	"folio/internal/devcluster"
)

// draftsAndCredits goes from a draft to a cancelled invoice, each step on another
// replica.
func draftsAndCredits(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "credits")
	on := func(i int) *client.ClientWithResponses { return connect(t, c.Replicas[i%3], key) }
	made, err := on(0).CreateDraftWithBodyWithResponse(within(t, 20*time.Second), nil, "application/json", strings.NewReader(`{"currency":"EUR"}`))
	if err != nil || made.JSON201 == nil {
		t.Fatalf("%v %s", err, made.Body)
	}
	tag := made.HTTPResponse.Header.Get("ETag")
	const rest = `{"customer":{"name":"Ada"},"lines":[{"description":"x","quantity":"3","unit_price":"33.335","tax":{"category":"S","rate":"20"}}]}`
	patched, err := on(1).ChangeDraftWithBodyWithResponse(within(t, 20*time.Second), made.JSON201.Id, &client.ChangeDraftParams{IfMatch: &tag}, "application/merge-patch+json", strings.NewReader(rest))
	if err != nil || patched.JSON200 == nil {
		t.Fatalf("%v %s", err, patched.Body)
	}
	invoice := issueDraftAtOnce(t, on, made.JSON201.Id)
	part, err := on(0).CancelInvoiceWithBodyWithResponse(within(t, 20*time.Second), invoice.Id, &client.CancelInvoiceParams{IdempotencyKey: new("part")}, "application/json", strings.NewReader(`{"lines":[{"line":0,"quantity":"1"}]}`))
	if err != nil || part.JSON201 == nil || part.JSON201.Totals.Gross != "40.01" {
		t.Fatalf("%v %s", err, part.Body)
	}
	for i, want := range []int{http.StatusCreated, http.StatusOK} {
		got, err := on(1+i).CancelInvoiceWithResponse(within(t, 20*time.Second), invoice.Id, nil, client.Cancellation{})
		if err != nil || got.StatusCode() != want {
			t.Errorf("%v %s", err, got.Body)
		}
	}
	read, err := on(0).GetInvoiceWithResponse(within(t, 20*time.Second), invoice.Id, nil)
	if err != nil || read.JSON200.Status != client.InvoiceStatusCancelled || *read.JSON200.Credited != invoice.Totals.Gross || len(*read.JSON200.CreditNotes) != 2 {
		t.Errorf("%v %s", err, read.Body)
	}
	cancelled := client.ListInvoicesParamsStatusCancelled
	listed, err := on(2).ListInvoicesWithResponse(within(t, 20*time.Second), &client.ListInvoicesParams{Series: &invoice.Series, Period: &invoice.Period, Status: &cancelled})
	if err != nil || listed.JSON200 == nil || len(listed.JSON200.Invoices) != 1 {
		t.Errorf("%v %s", err, listed.Body)
	}
}

// issueDraftAtOnce issues a draft on all replicas at the same time; there must be
// one invoice.
func issueDraftAtOnce(t *testing.T, on func(int) *client.ClientWithResponses, id string) client.Invoice {
	t.Helper()
	answers := make([]*client.IssueDraftResponse, 6)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			var err error
			if answers[i], err = on(i).IssueDraftWithResponse(within(t, 20*time.Second), id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	made := 0
	for _, a := range answers {
		if a.StatusCode() == http.StatusCreated {
			made++
		}
		if string(a.Body) != string(answers[0].Body) {
			t.Errorf("two answers to one draft:\n%s%s", answers[0].Body, a.Body)
		}
	}
	var invoice client.Invoice
	if err := json.Unmarshal(answers[0].Body, &invoice); err != nil || made != 1 {
		t.Fatalf("%d of the answers say 201: %s", made, answers[0].Body)
	}
	return invoice
}
