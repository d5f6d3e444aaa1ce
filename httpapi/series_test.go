package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"

	"folio/counter"
	"folio/invoices"
	"folio/invoices/document"
)

// seriesStub keeps the series of acme in memory.
type seriesStub struct {
	kept map[string]invoices.Series
	err  error
}

func (s *seriesStub) List(_ context.Context, tenant string) ([]invoices.Series, error) {
	all := []invoices.Series{}
	for _, one := range s.kept {
		if one.Tenant == tenant {
			all = append(all, one)
		}
	}
	return all, s.err
}

func (s *seriesStub) Find(_ context.Context, tenant, name string) (invoices.Series, error) {
	one, ok := s.kept[name]
	if !ok || one.Tenant != tenant {
		return invoices.Series{}, invoices.ErrNotFound
	}
	return one, s.err
}

func (s *seriesStub) Put(_ context.Context, one invoices.Series) (invoices.Series, bool, error) {
	checked, err := one.Checked()
	if err != nil || s.err != nil {
		return one, false, cmp.Or(s.err, err)
	}
	_, known := s.kept[one.Name]
	if s.kept == nil {
		s.kept = make(map[string]invoices.Series)
	}
	s.kept[one.Name] = checked
	return checked, !known, nil
}

func (s *seriesStub) Unused(_ context.Context, _ invoices.Identity, name string, period *string) (invoices.Unused, error) {
	if period != nil && *period == "" {
		return invoices.Unused{}, &document.InvalidError{Fields: []document.FieldError{{Pointer: "period", Detail: "is none of it"}}}
	}
	return invoices.Unused{Series: name, Period: "2026", Count: 2, Ranges: someRanges()}, s.err
}

func (s *seriesStub) VoidUnused(_ context.Context, _ invoices.Identity, name string, _ *string, reason string) (invoices.VoidRest, error) {
	if reason != "" {
		if err := document.CheckReason(reason); err != nil {
			return invoices.VoidRest{}, err
		}
	}
	return invoices.VoidRest{Series: name, Period: "2026", Reason: reason, Count: 2, Ranges: someRanges()}, s.err
}

func someRanges() []counter.Range { return []counter.Range{{First: 4, Last: 4}, {First: 7, Last: 9}} }

const fullSeries = `{"name":"web","numbering":"block","format":"W{yyyy}-{seq:4}","period":"year","start":7,"on_loss":"void","reuse_within":"90m",` +
	`"range":{"first":1,"last":900,"expires_on":"2027-01-01","warn_left":5},"document":"credit_note","closed_through":"2025-12-31"}`

func TestASeriesIsMadeChangedReadAndListed(t *testing.T) {
	e := newEdge(t, Config{})
	for _, c := range []struct {
		body string
		code int
		says string
	}{
		{`{}`, http.StatusCreated, `{"name":"web","numbering":"block","format":"{series}-{seq:6}","period":"none","start":1,"on_loss":"reuse","reuse_within":"24h","document":"invoice"}`},
		{fullSeries, http.StatusOK, strings.Replace(fullSeries, "90m", "1h30m", 1)},
		{`{"numbering":"","format":"","period":"","on_loss":"","document":"","closed_through":""}`, http.StatusOK, `"format":"{series}-{seq:6}"`},
	} {
		req := send(http.MethodPut, "/v1/series/web", c.body)
		if err := e.allows(req, c.body); err != nil {
			t.Errorf("the contract forbids %s: %v", c.body, err)
		}
		got := e.ask(send(http.MethodPut, "/v1/series/web", c.body))
		if got.Code != c.code || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d %s", c.body, got.Code, got.Body, c.code, c.says)
		}
		if location := got.Header().Get("Location"); (location == "/v1/series/web") != (c.code == http.StatusCreated) {
			t.Errorf("%d with the location %q", got.Code, location)
		}
	}
	if got := e.ask(get("/v1/series/web")); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `"name":"web"`) {
		t.Errorf("read: %d %s", got.Code, got.Body)
	}
	if got := e.ask(get("/v1/series")); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `{"series":[{"name":"web"`) {
		t.Errorf("listed: %d %s", got.Code, got.Body)
	}
	if got := e.ask(get("/v1/series/nope")); got.Code != http.StatusNotFound {
		t.Errorf("none of that name: %d", got.Code)
	}
}

func TestTheUnusedRestOfARangeIsListedAndVoid(t *testing.T) {
	e := newEdge(t, Config{})
	for _, c := range []struct {
		method, target, body string
		code                 int
		says                 string
	}{
		{http.MethodGet, "/v1/series/caf/unused", "", 200, `{"series":"caf","period":"2026","count":2,"ranges":[{"first":4,"last":4},{"first":7,"last":9}]}`},
		{http.MethodGet, "/v1/series/caf/unused?period=2026-11", "", 200, `"count":2`},
		{http.MethodGet, "/v1/series/caf/unused?period=-", "", 400, `"pointer":"period"`},
		{http.MethodGet, "/v1/series/caf/unused?period=soon", "", 400, `"pointer":"period"`},
		{http.MethodGet, "/v1/series/caf/unused?when=2026", "", 400, `"pointer":"when"`},
		{http.MethodPost, "/v1/series/caf/unused/void", `{}`, 200, `"ranges":[{"first":4,"last":4}`},
		{http.MethodPost, "/v1/series/caf/unused/void?period=2026", `{"reason":"annulled"}`, 200, `"reason":"annulled"`},
		{http.MethodPost, "/v1/series/caf/unused/void", `{"reason":" "}`, 422, `"pointer":"/reason"`},
		{http.MethodPost, "/v1/series/caf/unused/void", `{"reason":"` + strings.Repeat("x", 1001) + `"}`, 422, `"pointer":"/reason"`},
		{http.MethodPost, "/v1/series/caf/unused/void", `{"reason":7}`, 400, `"pointer":"/reason"`},
		{http.MethodPost, "/v1/series/caf/unused/void?period=x", `{}`, 400, `"pointer":"period"`},
	} {
		got := e.ask(send(c.method, c.target, c.body))
		if got.Code != c.code || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s %s %s: %d %s", c.method, c.target, c.body, got.Code, got.Body)
		}
	}
}

func TestTheRefusalsOfASeriesHaveTheirTypes(t *testing.T) {
	for err, slug := range map[error]string{
		invoices.ErrSeriesUsed: "series-used", invoices.ErrNoRange: "no-range", invoices.ErrTooMany: "too-many-voids",
		invoices.ErrSeriesExpired: "series-expired", invoices.ErrSeriesExhausted: "series-exhausted",
	} {
		e := newEdge(t, Config{})
		e.stub.err, e.stub.series.err = err, err
		for _, req := range []*http.Request{
			post(goodBody), send(http.MethodPut, "/v1/series/web", `{}`), get("/v1/series/web/unused"),
			send(http.MethodPost, "/v1/series/web/unused/void", `{}`),
		} {
			if got := e.ask(req); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), `"urn:folio:problem:`+slug+`"`) {
				t.Errorf("%s %s: %d %s, want %s", req.Method, req.URL, got.Code, got.Body, slug)
			}
		}
	}
}

func TestARangeThatIsNearlyUsedUpIsToldInAHeader(t *testing.T) {
	e := newEdge(t, Config{})
	if got := e.ask(post(goodBody)); got.Header().Values("Folio-Range-Left") != nil {
		t.Errorf("told %q although nothing is to be told", got.Header().Values("Folio-Range-Left"))
	}
	for _, left := range []int64{12, 0} {
		e.stub.left = &left
		got := e.ask(post(goodBody))
		want := strconv.FormatInt(left, 10)
		if got.Code != http.StatusCreated || got.Header().Get("Folio-Range-Left") != want {
			t.Errorf("%d, told %q, want %s", got.Code, got.Header().Get("Folio-Range-Left"), want)
		}
		batch := `{"invoices":[` + strings.Replace(goodBody, "{", `{"request_id":"`+want+`",`, 1) + `]}`
		if got := e.ask(send(http.MethodPost, "/v1/invoices/batch", batch)); got.Code != http.StatusOK || got.Header().Get("Folio-Range-Left") != want {
			t.Errorf("in a batch: %d %s, told %q, want %s", got.Code, got.Body, got.Header().Get("Folio-Range-Left"), want)
		}
	}
}

// A key may do with series only what its scopes say.
func TestSeriesAskForTheirScopes(t *testing.T) {
	for scope, may := range map[invoices.Scope][]bool{
		invoices.InvoicesRead: {true, false, true, false}, invoices.SeriesWrite: {false, true, false, true}, invoices.InvoicesWrite: {false, false, false, false},
	} {
		e := newEdge(t, Config{})
		e.stub.scopes = []invoices.Scope{scope}
		for i, req := range []*http.Request{
			get("/v1/series"), send(http.MethodPut, "/v1/series/web", `{}`), get("/v1/series/web/unused"), send(http.MethodPost, "/v1/series/web/unused/void", `{}`),
		} {
			if got := e.ask(req); (got.Code != http.StatusForbidden) != may[i] {
				t.Errorf("%s: %s %s: %d", scope, req.Method, req.URL, got.Code)
			}
		}
	}
}

func TestTheContractStatesTheLimitsOfSeries(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []string{"SeriesWish", "Series"} {
		s := doc.Components.Schemas[of].Value.Properties
		if got := s["format"].Value.MaxLength; got == nil || *got != document.MaxFormat {
			t.Errorf("%s: a format may have %v characters, in the code %d", of, got, document.MaxFormat)
		}
		if got := s["start"].Value; *got.Min != 1 || *got.Max != document.MaxNumber || document.MaxNumber != counter.MaxNumber {
			t.Errorf("%s: a start lies within %v and %v, in the code 1 and %d", of, *got.Min, *got.Max, int64(document.MaxNumber))
		}
		if got := invoices.Span(document.MaxReuseWithin * time.Second).String(); !strings.Contains(s["reuse_within"].Value.Description, "up to "+got) {
			t.Errorf("%s: %q, in the code %s", of, s["reuse_within"].Value.Description, got)
		}
	}
	for name, least := range map[string]float64{"first": 1, "last": 1, "warn_left": 0} {
		if got := doc.Components.Schemas["NumberRange"].Value.Properties[name].Value; *got.Min != least || *got.Max != document.MaxNumber {
			t.Errorf("%s lies within %v and %v", name, *got.Min, *got.Max)
		}
	}
	if got := doc.Components.Schemas["VoidRestWish"].Value.Properties["reason"].Value.MaxLength; *got != document.MaxReason {
		t.Errorf("a reason may have %d characters", *got)
	}
}

// TestNothingInASeriesMakesAServerError puts series with parts replaced, removed
// and added at random, as TestNothingInABodyMakesAServerError does documents.
func TestNothingInASeriesMakesAServerError(t *testing.T) {
	accepted, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		e := newEdge(t, Config{})
		for range 25 {
			body := mutatedOf(rt, fullSeries)
			switch got := e.ask(send(http.MethodPut, "/v1/series/web", body)); {
			case got.Code >= 500:
				rt.Fatalf("%d for %.300s\n%s", got.Code, body, got.Body)
			case got.Code < 300:
				accepted++
				if err := e.allows(send(http.MethodPut, "/v1/series/web", body), body); err != nil {
					rt.Fatalf("accepted what the contract forbids: %v\n%.300s", err, body)
				}
			default:
				refused++
				if !strings.Contains(got.Body.String(), `"pointer"`) {
					rt.Fatalf("refused without a pointer: %s\n%.300s", got.Body, body)
				}
			}
		}
	})
	if accepted == 0 || refused == 0 {
		t.Errorf("%d accepted, %d refused: the test shows nothing", accepted, refused)
	}
}
