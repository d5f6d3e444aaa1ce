package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"folio/internal/plot"
)

// answers plays Prometheus: to each query the same.
func answers(t *testing.T, body string) prometheus {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.FormValue("query"); q == "" || strings.Contains(q, "$") {
			t.Errorf("the query is %q", q)
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return prometheus(s.URL)
}

func TestTheDashboardIsDrawnWhole(t *testing.T) {
	d, err := readDashboard("../../deploy/grafana/folio.json")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Unix(1000, 0)
	p := answers(t, `{"data": {"result": [{"metric": {"pod": "folio-0"}, "values": [[1000, "1"], [1030, "2.5"], [1060, "NaN"]]}]}}`)
	svg, err := d.draw(t.Context(), p, from, from.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	titles := []string{"folio-0"}
	for _, one := range d.Panels {
		titles = append(titles, html.EscapeString(one.Title))
	}
	if err := plot.Check(svg, titles...); err != nil {
		t.Error(err)
	}
}

func TestADashboardWithoutDataIsRefused(t *testing.T) {
	d, err := readDashboard("../../deploy/grafana/folio.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"no data":     `{"data": {"result": []}}`,
		"an error":    `{"error": "bad query"}`,
		"no number":   `{"data": {"result": [{"metric": {}, "values": [[1000, "one"]]}]}}`,
		"no JSON":     `502`,
		"no response": ``,
	} {
		from := time.Unix(1000, 0)
		if _, err := d.draw(t.Context(), answers(t, body), from, from.Add(time.Minute)); err == nil {
			t.Errorf("%s: a drawing was made", name)
		}
	}
}
