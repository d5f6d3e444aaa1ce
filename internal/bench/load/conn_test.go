package load

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// echo answers with numbers in turn, and keeps what it was sent.
type echo struct {
	mu     sync.Mutex
	next   int64
	same   bool // always the same number
	status int
	pad    string // makes answers longer than net/http sends in one piece
	ids    map[string]bool
	bodies []string
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next == 0 || !e.same {
		e.next++
	}
	e.bodies = append(e.bodies, string(text))
	if e.ids == nil {
		e.ids = make(map[string]bool)
	}
	e.ids[r.Header.Get("Idempotency-Key")] = true
	w.WriteHeader(e.status)
	fmt.Fprintf(w, `{"id":"inv_x","number":%d,"printed_number":"INV-7","note":%q}`, e.next, e.pad)
}

func TestTheClientReadsNumbersOfShortAndLongAnswers(t *testing.T) {
	for name, pad := range map[string]string{"in one piece": "", "in chunks": strings.Repeat("x", 20_000)} {
		e := &echo{status: 201, pad: pad}
		c := clientOf(t, e)
		for range 3 {
			if err := c.Send(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if len(c.Given) != 3 || c.Given[2] != (Given{0, 3}) || len(e.ids) != 3 || e.ids[""] {
			t.Errorf("%s: given %v, ids %v", name, c.Given, e.ids)
		}
		if !json.Valid([]byte(e.bodies[0])) {
			t.Errorf("%s: sent %s", name, e.bodies[0])
		}
	}
}

func TestAContenderThatGivesANumberTwiceIsNoticed(t *testing.T) {
	c := clientOf(t, &echo{status: 201, same: true})
	for range 2 {
		if err := c.Send(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := Verify(c.Given, []Stored{{Rows: 2, Sum: 2}}, 0); err == nil {
		t.Error("nobody noticed")
	}
}

func TestAnAnswerThatIsNoInvoiceIsAFailure(t *testing.T) {
	for _, status := range []int{200, 429, 500, 503} {
		c := clientOf(t, &echo{status: status})
		if err := c.Send(t.Context()); err == nil || len(c.Given) > 0 {
			t.Errorf("status %d: %v, given %v", status, err, c.Given)
		}
	}
}

func TestABatchCountsEachOfItsInvoices(t *testing.T) {
	k := Kind{Path: "/v1/invoices/batch", Lines: 1, Batch: 3}
	w := NewForms(k, []string{"key"}).Writer("a")
	_, body, _ := strings.Cut(string(w.Next(0)), "\r\n\r\n")
	var sent struct {
		Invoices []struct {
			ID    string `json:"request_id"`
			Lines []any  `json:"lines"`
		} `json:"invoices"`
	}
	if err := json.Unmarshal([]byte(body), &sent); err != nil || len(sent.Invoices) != 3 || sent.Invoices[0].ID == sent.Invoices[1].ID || len(sent.Invoices[2].Lines) != 1 {
		t.Errorf("%v: %s", err, body)
	}
	answer := `{"results":[{"invoice":{"number":1,"x":2}},{"invoice":{"number":2}},{"invoice":{"number":3}}]}`
	if got, err := k.Numbers(nil, 200, []byte(answer)); err != nil || len(got) != 3 || got[2] != 3 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := k.Numbers([]int64{9}, 200, []byte(`{"results":[{"invoice":{"number":1}},{"problem":{}}]}`)); err == nil || len(got) != 1 {
		t.Errorf("a batch of which a part failed: %v, %v", got, err)
	}
}

func TestAConnectionThatBreaksIsMadeAnew(t *testing.T) {
	broken := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken {
			broken = false
			panic(http.ErrAbortHandler)
		}
		(&echo{status: 201}).ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	c := clientAt(t, s)
	if err := c.Send(t.Context()); err == nil {
		t.Error("a connection that broke was no failure")
	}
	if err := c.Send(t.Context()); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func clientOf(t *testing.T, e *echo) *Client {
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	return clientAt(t, s)
}

func clientAt(t *testing.T, s *httptest.Server) *Client {
	conn, err := Dial(t.Context(), strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	k := Kind{Path: "/v1/invoices", Lines: 2}
	return &Client{Conn: conn, Kind: k, Writer: NewForms(k, []string{"key"}).Writer("c"), Crowd: NewCrowd(1, 1)}
}
