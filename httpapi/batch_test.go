package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"folio/invoices"
)

// batchOf is a batch of the drafts in items.
func batchOf(items ...string) *http.Request {
	return send(http.MethodPost, "/v1/invoices/batch", `{"invoices":[`+strings.Join(items, ",")+`]}`)
}

// withID is the good body with a request id.
func withID(id string) string { return `{"request_id":"` + id + `",` + goodBody[1:] }

type results struct {
	Results []struct {
		RequestID string            `json:"request_id"`
		Status    int               `json:"status"`
		Invoice   *invoices.Invoice `json:"invoice"`
		Problem   *problem          `json:"problem"`
	} `json:"results"`
}

func resultsOf(t *testing.T, got *httptest.ResponseRecorder) results {
	t.Helper()
	var r results
	if err := json.Unmarshal(got.Body.Bytes(), &r); err != nil || got.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", got.Code, got.Body, err)
	}
	return r
}

func TestOneBadDocumentDoesNotHurtTheOthersOfABatch(t *testing.T) {
	e := newEdge(t, Config{})
	items := []struct {
		body   string
		status int
		at     string // pointer into the item
	}{
		{withID("a"), 201, ""},
		{strings.Replace(withID("b"), `"EUR"`, `"XXX"`, 1), 422, "/currency"},
		{strings.Replace(withID("c"), `"quantity":"2"`, `"quantity":2`, 1), 400, "/lines/0/quantity"},
		{goodBody, 400, "/request_id"},
		{strings.Replace(withID("e"), `"e"`, `""`, 1), 400, "/request_id"},
		{strings.Replace(withID("f"), `"f"`, `7`, 1), 400, "/request_id"},
		{`"g"`, 400, ""},
		{`null`, 400, ""},
		{strings.Replace(withID("h"), `"currency":"EUR"`, `"currency":"EUR","note":null`, 1), 400, "/note"},
		{strings.Replace(withID("i"), `"currency":"EUR"`, `"currency":"EUR","color":"red"`, 1), 400, "/color"},
		{withID("z"), 201, ""},
	}
	var bodies []string
	for _, i := range items {
		bodies = append(bodies, i.body)
	}
	got := resultsOf(t, e.ask(batchOf(bodies...)))
	if len(got.Results) != len(items) {
		t.Fatalf("%d results of %d documents", len(got.Results), len(items))
	}
	for i, r := range got.Results {
		at := ""
		if r.Problem != nil && len(r.Problem.Errors) > 0 {
			at = r.Problem.Errors[0].Pointer
		}
		if r.Status != items[i].status || at != items[i].at || (r.Invoice != nil) != (r.Status < 300) {
			t.Errorf("%s: status %d at %q, want %d at %q", items[i].body, r.Status, at, items[i].status, items[i].at)
		}
	}
	if first, last := got.Results[0], got.Results[len(items)-1]; first.RequestID != "a" || last.RequestID != "z" {
		t.Errorf("the results are not in the order of the request: %q first, %q last", first.RequestID, last.RequestID)
	}
}

func TestADocumentOfABatchAndTheSameSentAloneAreOneRequest(t *testing.T) {
	e := newEdge(t, Config{})
	made := resultsOf(t, e.ask(batchOf(withID("one")))).Results[0]
	if made.Status != http.StatusCreated {
		t.Fatalf("%+v", made)
	}
	if again := resultsOf(t, e.ask(batchOf(withID("one")))).Results[0]; again.Status != http.StatusOK || again.Invoice.ID != made.Invoice.ID {
		t.Errorf("in a batch again: %+v", again)
	}
	digests := make(map[[32]byte]bool)
	for _, body := range []string{withID("one"), strings.Replace(withID("one"), ",", " ,\n", 1)} {
		_, _, digest, err := decodeItem([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		digests[digest] = true
	}
	alone, err := digestOf([]byte(goodBody))
	if err != nil {
		t.Fatal(err)
	}
	if digests[alone] = true; len(digests) != 1 {
		t.Error("a draft in a batch and the same draft alone have different digests")
	}
}

// Wherever the member stands, however it is written, and whatever is around it.
func TestAnObjectWithoutAMemberIsWhatItWouldBeWithoutIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		space := rapid.SampledFrom([]string{"", " ", "\n\t "})
		var members []string
		for i, value := range rapid.SliceOfN(rapid.SampledFrom([]string{`1`, `"}"`, `{"request_id":"inner"}`, `[{},","]`}), 0, 4).Draw(rt, "values") {
			members = append(members, fmt.Sprintf(`"m%d"%s:%s%s`, i, space.Draw(rt, "space"), space.Draw(rt, "space"), value))
		}
		write := func(members []string) jsontext.Value {
			text := "{"
			for i, m := range members {
				if i > 0 {
					text += ","
				}
				text += space.Draw(rt, "space") + m + space.Draw(rt, "space")
			}
			return jsontext.Value(text + "}")
		}
		name := rapid.SampledFrom([]string{`"request_id"`, `"request\u005fid"`}).Draw(rt, "name")
		at := rapid.IntRange(0, len(members)).Draw(rt, "at")
		object := write(slices.Insert(slices.Clone(members), at, name+space.Draw(rt, "space")+`:"the one"`))
		value, rest, err := cutMember(object, "request_id")
		if err != nil || string(value) != `"the one"` {
			rt.Fatalf("%s: found %s, %v", object, value, err)
		}
		want := write(members)
		if err := errors.Join(rest.Canonicalize(), want.Canonicalize()); err != nil || string(rest) != string(want) {
			rt.Fatalf("%s: left %s, %v; want %s", object, rest, err, want)
		}
		if value, rest, err = cutMember(want, "request_id"); value != nil || string(rest) != string(want) || err != nil {
			rt.Fatalf("%s has none: found %s, left %s, %v", want, value, rest, err)
		}
	})
}

func TestTheFrameOfABatchIsReadStrictly(t *testing.T) {
	var many []string
	for i := range maxBatch + 1 {
		many = append(many, fmt.Sprintf(`{"request_id":"r%d"}`, i))
	}
	for name, c := range map[string]struct {
		req    *http.Request
		status int
	}{
		"none":             {batchOf(), 400},
		"no frame":         {send("POST", "/v1/invoices/batch", `[]`), 400},
		"another field":    {send("POST", "/v1/invoices/batch", `{"invoices":[`+withID("a")+`],"x":1}`), 400},
		"half a body":      {send("POST", "/v1/invoices/batch", `{"invoices":[{"a"`), 400},
		"501 documents":    {batchOf(many...), 400},
		"500 documents":    {batchOf(many[:maxBatch]...), 200},
		"8 MiB and a byte": {send("POST", "/v1/invoices/batch", strings.Repeat(" ", maxBatchBody+1)), 413},
		"more than 1 MiB":  {batchOf(withID("a") + strings.Repeat(" ", 2*maxBody)), 200},
		"GET":              {get("/v1/invoices/batch"), 405},
	} {
		if got := newEdge(t, Config{}).ask(c.req); got.Code != c.status {
			t.Errorf("%s: %d, want %d: %.300s", name, got.Code, c.status, got.Body)
		}
	}
}

func TestADocumentOfWhichNobodyKnowsSaysSoAndAPanicIsOnlyItsOwn(t *testing.T) {
	e := newEdge(t, Config{})
	e.stub.err = invoices.ErrOutcomeUnknown
	if r := resultsOf(t, e.ask(batchOf(withID("a")))).Results[0]; r.Status != 503 || !strings.HasSuffix(r.Problem.Type, ":outcome-unknown") {
		t.Errorf("%+v", r)
	}
	e.stub.err, e.stub.panics = nil, true
	if r := resultsOf(t, e.ask(batchOf(withID("a")))).Results[0]; r.Status != 500 {
		t.Errorf("%+v", r)
	}
}

func TestATenantHasSixteenBatchesUnderWayAtMost(t *testing.T) {
	e := newEdge(t, Config{})
	e.stub.wait = make(chan struct{})
	var under sync.WaitGroup
	for i := range batchesAtOnce {
		under.Go(func() { e.ask(batchOf(withID(fmt.Sprint("b", i)))) })
	}
	for end := time.Now().Add(10 * time.Second); e.stub.waiting.Load() < batchesAtOnce; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("sixteen batches at a time were not served")
		}
	}
	if got := e.ask(batchOf(withID("more"))); got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") == "" {
		t.Errorf("a seventeenth batch: %d, Retry-After %q", got.Code, got.Header().Get("Retry-After"))
	}
	if got := e.ask(get("/v1/invoices")); got.Code != http.StatusOK {
		t.Errorf("another request of the tenant: %d", got.Code)
	}
	close(e.stub.wait)
	under.Wait()
}
