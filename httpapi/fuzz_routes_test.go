package httpapi

import (
	"encoding/json"
	"net/http"
	"testing"

	"pgregory.net/rapid"
)

// TestNothingInABodyOfAnyRouteMakesAServerError is TestNothingInABodyMakesAServerError
// for every other route that takes a body of its own.
func TestNothingInABodyOfAnyRouteMakesAServerError(t *testing.T) {
	for name, c := range map[string]struct{ method, path, valid string }{
		"batch":          {http.MethodPost, "/v1/invoices/batch", `{"invoices":[` + batched("b1") + `,` + batched("b2") + `]}`},
		"cancel":         {http.MethodPost, "cancel", `{"reason":"r","series":"credit-note","issue_date":"2026-11-23","lines":[{"line":0,"quantity":"1"}]}`},
		"numbers":        {http.MethodPost, "/v1/series/invoice/numbers", `{"count":2,"issue_date":"2026-11-23","reference":"r"}`},
		"void":           {http.MethodPost, "/v1/series/invoice/numbers/1/void?period=2026", `{"reason":"r"}`},
		"series":         {http.MethodPut, "/v1/series/other", `{"numbering":"block","format":"O-{yyyy}-{seq:4}","period":"year","start":1,"on_loss":"void","reuse_within":"24h","range":{"first":1,"last":9,"expires_on":"2027-01-01","warn_left":2},"document":"invoice","closed_through":"2026-01-01"}`},
		"unused numbers": {http.MethodPost, "/v1/series/invoice/unused/void", `{"reason":"r"}`},
		"tenant":         {http.MethodPut, "/v1/tenant", `{"time_zone":"Europe/Vienna","legal_name":"l","tax_id":"t","address":{"street":"s","country":"AT"},"default_currency":"EUR"}`},
	} {
		t.Run(name, func(t *testing.T) { fuzzRoute(t, c.method, c.path, c.valid) })
	}
}

// batched is a document of a batch.
func batched(id string) string { return `{"request_id":"` + id + `",` + fullBody[1:] }

func fuzzRoute(t *testing.T, method, path, valid string) {
	accepted, refused := 0, 0
	e := newEdge(t, Config{})
	at := e.ask(post(goodBody)).Header().Get("Location")
	if path == "cancel" {
		path = at + "/cancel"
	}
	rapid.Check(t, func(rt *rapid.T) {
		for range 10 {
			body := mutatedOf(rt, valid)
			req := func() *http.Request { return send(method, path, body, "Idempotency-Key", "k") }
			got := e.ask(req())
			switch {
			case got.Code >= 500 || worstOf(got.Body.Bytes()) >= 500:
				rt.Fatalf("%d for %.300s\n%s", got.Code, body, got.Body)
			case got.Code < 300:
				accepted++
			default:
				refused++
			}
		}
	})
	t.Logf("%d accepted, %d refused", accepted, refused)
	if accepted == 0 || refused == 0 {
		t.Error("one of the two never happened: the test shows nothing")
	}
}

// worstOf is the highest status within the answer to a batch, 0 for any other.
func worstOf(body []byte) (worst int) {
	var answer struct {
		Results []struct {
			Status int `json:"status"`
		} `json:"results"`
	}
	if json.Unmarshal(body, &answer) == nil {
		for _, r := range answer.Results {
			worst = max(worst, r.Status)
		}
	}
	return worst
}
