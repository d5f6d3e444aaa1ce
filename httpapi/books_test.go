package httpapi

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"folio/invoices"
	"folio/invoices/document"
	"folio/invoices/register"
)

// booksStub tells what it was told to.
type booksStub struct {
	explained invoices.Explanation
	err       error
	pages     int                         // of a register; of three lines each
	each      func(context.Context) error // before each page
	asked     string                      // series, period and number of the last question
	ended     atomic.Int32                // registers that ended, however
}

func (b *booksStub) ask(name string, period *string, n int64) error {
	said := "present"
	if period != nil {
		said = *period
	}
	b.asked = fmt.Sprint(name, " ", said, " ", n)
	if said == "2026-01" {
		return &document.InvalidError{Fields: []document.FieldError{{Pointer: "period", Detail: "is none of it"}}}
	}
	return b.err
}

func (b *booksStub) Explain(_ context.Context, who invoices.Asker, name string, period *string, n int64) (invoices.Explanation, error) {
	if who.Operator {
		return invoices.Explanation{}, errors.New("a tenant is no operator")
	}
	e := b.explained
	if e.State == "" {
		e.State = "not_reserved"
	}
	e.Series, e.Period, e.Number = name, "2026", n
	return e, b.ask(name, period, n)
}

func (b *booksStub) Register(ctx context.Context, who invoices.Asker, name string, period *string, to register.Writer) error {
	defer b.ended.Add(1)
	if err := b.ask(name, period, 0); err != nil {
		return err
	}
	head := register.Head{Owner: who.Tenant, Series: name, Period: "2026", First: 1, Mark: int64(3 * b.pages), AsOf: register.AsOf{At: when, EtcdRevision: 7}}
	if err := to.Begin(head); err != nil {
		return err
	}
	for page := range int64(b.pages) {
		if b.each != nil {
			if err := b.each(ctx); err != nil {
				return err
			}
		}
		n := 3*page + 1
		err := to.Lines([]register.Line{
			{Number: n, PrintedNumber: "=INV-1", Date: "2026-03-14", Kind: "invoice", Status: "issued", Currency: "EUR", Gross: "-1.50"},
			{Number: n + 1, Date: "2026-03-15", Status: "void", Reason: "seek", Explanation: "The series was moved forward past it."},
			{Number: n + 2, Status: "held"},
		})
		if err != nil {
			return err
		}
	}
	return to.End()
}

var when = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func TestANumberIsExplained(t *testing.T) {
	e := newEdge(t, Config{})
	first, mark, revision := int64(1), int64(60), int64(812)
	block := &invoices.ExplainedBlock{Serial: 4, First: 51, Last: 60, ReservedAt: &when, EtcdRevision: &revision}
	for _, c := range []struct {
		says      string
		explained invoices.Explanation
	}{
		{`"etcd_revision":812`, invoices.Explanation{State: "issued", First: &first, Mark: &mark, Issued: &invoices.ExplainedIssue{
			Invoice: "inv_aa", Kind: "invoice", Status: "issued", PrintedNumber: "P", IssueDate: "2026-11-24", IssuedAt: when, KeyID: "key_1",
			Request: invoices.ExplainedRequest{Origin: "client", ID: "order-1"}, Source: "block", Block: block}}},
		{`"block":{"serial":1,"first":1,"last":1,"reserved_at":null,"etcd_revision":null}`, invoices.Explanation{State: "issued", Issued: &invoices.ExplainedIssue{
			Kind: "external", Status: "issued", PrintedNumber: "P", IssueDate: "2026-11-24", IssuedAt: when, Reference: "r",
			Request: invoices.ExplainedRequest{Origin: "server"}, Source: "block", Block: &invoices.ExplainedBlock{Serial: 1, First: 1, Last: 1}}}},
		{`"credit_notes":["inv_bb"]`, invoices.Explanation{State: "issued", Issued: &invoices.ExplainedIssue{
			Invoice: "inv_aa", Kind: "invoice", Status: "cancelled", PrintedNumber: "P", IssueDate: "2026-11-24", IssuedAt: when, Source: "strict",
			Request: invoices.ExplainedRequest{Origin: "draft", ID: "dft_1"}, CreditNotes: []string{"inv_bb"}}}},
		{`"by":{"kind":"key","key_id":"key_1"}`, invoices.Explanation{State: "void", Void: &invoices.ExplainedVoid{
			Reason: "range_expired", Explanation: "It.", VoidedAt: when, By: invoices.ExplainedVoider{Kind: "key", KeyID: "key_1"}, Known: "k", PrintedNumber: "P"}}},
		{`"by":{"kind":"unknown"},"block":{`, invoices.Explanation{State: "void", Void: &invoices.ExplainedVoid{
			Reason: "seek", Explanation: "It.", VoidedAt: when, By: invoices.ExplainedVoider{Kind: "unknown"}, Block: block}}},
		{`"held":{"since":`, invoices.Explanation{State: "held", Held: &invoices.ExplainedHold{Since: when, Block: block}}},
		{`"free":{"since":`, invoices.Explanation{State: "free", Free: &invoices.ExplainedFree{Since: when}}},
		{`"unaccounted"`, invoices.Explanation{State: "unaccounted"}},
		{`"not_reserved"`, invoices.Explanation{State: "not_reserved"}},
		{`"before_first"`, invoices.Explanation{State: "before_first"}},
		{`"unknown"`, invoices.Explanation{State: "unknown"}},
	} {
		c.explained.AsOf, c.explained.Summary = when, "s"
		e.stub.books.explained = c.explained
		got := e.ask(get("/v1/series/web/numbers/57?period=2026"))
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), c.says) || e.stub.books.asked != "web 2026 57" {
			t.Errorf("%s: %d %s, asked for %s", c.says, got.Code, got.Body, e.stub.books.asked)
		}
	}
}

func TestAQuestionForANumberThatIsNoneIsRefused(t *testing.T) {
	e := newEdge(t, Config{})
	e.stub.books.explained = invoices.Explanation{State: "free", Summary: "s", AsOf: when}
	for target, want := range map[string]int{
		"/v1/series/web/numbers/9007199254740991":        200,
		"/v1/series/web/numbers/1?period=-":              200,
		"/v1/series/web/numbers/0":                       404,
		"/v1/series/web/numbers/-1":                      404,
		"/v1/series/web/numbers/01":                      404,
		"/v1/series/web/numbers/1e3":                     404,
		"/v1/series/web/numbers/9007199254740992":        404,
		"/v1/series/web/numbers/99999999999999999999":    404,
		"/v1/series/web/numbers/1?period=2026-13":        400,
		"/v1/series/web/numbers/1?period=2026-01":        400,
		"/v1/series/web/numbers/1?color=red":             400,
		"/v1/series/web/register?period=2026-13":         400,
		"/v1/series/web/register?period=2026-01":         400,
		"/v1/series/web/register?format=xls":             400,
		"/v1/series/web/register?format=csv&format=json": 400,
	} {
		if got := e.ask(get(target)); got.Code != want {
			t.Errorf("%s: %d %s, want %d", target, got.Code, got.Body, want)
		}
	}
	for err, want := range map[error]int{invoices.ErrNotFound: 404, invoices.ErrLedgerDamaged: 500, invoices.ErrUnavailable: 503} {
		e.stub.books.err = err
		for _, target := range []string{"/v1/series/web/numbers/1", "/v1/series/web/register"} {
			if got := e.ask(get(target)); got.Code != want {
				t.Errorf("%s of %v: %d, want %d", target, err, got.Code, want)
			}
		}
	}
}

func TestARegisterIsSentAsTheClientWants(t *testing.T) {
	e := newEdge(t, Config{})
	for _, c := range []struct {
		query, accept string
		status        int
		media         string
	}{
		{"", "", 200, mediaJSON},
		{"", "*/*", 200, mediaJSON},
		{"", "text/csv", 200, mediaCSV},
		{"", "text/html,application/xhtml+xml,*/*;q=0.8", 200, mediaHTML},
		{"", "application/xml", 406, ""},
		{"&format=csv", "text/html", 200, mediaCSV},
		{"&format=json", "text/html", 200, mediaJSON},
		{"&format=html", "", 200, mediaHTML},
		{"&format=csv", "application/xml", 200, mediaCSV},
	} {
		for _, pages := range []int{0, 3} {
			e.stub.books.pages = pages
			req := get("/v1/series/web/register?period=2026" + c.query)
			req.Header.Set("Accept", c.accept)
			got := e.ask(req)
			media, _, _ := strings.Cut(got.Header().Get("Content-Type"), ";")
			if got.Code != c.status || c.status == 200 && media != c.media || got.Header().Get("Vary") != "Accept" {
				t.Errorf("%+v: %d %s", c, got.Code, got.Header())
				continue
			}
			switch media {
			case mediaCSV:
				rows, err := csv.NewReader(got.Body).ReadAll()
				if err != nil || len(rows) != 3*pages+1 || !strings.Contains(got.Header().Get("Content-Disposition"), `filename="register-web-2026.csv"`) {
					t.Errorf("%d rows, %v, %v", len(rows), err, got.Header())
				}
			case mediaJSON:
				var answer struct{ Numbers []register.Line }
				if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || len(answer.Numbers) != 3*pages {
					t.Errorf("%d numbers, %v: %s", len(answer.Numbers), err, got.Body)
				}
			case mediaHTML:
				if !strings.HasPrefix(got.Header().Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(got.Body.String(), fmt.Sprint("End of the register: ", 3*pages, " numbers")) {
					t.Errorf("%v\n%s", got.Header(), got.Body)
				}
			}
		}
	}
	req := get("/v1/series/web/register?format=csv")
	req.Method = http.MethodHead
	if got := e.ask(req); got.Code != http.StatusOK || got.Body.Len() != 0 || !strings.HasPrefix(got.Header().Get("Content-Type"), mediaCSV) {
		t.Errorf("HEAD: %d %v %s", got.Code, got.Header(), got.Body)
	}
}
