package endtoend

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"folio/httpapi/client"
	"folio/internal/devcluster"
)

// ask sends a request with a JSON body, if any, to a replica.
func ask(t *testing.T, r *devcluster.Replica, key, method, path, body string) (status int, text string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t, 20*time.Second), method, r.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(got), answer.Header
}

func TestSeriesOfRealReplicas(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 3})
	t.Run("a new series is used at once on every replica", func(t *testing.T) { newSeries(t, c) })
	t.Run("a used series keeps its period and its numbering", func(t *testing.T) { usedSeries(t, c) })
	t.Run("a range is used up, told of and refused", func(t *testing.T) { rangeUsedUp(t, c) })
	t.Run("the unused rest of a range is void on every replica", func(t *testing.T) { rangeAnnulled(t, c) })
	auditIsClean(t, c)
}

func inSeries(name string) string {
	return strings.Replace(smallBody, "{", `{"series":"`+name+`",`, 1)
}

func newSeries(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "new-series")
	for i := range 6 {
		name := fmt.Sprint("s", i)
		for _, r := range c.Replicas { // each has just learnt that there is none
			if status, text, _ := ask(t, r, key, "POST", "/v1/invoices", inSeries(name)); status != 422 || !strings.Contains(text, `"/series"`) {
				t.Fatalf("before it exists: %d %s", status, text)
			}
		}
		if status, text, _ := ask(t, c.Replicas[i%3], key, "PUT", "/v1/series/"+name, `{"format":"`+name+`/{seq}"}`); status != 201 {
			t.Fatalf("put: %d %s", status, text)
		}
		for n := range c.Replicas {
			r := c.Replicas[(i+1+n)%3]
			if status, text, _ := ask(t, r, key, "POST", "/v1/invoices", inSeries(name)); status != 201 || !strings.Contains(text, fmt.Sprintf(`"printed_number":"%s/%d"`, name, n+1)) {
				t.Errorf("at once: %d %s", status, text)
			}
		}
	}
	if out, err := c.Run(within(t, 20*time.Second), "series", "set", "new-series/shop", "--format", "SH{seq}", "--json"); err != nil || !strings.Contains(out, `"format":"SH{seq}"`) {
		t.Fatalf("folio series set: %v %s", err, out)
	}
	if status, text, _ := ask(t, c.Replicas[0], key, "POST", "/v1/invoices", inSeries("shop")); status != 201 || !strings.Contains(text, `"SH1"`) {
		t.Errorf("made by hand: %d %s", status, text)
	}
	if status, text, _ := ask(t, c.Replicas[0], key, "PUT", "/v1/series/again", `{"format":"SH{seq:3}"}`); status != 422 || !strings.Contains(text, "series shop") {
		t.Errorf("a format that shop has: %d %s", status, text)
	}
}

func usedSeries(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "used-series")
	const yearly = `{"format":"Y{yyyy}-{seq}","period":"year"}`
	if status, text, _ := ask(t, c.Replicas[0], key, "PUT", "/v1/series/web", `{"format":"Y{yyyy}-{seq}"}`); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	if status, _, _ := ask(t, c.Replicas[1], key, "PUT", "/v1/series/web", yearly); status != 200 {
		t.Errorf("never used: %d", status)
	}
	if status, _, _ := ask(t, c.Replicas[1], key, "PUT", "/v1/series/web", `{"format":"Y{yyyy}-{seq}"}`); status != 200 {
		t.Errorf("never used: %d", status)
	}
	if status, text, _ := ask(t, c.Replicas[2], key, "POST", "/v1/invoices", inSeries("web")); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	for _, body := range []string{yearly, `{"format":"Y{yyyy}-{seq}","numbering":"strict"}`} {
		if status, text, _ := ask(t, c.Replicas[0], key, "PUT", "/v1/series/web", body); status != 409 || !strings.Contains(text, "series-used") {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if out, err := c.Run(within(t, 20*time.Second), "series", "set", "used-series/web", "--period", "year"); err == nil {
		t.Errorf("folio series set changed the period: %s", out)
	}
	out, err := c.Run(within(t, 20*time.Second), "series", "show", "used-series/web")
	if err != nil || !strings.Contains(out, "period          none") {
		t.Errorf("folio series show: %v %s", err, out)
	}
}

func rangeUsedUp(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "range-used-up")
	const body = `{"range":{"first":101,"last":112,"warn_left":2}}`
	if status, text, _ := ask(t, c.Replicas[0], key, "PUT", "/v1/series/caf", body); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	var left []string
	for i := range 12 {
		status, text, header := ask(t, c.Replicas[i%3], key, "POST", "/v1/invoices", inSeries("caf"))
		if status != 201 || !strings.Contains(text, fmt.Sprintf(`"number":%d`, 101+i)) {
			t.Errorf("request %d: %d %s", i, status, text)
		}
		if l := header.Get("Folio-Range-Left"); l != "" {
			left = append(left, l)
		}
	}
	if !slices.Equal(left, []string{"2", "1", "0"}) {
		t.Errorf("told %v", left)
	}
	low, exhausted := 0, 0
	for _, r := range c.Replicas {
		if status, text, _ := ask(t, r, key, "POST", "/v1/invoices", inSeries("caf")); status != 409 || !strings.Contains(text, "urn:folio:problem:series-exhausted") {
			t.Errorf("%d %s", status, text)
		}
		low += metric(t, r, "folio_range_low_total")
		exhausted += metric(t, r, "folio_range_exhausted_total")
	}
	if low != 3 || exhausted != 3 {
		t.Errorf("the metrics count %d low and %d exhausted, want 3 and 3", low, exhausted)
	}
	if status, _, _ := ask(t, c.Replicas[0], key, "PUT", "/v1/series/caf", `{"range":{"first":101,"last":200,"expires_on":"2020-01-01"}}`); status != 200 {
		t.Fatal(status)
	}
	for _, r := range c.Replicas {
		eventually(t, 10*time.Second, "the range has expired", func() bool {
			status, text, _ := ask(t, r, key, "POST", "/v1/invoices", inSeries("caf"))
			return status == 409 && strings.Contains(text, "urn:folio:problem:series-expired")
		})
	}
}

// metric reads a counter without labels.
func metric(t *testing.T, r *devcluster.Replica, name string) int {
	t.Helper()
	answer, err := http.Get(r.OpsURL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var value int
		if n, _ := fmt.Sscanf(line, name+" %d", &value); n == 1 {
			return value
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func rangeAnnulled(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "range-annulled")
	if status, text, _ := ask(t, c.Replicas[0], key, "PUT", "/v1/series/caf", `{"range":{"first":1,"last":1000}}`); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	const issued = 60 // enough for a block on every replica
	for i := range issued {
		if status, text, _ := ask(t, c.Replicas[i%3], key, "POST", "/v1/invoices", inSeries("caf")); status != 201 {
			t.Fatalf("%d %s", status, text)
		}
	}
	api := connect(t, c.Replicas[1], key)
	reason := "annulled with the tax office"
	void, err := api.VoidUnusedWithResponse(within(t, 20*time.Second), "caf", &client.VoidUnusedParams{}, client.VoidRestWish{Reason: &reason})
	if err != nil || void.JSON200 == nil || void.JSON200.Count != 1000-issued {
		t.Fatalf("%v %s", err, void.Body)
	}
	unused, err := api.ListUnusedWithResponse(within(t, 20*time.Second), "caf", &client.ListUnusedParams{})
	if err != nil || unused.JSON200 == nil || unused.JSON200.Count != 0 {
		t.Errorf("%v %s", err, unused.Body)
	}
	for _, r := range c.Replicas {
		if status, text, _ := ask(t, r, key, "POST", "/v1/invoices", inSeries("caf")); status != 409 {
			t.Errorf("%d %s", status, text)
		}
	}
	out, err := c.Run(within(t, 20*time.Second), "series", "unused", "range-annulled/caf")
	if err != nil || out != "0 numbers unused\n" {
		t.Errorf("folio series unused: %v %q", err, out)
	}
}
