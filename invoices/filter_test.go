package invoices

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

func TestAListCanBeFiltered(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	r.Now = func() time.Time { at = at.Add(time.Hour); return at }
	var ids []string
	for i, date := range []string{"2026-01-10", "2026-01-11", "2026-01-12"} {
		req := request(who, fmt.Sprint("key-", i), "n")
		req.Draft.IssueDate = date
		req.Draft.Customer.Name, req.Draft.Customer.TaxID = fmt.Sprint("customer ", i), fmt.Sprint("AT", i)
		ids = append(ids, r.mustIssue(t, req).Invoice.ID)
	}
	r.mustCancel(t, cancellation(who, ids[1], "", nil))
	r.mustCancel(t, cancellation(who, ids[2], "part", part(0, "1")))
	year := "2026"
	of := func(n Narrow) Query { return Query{Series: "invoice", Period: &year, Narrow: n} }
	notes := func(n Narrow) Query { return Query{Series: "credit-note", Period: &year, Narrow: n} }
	for _, row := range []struct {
		name string
		q    Query
		want []string
	}{
		{"printed number", Query{PrintedNumber: "INV-2026-000002"}, []string{"invoice/2026/2"}},
		{"printed number of none", Query{PrintedNumber: "INV-2026-000009"}, nil},
		{"request", Query{RequestID: "key-0"}, []string{"invoice/2026/1"}},
		{"request of a part", Query{RequestID: "part"}, []string{"credit-note/2026/2"}},
		{"request of the server", Query{RequestID: "x:" + ids[1]}, nil},
		{"request elsewhere", Query{RequestID: "key-0", Series: "credit-note"}, nil},
		{"cancelled", of(Narrow{Status: "cancelled"}), []string{"invoice/2026/2"}},
		{"issued", of(Narrow{Status: "issued"}), []string{"invoice/2026/1", "invoice/2026/3"}},
		{"kind", notes(Narrow{Kind: "credit_note"}), []string{"credit-note/2026/1", "credit-note/2026/2"}},
		{"kind of none", of(Narrow{Kind: "credit_note"}), nil},
		{"customer", of(Narrow{CustomerName: "customer 2"}), []string{"invoice/2026/3"}},
		{"customer in part", of(Narrow{CustomerName: "customer"}), nil},
		{"tax id", of(Narrow{CustomerTaxID: "AT0"}), []string{"invoice/2026/1"}},
		{"from a date", of(Narrow{IssuedFrom: "2026-01-11"}), []string{"invoice/2026/2", "invoice/2026/3"}},
		{"to a date", of(Narrow{IssuedTo: "2026-01-11"}), []string{"invoice/2026/1", "invoice/2026/2"}},
		{"created from", of(Narrow{CreatedFrom: time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)}), []string{"invoice/2026/2", "invoice/2026/3"}},
		{"created to", of(Narrow{CreatedTo: time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)}), []string{"invoice/2026/1"}},
		{"several", of(Narrow{CustomerTaxID: "AT0", Status: "cancelled"}), nil},
	} {
		p, err := db.List(t.Context(), who.Tenant, row.q)
		if diff := cmp.Diff(row.want, places(p)); err != nil || diff != "" {
			t.Errorf("%s: %v, want (-) got (+):\n%s", row.name, err, diff)
		}
		if p, err := db.List(t.Context(), "globex", row.q); err != nil || len(p.Invoices) != 0 {
			t.Errorf("%s: another tenant lists %v, %v", row.name, places(p), err)
		}
	}
	for paged, q := of(Narrow{Status: "issued"}), 0; q < 2; q++ {
		paged.Limit = 1
		p, err := db.List(t.Context(), who.Tenant, paged)
		if want := [][]string{{"invoice/2026/1"}, {"invoice/2026/3"}}[q]; err != nil || !cmp.Equal(places(p), want) || (p.NextCursor == "") != (q == 1) {
			t.Errorf("page %d has %v, next %q, %v", q, places(p), p.NextCursor, err)
		}
		paged.Cursor = p.NextCursor
	}
}

// narrows are the filters without an index of their own.
var narrows = map[string]Narrow{
	"status": {Status: "cancelled"}, "kind": {Kind: "invoice"}, "customer_name": {CustomerName: "x"}, "customer_tax_id": {CustomerTaxID: "x"},
	"issue_date_from": {IssuedFrom: "2026-01-01"}, "issue_date_to": {IssuedTo: "2026-01-01"},
	"created_from": {CreatedFrom: time.Unix(1, 0)}, "created_to": {CreatedTo: time.Unix(1, 0)},
}

func TestAFilterWithoutAnIndexNeedsSeriesAndPeriod(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	year := "2026"
	for name, n := range narrows {
		for _, q := range []Query{{Narrow: n}, {Narrow: n, Series: "invoice"}, {Narrow: n, Period: &year}} {
			if _, err := db.List(t.Context(), who.Tenant, q); !cmp.Equal(pointers(err), []string{name}) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if names := (Narrow{}).used(); names != nil {
		t.Errorf("nothing is used: %v", names)
	}
	if got := len((Narrow{}).conditions()); got != len(narrows) {
		t.Errorf("%d filters, %d of them are tested", got, len(narrows))
	}
}

// Whatever is selected by, the documents are reached by an index.
func TestNoFilterReadsTheWholeTable(t *testing.T) {
	onlyWhole(t)
	t.Parallel()
	db := migrated(t)
	manyDocuments(t, db)
	year, cursor := "2026", key{Series: testSeries, Number: 700}.encode(cursorPrefix)
	queries := map[string]Query{
		"none": {}, "series": {Series: "invoice"}, "number and period": {Number: 7, Period: &year}, "series and period": {Series: "invoice", Period: &year},
		"number": {Number: 7}, "printed_number": {PrintedNumber: "acme invoice 2026 7"}, "request_id": {RequestID: "acme 2026 invoice 7"},
		"number and cursor": {Number: 900, Cursor: cursor}, "cursor": {Cursor: cursor},
	}
	for name, n := range narrows {
		queries[name] = Query{Series: "invoice", Period: &year, Narrow: n}
		queries[name+" and cursor"] = Query{Series: "invoice", Period: &year, Narrow: n, Cursor: cursor}
	}
	for name, q := range queries {
		q.Limit = limitDefault
		after, err := q.check("acme")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		query, args := q.sql("acme", after)
		if seqScan(t, db, query, args...) {
			t.Errorf("filtered by %s the whole table is read", name)
		}
	}
	one := []any{"acme", "invoice", "2026", 7}
	for name, query := range map[string]string{"an invoice": invoiceByKey, "an account": accountByKey} {
		if seqScan(t, db, query, one...) {
			t.Errorf("to read %s the whole table is read", name)
		}
	}
	db.exec(t, `
		insert into drafts (tenant, draft_id, version, content, created_at, updated_at)
		select 'acme', 'dft_' || lpad(n::text, 26, '0'), 1, '{}', now(), now() from generate_series(1, 5000) n`)
	db.exec(t, `analyze drafts`)
	if seqScan(t, db, selectDraft+draftsAfter, "acme", "", limitDefault+1) {
		t.Error("to list drafts the whole table is read")
	}
	if !seqScan(t, db, `select number from documents where tenant = $1 order by created_at`, "acme") {
		t.Error("a list without an index is not told apart: the test shows nothing")
	}
}

// manyDocuments are 40,000 documents of two tenants.
func manyDocuments(t *testing.T, db *DB) {
	t.Helper()
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
			currency, net, tax, gross, printed_number, content)
		select t, s, p, n, 'issued', now() + n * interval '1 s', concat_ws(' ', 'c:' || t, p, s, n), '\x00', 'k', cast(p || '-06-01' as date) + n % 100,
			'EUR', 1, 0, 1, concat_ws(' ', t, s, p, n), json_build_object('customer', json_build_object('name', 'c' || n % 100))
		from unnest('{acme,globex}'::text[]) t, unnest('{credit-note,invoice}'::text[]) s, unnest('{2024,2025,2026,2027}'::text[]) p, generate_series(1, 2500) n`)
	db.exec(t, `insert into credits (tenant, series, period, number, gross, credited, notes, closed)
		select tenant, series, period, number, gross, gross, 1, true from documents where number % 10 = 0 and series = 'invoice'`)
	db.exec(t, `analyze documents, credits`)
}

// seqScan reports whether Postgres would read all of documents.
func seqScan(t *testing.T, db *DB, query string, args ...any) bool {
	t.Helper()
	var text string
	if err := db.rest.GetContext(t.Context(), &text, `explain (format json) `+query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var plans []struct{ Plan planNode }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan.readsAll()
}

type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Plans    []planNode `json:"Plans"`
}

func (n planNode) readsAll() bool {
	return n.Type == "Seq Scan" && n.Relation == "documents" || slices.ContainsFunc(n.Plans, planNode.readsAll)
}
