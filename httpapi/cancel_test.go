package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"folio/invoices"
	"folio/invoices/document"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestAnInvoiceIsCancelledWithAndWithoutABody(t *testing.T) {
	for _, body := range []string{"", "{}", `{"reason":"returned","series":"credit-note","issue_date":"2026-11-23"}`} {
		e := newEdge(t, Config{})
		at := e.ask(post(goodBody)).Header().Get("Location")
		got := e.ask(send("POST", at+"/cancel", body))
		var note invoices.Invoice
		if err := json.Unmarshal(got.Body.Bytes(), &note); err != nil || got.Code != http.StatusCreated || "/v1/invoices/"+note.Credits != at {
			t.Errorf("%q: %d %s", body, got.Code, got.Body)
		}
		if again := e.ask(send("POST", at+"/cancel", "{}")); again.Code != http.StatusOK || again.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("%q again: %d", body, again.Code)
		}
	}
}

func TestAPartIsCreditedWithAKey(t *testing.T) {
	e := newEdge(t, Config{})
	at := e.ask(post(goodBody)).Header().Get("Location")
	if got := e.ask(send("POST", at+"/cancel", `{"lines":[{"line":0,"quantity":"1"}]}`, "Idempotency-Key", "k")); got.Code != http.StatusCreated {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := e.ask(send("POST", at+"/cancel", `{"lines":[{"line":0}]}`, "Idempotency-Key", "l")); got.Code != http.StatusCreated {
		t.Errorf("the rest of a line: %d %s", got.Code, got.Body)
	}
}

func TestWhatIsWrongWithACancellationIsNamed(t *testing.T) {
	e := newEdge(t, Config{})
	at := e.ask(post(goodBody)).Header().Get("Location") + "/cancel"
	keyed := func(body string) *http.Request { return send("POST", at, body, "Idempotency-Key", "k") }
	for name, c := range map[string]struct {
		req    *http.Request
		status int
		at     string
	}{
		"a part without a key": {send("POST", at, `{"lines":[{"line":0}]}`), 400, "Idempotency-Key"},
		"no lines":             {keyed(`{"lines":[]}`), 422, "/lines"},
		"null":                 {keyed(`{"lines":null}`), 400, "/lines"},
		"a line as a string":   {keyed(`{"lines":[{"line":"0"}]}`), 400, "/lines/0/line"},
		"a line and a half":    {keyed(`{"lines":[{"line":0.5}]}`), 400, "/lines/0/line"},
		"1e400 as a line":      {keyed(`{"lines":[{"line":1e400}]}`), 400, "/lines/0/line"},
		"a line below zero":    {keyed(`{"lines":[{"line":-1}]}`), 422, "/lines/0/line"},
		"a line without":       {keyed(`{"lines":[{"quantity":"1"}]}`), 422, "/lines/0/line"},
		"a quantity as number": {keyed(`{"lines":[{"line":0,"quantity":1}]}`), 400, "/lines/0/quantity"},
		"no quantity":          {keyed(`{"lines":[{"line":0,"quantity":"x"}]}`), 422, "/lines/0/quantity"},
		"too much":             {keyed(`{"lines":[{"line":0,"quantity":"2.1"}]}`), 422, "/lines/0/quantity"},
		"1,001 lines":          {keyed(`{"lines":[` + strings.Repeat(`{"line":0},`, 1000) + `{"line":0}]}`), 422, "/lines"},
		"an unknown field":     {keyed(`{"color":"red"}`), 400, "/color"},
		"a long reason":        {keyed(`{"reason":"` + strings.Repeat("x", 1001) + `"}`), 422, "/reason"},
		"a bad series":         {keyed(`{"series":"a/b"}`), 422, "/series"},
		"a bad date":           {keyed(`{"issue_date":"2026-02-30"}`), 422, "/issue_date"},
		"an early date":        {keyed(`{"issue_date":"2026-11-22"}`), 422, "/issue_date"},
		"a form":               {send("POST", at, `{}`, "Content-Type", "text/plain"), 415, ""},
		"no such invoice":      {send("POST", "/v1/invoices/inv_zzz/cancel", ""), 404, ""},
		"GET":                  {get(at), 405, ""},
	} {
		got := e.ask(c.req)
		if got.Code != c.status || pointerOf(t, got) != c.at {
			t.Errorf("%s: %d, want %d at %q\n%s", name, got.Code, c.status, c.at, got.Body)
		}
	}
}

func TestWhatCannotBeCreditedIsAConflict(t *testing.T) {
	for slug, err := range map[string]error{
		"over-credited": invoices.ErrOverCredited, "nothing-left": invoices.ErrNothingLeft, "credit-note": invoices.ErrCreditNote,
	} {
		e := newEdge(t, Config{})
		at := e.ask(post(goodBody)).Header().Get("Location")
		e.stub.err = errors.Join(err, errors.New("secret"))
		if got := e.ask(send("POST", at+"/cancel", "")); got.Code != http.StatusConflict || slugOf(got) != slug || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%v: %d %s", err, got.Code, got.Body)
		}
	}
}

func TestFiltersAreRead(t *testing.T) {
	e := newEdge(t, Config{})
	year := "2026"
	if got := e.ask(get("/v1/invoices?series=invoice&period=2026&printed_number=INV%201&request_id=k&status=cancelled&kind=invoice&customer_name=Ada%26" +
		"&customer_tax_id=AT1&issue_date_from=2026-01-01&issue_date_to=2026-01-02&created_from=2026-01-01T00:00:00Z&created_to=2026-01-01T01:00:00%2B01:00")); got.Code != 200 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	q := e.stub.asked
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if !q.CreatedFrom.Equal(created) || !q.CreatedTo.Equal(created) {
		t.Errorf("created from %s to %s", q.CreatedFrom, q.CreatedTo)
	}
	q.CreatedFrom, q.CreatedTo = time.Time{}, time.Time{}
	if *q.Period != year {
		t.Errorf("period %s", *q.Period)
	}
	q.Period = nil
	want := invoices.Query{Series: "invoice", PrintedNumber: "INV 1", RequestID: "k", Narrow: invoices.Narrow{
		Status: "cancelled", Kind: "invoice", CustomerName: "Ada&", CustomerTaxID: "AT1", IssuedFrom: "2026-01-01", IssuedTo: "2026-01-02",
	}}
	if q != want {
		t.Errorf("asked %+v, want %+v", q, want)
	}
	for name, at := range map[string]string{
		"status=void": "status", "kind=external": "kind", "issue_date_from=2026-02-30": "issue_date_from", "issue_date_to=0000-01-01": "issue_date_to",
		"created_from=2026-01-01": "created_from", "created_to=2026-01-01T00:00:00+01:00": "created_to", "created_to=0001-01-01T00:00:00Z": "created_to",
		"customer_name=%00": "customer_name", "customer_tax_id=%ff": "customer_tax_id", "printed_number=a%00": "printed_number", "request_id=%c3": "request_id",
	} {
		if got := e.ask(get("/v1/invoices?" + name)); got.Code != 400 || pointerOf(t, got) != at {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

// What a draft and a cancellation may be is stated as that of a document is.
func TestTheContractStatesTheLimitsOfDraftsAndCancellations(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) openapi3.Schemas { return doc.Components.Schemas[name].Value.Properties }
	for partial, whole := range map[string]string{
		"DraftContent": "Draft", "PartialCustomer": "Customer", "PartialLine": "Line", "PartialAdjustment": "Adjustment", "PartialTax": "Tax",
	} {
		for name, p := range of(whole) {
			got := of(partial)[name]
			if got == nil {
				t.Errorf("%s has no %s", partial, name)
				continue
			}
			if g, w := got.Value, p.Value; limitOf(g.MaxLength) != limitOf(w.MaxLength) || limitOf(g.MaxItems) != limitOf(w.MaxItems) || limitOf(g.MaxProps) != limitOf(w.MaxProps) {
				t.Errorf("%s.%s has other limits than %s.%s", partial, name, whole, name)
			}
		}
		for name := range of(partial) {
			if of(whole)[name] == nil {
				t.Errorf("%s.%s is no field of %s", partial, name, whole)
			}
		}
	}
	for name, p := range of("DraftContent") {
		if got := of("SavedDraft")[name]; got == nil || limitOf(got.Value.MaxLength) != limitOf(p.Value.MaxLength) {
			t.Errorf("SavedDraft.%s is not DraftContent's", name)
		}
	}
	for got, want := range map[*uint64]int{
		of("Cancellation")["reason"].Value.MaxLength: document.MaxReason, of("Cancellation")["series"].Value.MaxLength: document.MaxSeriesName,
		of("Cancellation")["lines"].Value.MaxItems: document.MaxLines,
	} {
		if limitOf(got) != int64(want) {
			t.Errorf("a cancellation: the contract allows %d, the code %d", limitOf(got), want)
		}
	}
}

func limitOf(n *uint64) int64 {
	if n == nil {
		return -1
	}
	return int64(*n)
}
