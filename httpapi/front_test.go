package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What the front answers itself is what the router would answer.
func TestTheFrontAnswersAsTheRouterDoes(t *testing.T) {
	for _, c := range [][2]string{
		{"POST", "/v1/invoices"}, {"POST", "/v1/invoices?a=1"}, {"POST", "/v1/invoices/"}, {"POST", "//v1/invoices"},
		{"POST", "/v1/%69nvoices"}, {"POST", "/v1%2Finvoices"}, {"POST", "http://folio/v1/invoices"}, {"POST", "/V1/invoices"},
		{"post", "/v1/invoices"}, {"PUT", "/v1/invoices"}, {"HEAD", "/v1/invoices"}, {"GET", "/v1/invoices"}, {"POST", "/v1/invoices/batch"},
	} {
		var answers []string
		for _, router := range []bool{false, true} {
			f := newEdge(t, Config{}).handler.(*front)
			var h http.Handler = f
			if router {
				h = f.Router
			}
			req := httptest.NewRequest("POST", c[1], strings.NewReader(goodBody))
			req.Method = c[0]
			req.Header = post(goodBody).Header
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			rec.Header().Del("X-Request-Id")
			header := new(strings.Builder)
			if err := rec.Header().Write(header); err != nil {
				t.Fatal(err)
			}
			answers = append(answers, http.StatusText(rec.Code)+"\n"+header.String()+rec.Body.String())
		}
		if answers[0] != answers[1] {
			t.Errorf("%s %s: the front answers\n%s\nthe router\n%s", c[0], c[1], answers[0], answers[1])
		}
	}
}

func TestTheBusiestRouteDoesNotAskTheRouter(t *testing.T) {
	f := newEdge(t, Config{}).handler.(*front)
	f.Router = nil
	rec := httptest.NewRecorder()
	f.ServeHTTP(rec, post(goodBody))
	if rec.Code != http.StatusCreated {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
