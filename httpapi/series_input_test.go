package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

func TestBadInputOfASeriesNamesItsField(t *testing.T) {
	e := newEdge(t, Config{})
	for _, c := range []struct {
		name, body string
		code       int
		pointer    string
	}{
		{"web", `[]`, 400, ""},
		{"web", `{"colour":"red"}`, 400, "/colour"},
		{"web", `{"name":"other"}`, 400, "/name"},
		{"web", `{"name":7}`, 400, "/name"},
		{"-web", `{}`, 422, "/name"},
		{"we%20b", `{}`, 422, "/name"},
		{"web", `{"numbering":1}`, 400, "/numbering"},
		{"web", `{"numbering":"loose"}`, 422, "/numbering"},
		{"web", `{"format":null}`, 400, "/format"},
		{"web", `{"format":"{seq"}`, 422, "/format"},
		{"web", `{"format":"` + strings.Repeat("x", 250) + `{seq}"}`, 422, "/format"},
		{"web", `{"period":"year","format":"{seq}"}`, 422, "/format"},
		{"web", `{"period":true}`, 400, "/period"},
		{"web", `{"period":"week"}`, 422, "/period"},
		{"web", `{"start":"1"}`, 400, "/start"},
		{"web", `{"start":1.5}`, 400, "/start"},
		{"web", `{"start":1e30}`, 400, "/start"},
		{"web", `{"start":-1}`, 422, "/start"},
		{"web", `{"start":9007199254740992}`, 422, "/start"},
		{"web", `{"on_loss":{}}`, 400, "/on_loss"},
		{"web", `{"on_loss":"cry"}`, 422, "/on_loss"},
		{"web", `{"reuse_within":60}`, 400, "/reuse_within"},
		{"web", `{"reuse_within":"a day"}`, 400, "/reuse_within"},
		{"web", `{"reuse_within":""}`, 400, "/reuse_within"},
		{"web", `{"reuse_within":"1.5s"}`, 422, "/reuse_within"},
		{"web", `{"range":[]}`, 400, "/range"},
		{"web", `{"range":{}}`, 422, "/range/first"},
		{"web", `{"range":{"first":"1","last":2}}`, 400, "/range/first"},
		{"web", `{"range":{"first":1}}`, 422, "/range/last"},
		{"web", `{"range":{"first":3,"last":2}}`, 422, "/range/last"},
		{"web", `{"range":{"first":1,"last":2,"until":3}}`, 400, "/range/until"},
		{"web", `{"range":{"first":1,"last":2,"expires_on":"tomorrow"}}`, 422, "/range/expires_on"},
		{"web", `{"range":{"first":1,"last":2,"warn_left":-1}}`, 422, "/range/warn_left"},
		{"web", `{"start":3,"range":{"first":1,"last":2}}`, 422, "/start"},
		{"web", `{"document":"letter"}`, 422, "/document"},
		{"web", `{"closed_through":"2026-02-30"}`, 422, "/closed_through"},
		{"web", `{"closed_through":20260101}`, 400, "/closed_through"},
	} {
		got := e.ask(send(http.MethodPut, "/v1/series/"+c.name, c.body))
		if got.Code != c.code || c.pointer != "" && !strings.Contains(got.Body.String(), `"pointer":"`+c.pointer+`"`) {
			t.Errorf("%s %s: %d %s, want %d at %s", c.name, c.body, got.Code, got.Body, c.code, c.pointer)
		}
	}
	if got := e.ask(send(http.MethodPut, "/v1/series/web", `{"reuse_within":"a day"}`)); !strings.Contains(got.Body.String(), `such as \"24h\"`) {
		t.Errorf("%s does not say what would be right", got.Body)
	}
}
