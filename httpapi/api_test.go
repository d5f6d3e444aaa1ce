package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"folio/invoices"
)

func TestAnInvoiceIsIssuedReadAndListed(t *testing.T) {
	e := newEdge(t, Config{})
	made := e.ask(post(goodBody))
	if made.Code != http.StatusCreated {
		t.Fatalf("%d %s", made.Code, made.Body)
	}
	location := made.Header().Get("Location")
	read := e.ask(get(location))
	if read.Code != http.StatusOK || read.Body.String() != made.Body.String() {
		t.Fatalf("%s gives %d %s, want %s", location, read.Code, read.Body, made.Body)
	}
	listed := e.ask(get("/v1/invoices?series=invoice&period=2026&number="))
	var page struct {
		Invoices []json.RawMessage `json:"invoices"`
		Next     *string           `json:"next_cursor"`
	}
	if err := json.Unmarshal(listed.Body.Bytes(), &page); err != nil || len(page.Invoices) != 1 || page.Next != nil {
		t.Fatalf("listed %s", listed.Body)
	}
	if string(page.Invoices[0])+"\n" != made.Body.String() {
		t.Errorf("listed as %s, made as %s", page.Invoices[0], made.Body)
	}
}

func TestARepeatIsToldApart(t *testing.T) {
	e := newEdge(t, Config{})
	for i, key := range []string{`order-1`, `"order-1"`, ` order-1 `} {
		req := post(goodBody)
		req.Header.Set("Idempotency-Key", key)
		got := e.ask(req)
		want := map[bool]int{true: http.StatusCreated, false: http.StatusOK}[i == 0]
		if got.Code != want || (got.Header().Get("Idempotency-Replayed") == "true") != (i > 0) {
			t.Errorf("%q: %d, replayed %q", key, got.Code, got.Header().Get("Idempotency-Replayed"))
		}
	}
}

func TestIdempotencyKeys(t *testing.T) {
	for _, c := range []struct {
		given []string
		want  string // "" and not ok: refused
		ok    bool
	}{
		{nil, "", true},
		{[]string{"abc"}, "abc", true},
		{[]string{`"abc"`}, "abc", true},
		{[]string{`"a\"b\\c"`}, `a"b\c`, true},
		{[]string{`a"b`}, `a"b`, true},
		{[]string{strings.Repeat("x", 255)}, strings.Repeat("x", 255), true},
		{[]string{strings.Repeat("x", 256)}, "", false},
		{[]string{""}, "", false},
		{[]string{`""`}, "", false},
		{[]string{`"abc`}, "", false},
		{[]string{`"abc"d`}, "", false},
		{[]string{`"a\bc"`}, "", false},
		{[]string{"a\tb"}, "", false},
		{[]string{"ä"}, "", false},
		{[]string{"a", "a"}, "", false},
	} {
		req := post(goodBody)
		for _, v := range c.given {
			req.Header.Add("Idempotency-Key", v)
		}
		got, err := requestID(req)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("%q: %q, %v", c.given, got, err)
		}
		if answer := newEdge(t, Config{}).ask(req); c.ok != (answer.Code == http.StatusCreated) || !c.ok && answer.Code != http.StatusBadRequest {
			t.Errorf("%q: answered %d", c.given, answer.Code)
		}
	}
}

func TestHostileRequestsGetAClearAnswer(t *testing.T) {
	with := func(req *http.Request, header, value string) *http.Request {
		req.Header.Set(header, value)
		return req
	}
	other := func(method, target string) *http.Request {
		req := get(target)
		req.Method = method
		return req
	}
	spoiled := func(old, new string) *http.Request { return post(strings.Replace(goodBody, old, new, 1)) }
	for name, c := range map[string]struct {
		req    *http.Request
		status int
		at     string // pointer of the first error; "*": none asked
	}{
		"no body":                {post(""), 400, ""},
		"half a body":            {post(goodBody[:40]), 400, "*"},
		"an array":               {post("[]"), 400, ""},
		"a null":                 {post("null"), 400, ""},
		"a string":               {post(`"x"`), 400, ""},
		"something after":        {post(goodBody + "x"), 400, "*"},
		"two bodies":             {post(goodBody + goodBody), 400, "*"},
		"a name twice":           {spoiled(`"currency":"EUR"`, `"currency":"EUR","currency":"EUR"`), 400, "/currency"},
		"a name in another case": {spoiled(`"currency"`, `"Currency"`), 400, "/Currency"},
		"an unknown field":       {spoiled(`"description":"x"`, `"description":"x","color":"red"`), 400, "/lines/0/color"},
		"null for a field":       {spoiled(`"currency":"EUR"`, `"currency":"EUR","note":null`), 400, "/note"},
		"null in a line":         {spoiled(`"quantity":"2"`, `"quantity":null`), 400, "/lines/0/quantity"},
		"a number as quantity":   {spoiled(`"quantity":"2"`, `"quantity":2`), 400, "/lines/0/quantity"},
		"1e400 as a number":      {spoiled(`"quantity":"2"`, `"quantity":1e400`), 400, "/lines/0/quantity"},
		"1e400 as a string":      {spoiled(`"quantity":"2"`, `"quantity":"1e400"`), 422, "/lines/0/quantity"},
		"10^400":                 {spoiled(`"quantity":"2"`, `"quantity":"1`+strings.Repeat("0", 400)+`"`), 422, "/lines/0/quantity"},
		"an object as a string":  {spoiled(`"currency":"EUR"`, `"currency":{}`), 400, "/currency"},
		"a string as an object":  {spoiled(`{"name":"Ada"}`, `"Ada"`), 400, "/customer"},
		"metadata of numbers":    {spoiled(`"currency":"EUR"`, `"currency":"EUR","metadata":{"a":1}`), 400, "/metadata/a"},
		"NUL escaped":            {spoiled(`"Ada"`, `"A\u0000da"`), 422, "/customer/name"},
		"NUL raw":                {spoiled(`"Ada"`, "\"A\x00da\""), 400, "*"},
		"invalid UTF-8":          {spoiled(`"Ada"`, "\"\xff\""), 400, "*"},
		"a lone surrogate":       {spoiled(`"Ada"`, `"\ud800"`), 400, "*"},
		"an overlong slash":      {spoiled(`"Ada"`, "\"\xc0\xaf\""), 400, "*"},
		"very deep":              {post(strings.Repeat(`[`, 10_001)), 400, "*"},
		"deep in a field":        {spoiled(`"currency":"EUR"`, `"currency":`+strings.Repeat(`{"a":`, 100)+`1`+strings.Repeat(`}`, 100)), 400, "*"},
		"no such day":            {spoiled(`"currency":"EUR"`, `"currency":"EUR","issue_date":"2026-02-30"`), 422, "/issue_date"},
		"1,001 lines":            {post(strings.Replace(goodBody, `"lines":[`, `"lines":[`+strings.Repeat(`{"description":"x","quantity":"2","unit_price":"1","tax":{"category":"Z"}},`, 1000), 1)), 422, "/lines"},
		"a mebibyte and one":     {post(goodBody + strings.Repeat(" ", maxBody+1-len(goodBody))), 413, ""},
		"no content type":        {with(post(goodBody), "Content-Type", ""), 415, ""},
		"a form":                 {with(post(goodBody), "Content-Type", "application/x-www-form-urlencoded"), 415, ""},
		"another charset":        {with(post(goodBody), "Content-Type", "application/json; charset=latin1"), 415, ""},
		"a compressed body":      {with(post(goodBody), "Content-Encoding", "gzip"), 415, ""},
		"no key":                 {with(post(goodBody), "Authorization", ""), 401, ""},
		"another scheme":         {with(post(goodBody), "Authorization", "Basic "+goodKey), 401, ""},
		"an unknown key":         {with(post(goodBody), "Authorization", "Bearer folio_live_x"), 401, ""},
		"another tenant's":       {with(get("/v1/invoices/inv_aa"), "Authorization", "Bearer "+otherKey), 404, ""},
		"no such id":             {get("/v1/invoices/inv_zzz"), 404, ""},
		"a slash in the id":      {get("/v1/invoices/inv%2Faa"), 404, ""},
		"dots in the path":       {get("/v1/invoices/../invoices"), 404, ""},
		"two slashes":            {other("POST", "//v1/invoices"), 404, ""},
		"another path":           {get("/v2"), 404, ""},
		"the root":               {get("/"), 404, ""},
		"PUT":                    {other("PUT", "/v1/invoices"), 405, ""},
		"DELETE an invoice":      {other("DELETE", "/v1/invoices/inv_aa"), 405, ""},
		"TRACE":                  {other("TRACE", "/v1/invoices"), 405, ""},
		"an invented method":     {other("BREW", "/v1/invoices"), 405, ""},
		"an unknown parameter":   {get("/v1/invoices?color=red"), 400, "color"},
		"a parameter twice":      {get("/v1/invoices?limit=1&limit=2"), 400, "limit"},
		"limit 0":                {get("/v1/invoices?limit=0"), 400, "limit"},
		"limit 101":              {get("/v1/invoices?limit=101"), 400, "limit"},
		"number 0":               {get("/v1/invoices?number=0"), 400, "number"},
		"number 2^63":            {get("/v1/invoices?number=9223372036854775808"), 400, "number"},
		"number +1":              {get("/v1/invoices?number=%2B1"), 400, "number"},
		"a period of 13 months":  {get("/v1/invoices?period=2026-13"), 400, "period"},
		"a series with a slash":  {get("/v1/invoices?series=a/b"), 400, "series"},
		"a cursor of nobody":     {get("/v1/invoices?cursor=bad"), 400, "cursor"},
		"a broken query string":  {get("/v1/invoices?a=%zz"), 400, ""},
	} {
		got := newEdge(t, Config{}).ask(c.req)
		if got.Code != c.status {
			t.Errorf("%s: %d, want %d\n%s", name, got.Code, c.status, got.Body)
			continue
		}
		if c.at == "*" {
			continue
		}
		var p problem
		if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		at := ""
		if len(p.Errors) > 0 {
			at = p.Errors[0].Pointer
		}
		if at != c.at {
			t.Errorf("%s: an error at %q, want %q: %s", name, at, c.at, got.Body)
		}
	}
}

func TestAnErrorOfTheDomainHasItsStatusAndSaysNothingInternal(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		slug   string
	}{
		{invoices.ErrRequestReused, 422, "request-reused"},
		{invoices.ErrSeriesExhausted, 409, "series-exhausted"},
		{invoices.ErrUnavailable, 503, "unavailable"},
		{invoices.ErrOutcomeUnknown, 503, "outcome-unknown"},
		{errors.Join(invoices.ErrOutcomeUnknown, invoices.ErrUnavailable), 503, "outcome-unknown"},
		{invoices.ErrLedgerDamaged, 500, "ledger-damaged"},
		{invoices.ErrSeriesSuspended, 503, "series-suspended"},
		{invoices.ErrBehind, 503, "series-suspended"},
		{invoices.ErrResuming, 503, "series-suspended"},
		{context.DeadlineExceeded, 503, "unavailable"},
		{errors.New("pq: secret table"), 500, "internal"},
	} {
		e := newEdge(t, Config{})
		e.stub.err = errors.Join(c.err, errors.New("secret"))
		got := e.ask(post(goodBody))
		if got.Code != c.status || !strings.Contains(got.Body.String(), `"urn:folio:problem:`+c.slug+`"`) {
			t.Errorf("%v: %d %s", c.err, got.Code, got.Body)
		}
		if strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%v: an internal text is told: %s", c.err, got.Body)
		}
		if (got.Header().Get("Retry-After") != "") != (c.status == 503) {
			t.Errorf("%v: Retry-After %q", c.err, got.Header().Get("Retry-After"))
		}
	}
}

func TestAPanicIsAnswered(t *testing.T) {
	e := newEdge(t, Config{})
	e.stub.panics = true
	if got := e.ask(post(goodBody)); got.Code != http.StatusInternalServerError {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	e.stub.panics = false
	if got := e.ask(post(goodBody)); got.Code != http.StatusCreated {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
}

func TestATenantThatFloodsIsToldToWaitAndOthersAreNot(t *testing.T) {
	e := newEdge(t, Config{MaxInFlight: 2})
	e.stub.wait = make(chan struct{})
	var under sync.WaitGroup
	for range 2 {
		under.Go(func() { e.ask(post(goodBody)) })
	}
	for end := time.Now().Add(10 * time.Second); e.stub.waiting.Load() < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("two requests at a time were not served")
		}
	}
	third := e.ask(get("/v1/invoices"))
	if third.Code != http.StatusTooManyRequests || third.Header().Get("Retry-After") == "" {
		t.Errorf("a third request at a time: %d, Retry-After %q", third.Code, third.Header().Get("Retry-After"))
	}
	other := get("/v1/invoices")
	other.Header.Set("Authorization", "Bearer "+otherKey)
	if got := e.ask(other); got.Code != http.StatusOK {
		t.Errorf("another tenant got %d", got.Code)
	}
	close(e.stub.wait)
	under.Wait()
	if got := e.ask(get("/v1/invoices")); got.Code != http.StatusOK {
		t.Errorf("after the flood: %d", got.Code)
	}
}

func TestARequestEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, Config{RequestTimeout: 10 * time.Second})
		e.stub.wait = make(chan struct{}) // never
		begun := time.Now()
		if got := e.ask(post(goodBody)); got.Code != http.StatusServiceUnavailable || time.Since(begun) != 10*time.Second {
			t.Fatalf("%d after %s", got.Code, time.Since(begun))
		}
	})
}

func TestAPageNamesTheNext(t *testing.T) {
	e := newEdge(t, Config{})
	e.ask(post(goodBody))
	got := e.ask(get("/v1/invoices?limit=1&series=invoice"))
	want := `</v1/invoices?cursor=next%26%3D&limit=1&series=invoice>; rel="next"`
	if link := got.Header().Get("Link"); link != want {
		t.Errorf("Link is %s, want %s", link, want)
	}
}

func TestHEADIsAnsweredAndAllowNamesIt(t *testing.T) {
	e := newEdge(t, Config{})
	req := get("/v1/invoices")
	req.Method = http.MethodHead
	if got := e.ask(req); got.Code != http.StatusOK {
		t.Errorf("HEAD: %d", got.Code)
	}
	req = get("/v1/invoices")
	req.Method = http.MethodPatch
	if allow := e.ask(req).Header().Get("Allow"); allow != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", allow)
	}
}

func TestOperatorsSeeHealthAndMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	e := newEdge(t, Config{Registry: registry})
	e.ask(post(goodBody))
	var notReady error
	ops := NewOps(OpsConfig{Ready: func() error { return notReady }, Gatherer: registry})
	ask := func(path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		ops.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec
	}
	for _, path := range []string{"/livez", "/readyz", "/debug/pprof/"} {
		if got := ask(path); got.Code != http.StatusOK {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	notReady = errors.New("draining")
	if got := ask("/readyz"); got.Code != http.StatusServiceUnavailable || !strings.Contains(got.Body.String(), "draining") {
		t.Errorf("not ready: %d %s", got.Code, got.Body)
	}
	if got := ask("/livez"); got.Code != http.StatusOK {
		t.Errorf("alive, if not ready: %d", got.Code)
	}
	if got := ask("/metrics").Body.String(); !strings.Contains(got, `folio_http_requests_total{code="201",method="POST",route="/v1/invoices"} 1`) {
		t.Errorf("metrics:\n%s", got)
	}
}

func TestTheContractIsServed(t *testing.T) {
	got := newEdge(t, Config{}).ask(httptest.NewRequest(http.MethodGet, "/v1/openapi.yaml", nil))
	if got.Code != http.StatusOK || !slices.Equal(got.Body.Bytes(), contract) {
		t.Errorf("%d", got.Code)
	}
}
