package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pointerOf is where the first error of a problem is.
func pointerOf(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	var p problem
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Errors) == 0 {
		return ""
	}
	return p.Errors[0].Pointer
}

// slugOf is the type of a problem; "" of another answer.
func slugOf(rec *httptest.ResponseRecorder) string {
	var p problem
	if rec.Code < 400 || json.Unmarshal(rec.Body.Bytes(), &p) != nil {
		return ""
	}
	return strings.TrimPrefix(p.Type, "urn:folio:problem:")
}

func TestADraftIsMadePatchedIssuedAndStaysSo(t *testing.T) {
	e := newEdge(t, Config{})
	made := e.ask(send("POST", "/v1/drafts", `{"currency":"EUR","note":"n","lines":[{"description":"x"}]}`))
	if made.Code != http.StatusCreated || made.Header().Get("ETag") != `"1"` {
		t.Fatalf("%d %s, ETag %s", made.Code, made.Body, made.Header().Get("ETag"))
	}
	at := made.Header().Get("Location")
	if read := e.ask(get(at)); read.Code != http.StatusOK || read.Body.String() != made.Body.String() || read.Header().Get("ETag") != `"1"` {
		t.Errorf("%s gives %d %s", at, read.Code, read.Body)
	}
	if got := e.ask(send("POST", at+"/issue", "")); got.Code != http.StatusUnprocessableEntity || pointerOf(t, got) != "/customer/name" {
		t.Errorf("issued in part: %d %s", got.Code, got.Body)
	}
	patched := e.ask(send("PATCH", at, `{"note":null,"customer":{"name":"Ada"},"lines":[{"description":"x","quantity":"1","unit_price":"2","tax":{"category":"Z"}}]}`,
		"If-Match", `"1"`, "Content-Type", "application/merge-patch+json"))
	var d map[string]any
	if err := json.Unmarshal(patched.Body.Bytes(), &d); err != nil || patched.Code != http.StatusOK || d["note"] != nil || d["currency"] != "EUR" || patched.Header().Get("ETag") != `"2"` {
		t.Errorf("patched: %d %s, ETag %s", patched.Code, patched.Body, patched.Header().Get("ETag"))
	}
	issued := e.ask(send("POST", at+"/issue", ""))
	again := e.ask(send("POST", at+"/issue", "{}"))
	if issued.Code != http.StatusCreated || again.Code != http.StatusOK || again.Body.String() != issued.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("issued %d %s, again %d %s", issued.Code, issued.Body, again.Code, again.Body)
	}
	read := e.ask(get(at))
	if err := json.Unmarshal(read.Body.Bytes(), &d); err != nil || d["status"] != "issued" || d["invoice"] != strings.TrimPrefix(issued.Header().Get("Location"), "/v1/invoices/") {
		t.Errorf("the draft reads %s", read.Body)
	}
	for _, req := range []*http.Request{send("PATCH", at, `{}`, "If-Match", read.Header().Get("ETag")), send("DELETE", at, "")} {
		if got := e.ask(req); got.Code != http.StatusConflict || slugOf(got) != "draft-issued" {
			t.Errorf("%s: %d %s", req.Method, got.Code, got.Body)
		}
	}
}

func TestChangesOfADraftAskForItsState(t *testing.T) {
	for name, c := range map[string]struct {
		method, match string
		status        int
		slug          string
	}{
		"patch without":           {"PATCH", "", 428, "precondition-required"},
		"patch at another":        {"PATCH", `"2"`, 412, "stale"},
		"patch at one of several": {"PATCH", `"7" , "1"`, 200, ""},
		"patch at a weak one":     {"PATCH", `W/"1"`, 412, "stale"},
		"patch at any":            {"PATCH", `*`, 200, ""},
		"patch without quotes":    {"PATCH", `1`, 400, "malformed"},
		"patch with half a quote": {"PATCH", `"1`, 400, "malformed"},
		"patch without a comma":   {"PATCH", `"1" "2"`, 400, "malformed"},
		"patch at an empty list":  {"PATCH", ` `, 400, "malformed"},
		"delete without":          {"DELETE", "", 204, ""},
		"delete at it":            {"DELETE", `"1"`, 204, ""},
		"delete at another":       {"DELETE", `"2"`, 412, "stale"},
		"delete at any":           {"DELETE", `*`, 204, ""},
	} {
		e := newEdge(t, Config{})
		at := e.ask(send("POST", "/v1/drafts", `{}`)).Header().Get("Location")
		body := map[string]string{"PATCH": `{"note":"x"}`}[c.method]
		req := send(c.method, at, body)
		if c.match != "" {
			req.Header.Set("If-Match", c.match)
		}
		if got := e.ask(req); got.Code != c.status || slugOf(got) != c.slug {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

func TestWhatIsWrongWithADraftIsNamed(t *testing.T) {
	e := newEdge(t, Config{})
	at := e.ask(send("POST", "/v1/drafts", `{"customer":{"name":"Ada"}}`)).Header().Get("Location")
	patch := func(body string) *http.Request { return send("PATCH", at, body, "If-Match", "*") }
	for name, c := range map[string]struct {
		req    *http.Request
		status int
		at     string
	}{
		"an unknown field":      {send("POST", "/v1/drafts", `{"color":"red"}`), 400, "/color"},
		"a field of the answer": {send("POST", "/v1/drafts", `{"id":"x"}`), 400, "/id"},
		"null":                  {send("POST", "/v1/drafts", `{"note":null}`), 400, "/note"},
		"an array":              {send("POST", "/v1/drafts", `[]`), 400, ""},
		"a bad currency":        {send("POST", "/v1/drafts", `{"currency":"ZZZ"}`), 422, "/currency"},
		"a bad key":             {send("POST", "/v1/drafts", `{}`, "Idempotency-Key", `"x`), 400, "Idempotency-Key"},
		"a form":                {send("POST", "/v1/drafts", `{}`, "Content-Type", "text/plain"), 415, ""},
		"a merge patch to make": {send("POST", "/v1/drafts", `{}`, "Content-Type", "application/merge-patch+json"), 415, ""},
		"patched to a number":   {patch(`{"note":1}`), 400, "/note"},
		"patched unknown":       {patch(`{"customer":{"color":"red"}}`), 400, "/customer/color"},
		"null in a list":        {patch(`{"lines":[null]}`), 400, "/lines/0"},
		"patched to an array":   {patch(`[]`), 400, ""},
		"a name twice":          {patch(`{"note":"a","note":"b"}`), 400, "/note"},
		"half a patch":          {patch(`{"note":`), 400, "*"},
		"patched badly":         {patch(`{"lines":[{"quantity":"x"}]}`), 422, "/lines/0/quantity"},
		"patched too long":      {patch(`{"note":"` + strings.Repeat("x", 10_001) + `"}`), 422, "/note"},
		"a patch too large":     {patch(`{"note":"` + strings.Repeat("x", maxBody) + `"}`), 413, ""},
		"patched as a form":     {send("PATCH", at, `{}`, "If-Match", "*", "Content-Type", "application/json-patch+json"), 415, ""},
		"issued with a body":    {send("POST", at+"/issue", `{"note":"x"}`), 400, "/note"},
		"another parameter":     {get("/v1/drafts?color=red"), 400, "color"},
		"a cursor of nobody":    {get("/v1/drafts?cursor=bad"), 400, "cursor"},
		"limit 0":               {get("/v1/drafts?limit=0"), 400, "limit"},
		"no such draft":         {get("/v1/drafts/dft_x"), 404, ""},
		"another tenant's":      {send("GET", at, "", "Authorization", "Bearer "+otherKey), 404, ""},
		"PUT":                   {send("PUT", at, `{}`), 405, ""},
		"GET of an issue":       {get(at + "/issue"), 405, ""},
	} {
		got := e.ask(c.req)
		if got.Code != c.status || c.at != "*" && pointerOf(t, got) != c.at {
			t.Errorf("%s: %d, want %d at %q\n%s", name, got.Code, c.status, c.at, got.Body)
		}
	}
}

func TestADraftGrowsToTheSizeOfABodyAndNoFurther(t *testing.T) {
	e := newEdge(t, Config{})
	at := e.ask(send("POST", "/v1/drafts", `{}`)).Header().Get("Location")
	lines := `{"lines":[` + strings.Repeat(`{"description":"`+strings.Repeat("x", 2500)+`"},`, 400) + `{}]}`
	if got := e.ask(send("PATCH", at, lines, "If-Match", "*")); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	charges := `{"charges":[` + strings.Repeat(`{"reason":"`+strings.Repeat("x", 999)+`"},`, 90) + `{}]}`
	if got := e.ask(send("PATCH", at, charges, "If-Match", "*")); got.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %.200s", got.Code, got.Body)
	}
}

// TestNothingInADraftMakesAServerError is TestNothingInABodyMakesAServerError for
// drafts, which may say less, and for what they are patched with.
func TestNothingInADraftMakesAServerError(t *testing.T) {
	made, patched, refused := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		e := newEdge(t, Config{})
		at := e.ask(send("POST", "/v1/drafts", fullBody)).Header().Get("Location")
		for range 10 {
			body := mutated(rt)
			req := send("POST", "/v1/drafts", body)
			patch := rapid.Bool().Draw(rt, "patch")
			if patch {
				req = send("PATCH", at, body, "If-Match", "*")
			}
			got := e.ask(req)
			switch {
			case got.Code >= 500:
				rt.Fatalf("%d for %.300s\n%s", got.Code, body, got.Body)
			case got.Code >= 400:
				refused++
			case patch:
				patched++
			default:
				made++
				if err := e.allows(send("POST", "/v1/drafts", body), body); err != nil {
					rt.Fatalf("accepted what the contract forbids: %v\n%.300s", err, body)
				}
			}
		}
	})
	t.Logf("%d made, %d patched, %d refused", made, patched, refused)
	if made == 0 || patched == 0 || refused == 0 {
		t.Error("one of the three never happened: the test shows nothing")
	}
}

func TestDraftsAreListedByPages(t *testing.T) {
	e := newEdge(t, Config{})
	for range 3 {
		e.ask(send("POST", "/v1/drafts", `{"note":"n"}`))
	}
	var ids []string
	for next := "/v1/drafts?limit=2"; next != ""; {
		got := e.ask(get(next))
		var page struct {
			Drafts []struct{ ID string }
		}
		if err := json.Unmarshal(got.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Drafts {
			ids = append(ids, d.ID)
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(got.Header().Get("Link"), "<"), ">")
	}
	if len(ids) != 3 || !slices.IsSorted(ids) {
		t.Errorf("listed %v", ids)
	}
	if got := e.ask(send("GET", "/v1/drafts", "", "Authorization", "Bearer "+otherKey)); got.Body.String() != `{"drafts":[],"next_cursor":null}`+"\n" {
		t.Errorf("another tenant lists %s", got.Body)
	}
}

func TestADraftThatIsSentAgainIsToldApart(t *testing.T) {
	e := newEdge(t, Config{})
	for i := range 2 {
		got := e.ask(send("POST", "/v1/drafts", `{"note":"n"}`, "Idempotency-Key", "k"))
		if want := []int{201, 200}[i]; got.Code != want || (got.Header().Get("Idempotency-Replayed") == "true") != (i == 1) {
			t.Errorf("%d, replayed %q", got.Code, got.Header().Get("Idempotency-Replayed"))
		}
	}
	if got := e.ask(send("POST", "/v1/drafts", `{"note":"m"}`, "Idempotency-Key", "k")); got.Code != 422 || slugOf(got) != "request-reused" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}
