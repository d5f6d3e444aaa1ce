package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"folio/invoices"
	"folio/invoices/document"
)

func (s *stub) TakeNumbers(_ context.Context, r invoices.NumbersRequest) (invoices.ExternalNumbers, error) {
	if s.err != nil {
		return invoices.ExternalNumbers{}, s.err
	}
	if r.Series != "invoice" {
		return invoices.ExternalNumbers{}, invoices.ErrNotFound
	}
	if err := document.CheckNumbers(r.Count, "2026-11-23", r.Reference, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)); err != nil {
		return invoices.ExternalNumbers{}, err
	}
	out := invoices.ExternalNumbers{Series: r.Series, Period: "2026"}
	for i := range r.Count {
		out.Numbers = append(out.Numbers, invoices.ExternalNumber{Number: int64(i) + 1, PrintedNumber: fmt.Sprint("N-", i+1)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]int)
	}
	_, out.Replayed = s.byID[r.ID]
	s.byID[r.ID] = 0
	return out, nil
}

func (s *stub) VoidExternal(_ context.Context, _ invoices.Identity, name, period string, number int64, reason string) (invoices.Annulment, error) {
	if err := document.CheckReason(reason); err != nil {
		return invoices.Annulment{}, err
	}
	switch number {
	case 1:
		return invoices.Annulment{Series: name, Period: period, Number: 1, PrintedNumber: "N-1", Status: "void", Reason: reason, VoidedAt: time.Unix(0, 0).UTC()}, nil
	case 2:
		return invoices.Annulment{}, invoices.ErrNotExternal
	}
	return invoices.Annulment{}, invoices.ErrNotFound
}

// send makes a request with a JSON body and other headers, given as pairs.
func send(method, target, body string, headers ...string) *http.Request {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+goodKey)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

func keyed(req *http.Request, key string) *http.Request {
	req.Header.Set("Idempotency-Key", key)
	return req
}

func TestNumbersAreTakenWithAKeyAndARepeatIsToldApart(t *testing.T) {
	e := newEdge(t, Config{})
	wish := func() *http.Request {
		return keyed(send(http.MethodPost, "/v1/series/invoice/numbers", `{"count":2,"issue_date":"2026-11-23","reference":"A"}`), "order-1")
	}
	first := e.ask(wish())
	if first.Code != http.StatusCreated || !strings.Contains(first.Body.String(), `"printed_number":"N-2"`) {
		t.Fatalf("%d %s", first.Code, first.Body)
	}
	again := e.ask(wish())
	if again.Code != http.StatusOK || again.Header().Get("Idempotency-Replayed") != "true" || again.Body.String() != first.Body.String() {
		t.Errorf("again: %d %s", again.Code, again.Body)
	}
}

func TestWhatIsNoRequestForNumbersGetsAClearAnswer(t *testing.T) {
	const numbers, void = "/v1/series/invoice/numbers", "/v1/series/invoice/numbers/1/void?period=2026"
	for name, c := range map[string]struct {
		req    *http.Request
		status int
		at     string
	}{
		"without a key":         {send("POST", numbers, `{"count":1}`), 400, "Idempotency-Key"},
		"none":                  {keyed(send("POST", numbers, `{"count":0}`), "k"), 422, "/count"},
		"too many":              {keyed(send("POST", numbers, `{"count":1001}`), "k"), 422, "/count"},
		"a count as text":       {keyed(send("POST", numbers, `{"count":"1"}`), "k"), 400, "/count"},
		"half a number":         {keyed(send("POST", numbers, `{"count":1.5}`), "k"), 400, "/count"},
		"an unknown field":      {keyed(send("POST", numbers, `{"count":1,"n":2}`), "k"), 400, "/n"},
		"no such series":        {keyed(send("POST", "/v1/series/x/numbers", `{"count":1}`), "k"), 404, ""},
		"a long reference":      {keyed(send("POST", numbers, `{"count":1,"reference":"`+strings.Repeat("x", 201)+`"}`), "k"), 422, "/reference"},
		"GET":                   {get(numbers), 405, ""},
		"a void":                {send("POST", void, `{"reason":"never made"}`), 200, ""},
		"a void of an invoice":  {send("POST", strings.Replace(void, "/1/", "/2/", 1), `{"reason":"r"}`), 409, ""},
		"a void of nothing":     {send("POST", strings.Replace(void, "/1/", "/3/", 1), `{"reason":"r"}`), 404, ""},
		"a void of no number":   {send("POST", strings.Replace(void, "/1/", "/x/", 1), `{"reason":"r"}`), 404, ""},
		"a void without reason": {send("POST", void, `{"reason":" "}`), 422, "/reason"},
		"a void of no period":   {send("POST", strings.Replace(void, "?period=2026", "", 1), `{"reason":"r"}`), 400, "period"},
		"a void of period 13":   {send("POST", strings.Replace(void, "2026", "2026-13", 1), `{"reason":"r"}`), 400, "period"},
	} {
		got := newEdge(t, Config{}).ask(c.req)
		var p problem
		at := ""
		if got.Code >= 400 && json.Unmarshal(got.Body.Bytes(), &p) == nil && len(p.Errors) > 0 {
			at = p.Errors[0].Pointer
		}
		if got.Code != c.status || at != c.at {
			t.Errorf("%s: %d at %q, want %d at %q\n%s", name, got.Code, at, c.status, c.at, got.Body)
		}
	}
}
