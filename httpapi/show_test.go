package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func accepting(target string, accept ...string) *http.Request {
	req := get(target)
	for _, a := range accept {
		req.Header.Add("Accept", a)
	}
	return req
}

func TestAnInvoiceIsShownAsTheClientWants(t *testing.T) {
	e := newEdge(t, Config{})
	location := e.ask(post(goodBody)).Header().Get("Location")
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, c := range []struct {
		accept []string
		status int
		media  string
	}{
		{nil, 200, mediaJSON},
		{[]string{""}, 200, mediaJSON},
		{[]string{"*/*"}, 200, mediaJSON},
		{[]string{browser}, 200, mediaHTML},
		{[]string{"application/xml"}, 200, mediaXML},
		{[]string{"application/*"}, 200, mediaJSON},
		{[]string{"text/*"}, 200, mediaHTML},
		{[]string{"application/json;q=0.5, application/xml"}, 200, mediaXML},
		{[]string{"application/json;q=0", "*/*;q=0.1"}, 200, mediaHTML},
		{[]string{"TEXT/HTML ; q=1.0"}, 200, mediaHTML},
		{[]string{"image/png"}, 406, ""},
		{[]string{"application/json;q=0"}, 406, ""},
		{[]string{"nonsense"}, 406, ""},
		{[]string{"application/json;q=2"}, 406, ""},
	} {
		got := e.ask(accepting(location, c.accept...))
		media, _, _ := strings.Cut(got.Header().Get("Content-Type"), ";")
		if got.Code != c.status || c.status == 200 && media != c.media || got.Header().Get("Vary") != "Accept" {
			t.Errorf("Accept %q: %d %s, Vary %q; want %d %s", c.accept, got.Code, media, got.Header().Get("Vary"), c.status, c.media)
		}
	}
}

func TestAPageRunsNoScriptOfACustomer(t *testing.T) {
	e := newEdge(t, Config{})
	location := e.ask(post(strings.Replace(goodBody, "Ada", `<script>alert(1)</script>`, 1))).Header().Get("Location")
	got := e.ask(accepting(location, mediaHTML))
	if !strings.HasPrefix(got.Header().Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(got.Body.String(), "<script") {
		t.Errorf("policy %q\n%s", got.Header().Get("Content-Security-Policy"), got.Body)
	}
}

func TestAClientThatHasTheInvoiceIsToldSo(t *testing.T) {
	e := newEdge(t, Config{})
	location := e.ask(post(goodBody)).Header().Get("Location")
	tags := make(map[string]bool)
	for _, media := range []string{mediaJSON, mediaHTML, mediaXML} {
		first := e.ask(accepting(location, media))
		tag := first.Header().Get("ETag")
		if tags[tag] || !strings.HasPrefix(tag, `"`) {
			t.Errorf("%s has the tag %s of another representation, or a weak one", media, tag)
		}
		tags[tag] = true
		for given, want := range map[string]int{
			tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200, "": 200, strings.Trim(tag, `"`): 200,
		} {
			req := accepting(location, media)
			req.Header.Set("If-None-Match", given)
			got := e.ask(req)
			if got.Code != want || want == 304 && (got.Body.Len() > 0 || got.Header().Get("ETag") != tag) {
				t.Errorf("%s, If-None-Match %s: %d with %d bytes, want %d", media, given, got.Code, got.Body.Len(), want)
			}
		}
	}
}

func TestAnotherTenantsInvoiceIsNotShownInAnyWay(t *testing.T) {
	e := newEdge(t, Config{})
	location := e.ask(post(goodBody)).Header().Get("Location")
	for _, media := range []string{mediaJSON, mediaHTML, mediaXML} {
		req := accepting(location, media)
		req.Header.Set("Authorization", "Bearer "+otherKey)
		req.Header.Set("If-None-Match", "*")
		if got := e.ask(req); got.Code != http.StatusNotFound || !isProblem(got) {
			t.Errorf("%s: %d %s", media, got.Code, got.Body)
		}
	}
}

func isProblem(got *httptest.ResponseRecorder) bool {
	return got.Header().Get("Content-Type") == "application/problem+json"
}
