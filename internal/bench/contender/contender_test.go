package contender

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"folio/counter"
	"folio/counter/countertest"
	"folio/httpapi"
	"folio/internal/bench/load"
	"folio/invoices"
	"folio/invoices/document"
)

// year is the period of the documents that the tests make.
const year = "2026"

// of makes a way with a database of its own, and the handler before it.
func of(t *testing.T, w Way, database string) (*httptest.Server, Config) {
	t.Helper()
	if err := server.Clone(t.Context(), "folio", database, year); err != nil {
		t.Fatal(err)
	}
	c := Config{Way: w.Name, DatabaseURL: server.Of(database), Etcd: members, Connections: 8, Replicas: 1}
	if w.Redis {
		c.Redis = fakeRedis(t)
	}
	made, err := w.make(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.close(); err != nil {
			t.Error(err)
		}
	})
	return behind(t, issuer{made, strings.HasPrefix(database, "look_")}, database), c
}

// behind serves folio's handler with an issuer.
func behind(t *testing.T, is httpapi.Issuer, database string) *httptest.Server {
	t.Helper()
	db, err := invoices.Open(invoices.DBConfig{URL: server.Of(database)})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(httpapi.New(httpapi.Config{Issuer: is, Keys: &invoices.Keys{DB: db}}))
	t.Cleanup(func() {
		s.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fakeRedis is as much of Redis as a contender asks for.
func fakeRedis(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	var mu sync.Mutex
	counts := make(map[string]int)
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					var words [5]string // *2, $4, INCR, $n, key
					for i := range words {
						line, err := in.ReadString('\n')
						if err != nil {
							return
						}
						words[i] = strings.TrimRight(line, "\r\n")
					}
					if words[0] != "*2" || words[2] != "INCR" || words[3] != fmt.Sprintf("$%d", len(words[4])) {
						fmt.Fprintf(c, "-ERR %q\r\n", words)
						return
					}
					mu.Lock()
					counts[words[4]]++
					n := counts[words[4]]
					mu.Unlock()
					fmt.Fprintf(c, ":%d\r\n", n)
				}
			})
		}
	})
	return l.Addr().String()
}

// post posts a draft and returns the status and the answer without what differs by the
// moment.
func post(t *testing.T, s *httptest.Server, id, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/invoices", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	delete(answer, "created_at")
	return resp.StatusCode, answer
}

const draft = `{"issue_date":"2026-03-14","customer":{"name":"Ada <Lovelace>"},"lines":[{"description":"Translation","quantity":"3","unit_price":"80.50","tax":{"category":"S","rate":"19"}}]}`

// folio serves folio itself, over a counter in memory.
func folio(t *testing.T, database string) *httptest.Server {
	t.Helper()
	if err := server.Clone(t.Context(), "folio", database, year); err != nil {
		t.Fatal(err)
	}
	db, err := invoices.Open(invoices.DBConfig{URL: server.Of(database)})
	if err != nil {
		t.Fatal(err)
	}
	numbers := &counter.Allocator{Config: counter.Config{
		Store: &countertest.Mem{}, Owner: &invoices.Owner{DB: db}, Rules: (&invoices.CounterRules{DB: db}).Rules, Pod: "test",
	}}
	writer := invoices.NewWriter(invoices.WriterConfig{DB: db, Numbers: numbers})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = writer.Run(ctx) })
	running.Go(func() { _ = numbers.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return behind(t, &invoices.Issuer{DB: db, Numbers: numbers, Writer: writer}, database)
}

func TestEveryContenderAnswersAndStoresAsFolioDoes(t *testing.T) {
	status, want := post(t, folio(t, "like_folio"), "first", draft)
	if status != http.StatusCreated {
		t.Fatalf("folio: status %d, %v", status, want)
	}
	stored := storedRow(t, "like_folio")
	for _, w := range Ways() {
		database := "like_" + w.Name
		s, _ := of(t, w, database)
		status, got := post(t, s, "first", draft)
		if diff := cmp.Diff(want, got); status != http.StatusCreated || diff != "" {
			t.Errorf("%s: status %d\n%s", w.Name, status, diff)
		}
		if !w.Stores {
			continue
		}
		if diff := cmp.Diff(stored, storedRow(t, database)); diff != "" {
			t.Errorf("%s stores something else:\n%s", w.Name, diff)
		}
		if status, again := post(t, s, "first", draft); status != http.StatusOK || !cmp.Equal(got, again) {
			t.Errorf("%s answers a repeat with %d and\n%s", w.Name, status, cmp.Diff(got, again))
		}
		if status, _ := post(t, s, "first", strings.Replace(draft, "Ada", "Eve", 1)); status != http.StatusUnprocessableEntity {
			t.Errorf("%s answers the key of another draft with %d", w.Name, status)
		}
		if status, next := post(t, s, "second", draft); status != http.StatusCreated || next["number"] == got["number"] {
			t.Errorf("%s: the next is %d, %v", w.Name, status, next["number"])
		}
	}
}

func TestAContenderMayLookForARepeatFirst(t *testing.T) {
	for _, w := range Ways()[:2] {
		s, _ := of(t, w, "look_"+w.Name)
		status, first := post(t, s, "first", draft)
		again, second := post(t, s, "first", draft)
		if status != http.StatusCreated || again != http.StatusOK || !cmp.Equal(first, second) {
			t.Errorf("%s: status %d, then %d\n%s", w.Name, status, again, cmp.Diff(first, second))
		}
	}
}

// storedRow is the one document, without what differs by the moment and by its block.
func storedRow(t *testing.T, database string) (text string) {
	t.Helper()
	const query = `select concat_ws('|', tenant, series, period, number, status, request_id, item, encode(digest, 'hex'), key_id,
		issue_date, currency, net, tax, gross, printed_number, kind, content, reason, reference) from documents`
	err := server.in(t.Context(), database, func(c *sql.Conn) error { return c.QueryRowContext(t.Context(), query).Scan(&text) })
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// crowded sends from several connections at once for a moment.
func crowded(t *testing.T, s *httptest.Server) ([]load.Given, load.Result) {
	t.Helper()
	kind := load.Kind{Path: "/v1/invoices", Lines: 2}
	forms := load.NewForms(kind, []string{apiKey})
	var senders []load.Sender
	var clients []*load.Client
	for i := range 8 {
		conn, err := load.Dial(t.Context(), strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		c := &load.Client{Conn: conn, Kind: kind, Writer: forms.Writer(fmt.Sprint("c", i)), Crowd: load.NewCrowd(1, 1)}
		clients, senders = append(clients, c), append(senders, c)
	}
	r := load.Closed(t.Context(), senders, 0, 200*time.Millisecond)
	var given []load.Given
	for _, c := range clients {
		given = append(given, c.Given...)
		if err := c.Conn.Close(); err != nil {
			t.Error(err)
		}
	}
	return given, r
}

func TestEveryContenderGivesEachNumberOnceToManyAtATime(t *testing.T) {
	for _, w := range Ways() {
		database := "crowd_" + w.Name
		s, _ := of(t, w, database)
		since := time.Now().Truncate(time.Microsecond)
		prepareYear(t, database)
		given, r := crowded(t, s)
		if r.Failed > 0 || len(given) == 0 {
			t.Errorf("%s: %d numbers, %d failed: %v", w.Name, len(given), r.Failed, r.FirstFail)
		}
		if !w.Stores {
			if err := load.Twice(given); err != nil {
				t.Errorf("%s: %v", w.Name, err)
			}
			continue
		}
		rows, err := server.Stored(t.Context(), database, "invoice", []string{testTenant}, since)
		if err == nil {
			err = load.Verify(given, rows, r.Failed)
		}
		if err != nil {
			t.Errorf("%s: %v", w.Name, err)
		}
	}
}

// prepareYear makes the counters of today's year, should it be another than the tests'.
func prepareYear(t *testing.T, database string) {
	now := time.Now().UTC().Format("2006")
	if now == year {
		return
	}
	err := server.Execute(t.Context(), database,
		`insert into bench_counters (tenant, series, period, last) values ('`+testTenant+`', 'invoice', '`+now+`', 0)`,
		`create sequence numbers_`+testTenant+`_`+now)
	if err != nil {
		t.Fatal(err)
	}
}

// stuck gives a number twice; it stores what its table takes.
type stuck struct{ way }

func (s stuck) store(ctx context.Context, r *row) (int64, error) {
	if s.way == nil {
		return 7, nil
	}
	return r.put(ctx, s.way.(statement).insert, int64(7))
}

func TestAContenderThatGivesANumberTwiceIsNoticed(t *testing.T) {
	if err := server.Clone(t.Context(), "folio", "stuck", year); err != nil {
		t.Fatal(err)
	}
	given, _ := crowded(t, behind(t, issuer{way: stuck{}}, "stuck"))
	if err := load.Twice(given); err == nil || len(given) < 2 {
		t.Errorf("%d numbers, and nobody noticed", len(given))
	}
	w, err := newInsert(Config{DatabaseURL: server.Of("stuck"), Connections: 8, Replicas: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.close() }()
	given, r := crowded(t, behind(t, issuer{way: stuck{w}}, "stuck"))
	if len(given) != 1 || r.Failed == 0 {
		t.Errorf("the key of the table let %d rows with one number in, %d requests failed", len(given), r.Failed)
	}
}

func TestReplicasOfAContenderGiveOtherNumbers(t *testing.T) {
	a, b := &strides{by: 2, replica: 0}, &strides{by: 2, replica: 1}
	seen := make(map[int64]bool)
	for range 10 {
		for _, n := range []int64{a.next(), b.next()} {
			if seen[n] {
				t.Fatalf("%d is given twice", n)
			}
			seen[n] = true
		}
	}
}

func TestCopyWritesRowsThatCount(t *testing.T) {
	if err := server.Clone(t.Context(), "folio", "copied", year); err != nil {
		t.Fatal(err)
	}
	var d document.Draft
	if err := json.Unmarshal([]byte(draft), &d); err != nil {
		t.Fatal(err)
	}
	d.Currency = "EUR"
	since := time.Now().Truncate(time.Microsecond)
	for range 2 {
		mark, err := server.Highest(t.Context(), "copied", testTenant, "invoice")
		if err != nil {
			t.Fatal(err)
		}
		n, took, err := Copy(t.Context(), server.Of("copied"), testTenant, mark, d, time.Nanosecond)
		if n != copied || took <= 0 || err != nil {
			t.Fatalf("%d rows in %s, %v", n, took, err)
		}
	}
	rows, err := server.Stored(t.Context(), "copied", "invoice", []string{testTenant}, since)
	if err != nil || len(rows) != 1 || rows[0].Rows != 2*copied || rows[0].High != 2*copied || rows[0].Duplicates != 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestNumbersWithoutADatabaseAreAnsweredAsFolioDoes(t *testing.T) {
	b := bareNumbers{&strides{by: 1}}
	got, err := b.TakeNumbers(t.Context(), invoices.NumbersRequest{Identity: invoices.Identity{Zone: time.UTC}, Series: "till", Count: 2, IssueDate: "2026-03-14"})
	if err != nil || len(got.Numbers) != 2 || got.Numbers[1] != (invoices.ExternalNumber{Number: 2, PrintedNumber: "till-2026-000002"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.TakeNumbers(t.Context(), invoices.NumbersRequest{Identity: invoices.Identity{Zone: time.UTC}, Count: 0}); err == nil {
		t.Error("no numbers at all were taken")
	}
}

func TestAReplicaServesUntilItIsToldToEnd(t *testing.T) {
	if err := server.Clone(t.Context(), "folio", "served", year); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c := Config{Way: "none", DatabaseURL: server.Of("served"), Listen: address, OpsListen: "127.0.0.1:0", Connections: 1, Replicas: 1}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Serve(ctx) }()
	for ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second); ; {
		defer cancel()
		if err := Answers(ctx, address); err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("it never listened")
		}
	}
	if _, got := post(t, &httptest.Server{URL: "http://" + address}, "first", draft); got["number"] != 1.0 {
		t.Errorf("%v", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := (Config{Way: "nobody"}).Serve(t.Context()); err == nil {
		t.Error("an unknown contender serves")
	}
}
