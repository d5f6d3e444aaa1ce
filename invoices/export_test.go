package invoices

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// exported returns the lines of a tenant's export.
func exported(t testing.TB, db *DB, tenant string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := db.Export(t.Context(), tenant, &out); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// richTenant has a row of every kind: invoices with and without a request id, one
// with all fields, a credit note, an external number, imported rows, voids.
func richTenant(t testing.TB, db *DB, store *countertest.Mem) Identity {
	t.Helper()
	who := newTenant(t, db, "acme")
	db.exec(t, `update tenants set legal_name = 'Acme GmbH', tax_id = 'ATU1', address = '{"street":"Ring 1","country":"AT"}', default_currency = 'EUR'`)
	who.Seller.Name = "Acme GmbH"
	if err := db.CreateSeries(t.Context(), seriesOf("acme", "proforma", "P-{seq:4}", "void")); err != nil {
		t.Fatal(err)
	}
	im := importer(t, db, store, "csv")
	im.mustImport(t, old(10, 12))
	r := newReplica(t, db, store)
	for i, id := range []string{"order-1", "", "a \"quoted\" id"} {
		req := request(who, id, fmt.Sprint("note ", i, " <&> Ω"))
		req.Draft.Metadata = map[string]string{"b": "2", "a": "1"}
		r.mustIssue(t, req)
	}
	external := &row{Kind: kindExternal, RequestID: "c:ext", Item: 2, KeyID: who.KeyID, Printed: "P-0007", Reference: "their 7"}
	db.exec(t, `insert into documents (tenant, series, period, number, status, created_at, kind, request_id, item, digest, key_id, issue_date, printed_number, reference)
		values ('acme', 'proforma', '', 7, 'issued', clock_timestamp(), $1, $2, $3, $4, $5, '2026-01-02', $6, $7)`,
		external.Kind, external.RequestID, external.Item, external.Digest[:], external.KeyID, external.Printed, external.Reference)
	if _, err := r.VoidExternal(t.Context(), who, "proforma", "", 7, "never\nmade"); err != nil {
		t.Fatal(err)
	}
	r.mustTake(t, wish(who, "three at once", 3))
	if err := r.numbers.Seek(t.Context(), counter.Series{Tenant: "acme", Name: "proforma"}, 9, "a new numbering begins"); err != nil {
		t.Fatal(err)
	}
	im.mustImport(t, "series,number,kind,issue_date,currency,net,gross,customer_name,credits\n"+
		"credit-note,1,credit_note,2026-04-01,EUR,10,12,Ada,INV-2025-000010\n")
	inv := r.mustIssue(t, request(who, "to be credited", "n")).Invoice
	r.mustCancel(t, cancellation(who, inv.ID, "half", part(0, "1")))
	r.mustDraft(t, draftRequest(t, who, "draft-1", `{"currency":"EUR","note":"not yet"}`))
	r.stop()
	return who
}

func TestAnExportImportedElsewhereIsTheSameTenant(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := richTenant(t, db, store)
	lines := exported(t, db, "acme")
	there, thereStore := migrated(t), &countertest.Mem{}
	im := importer(t, there, thereStore, "jsonl")
	im.Tenant, im.CreateTenant, im.piece = "", true, 5
	file := strings.Join(lines, "\n") + "\n"
	if _, err := im.Run(t.Context(), &torn{Reader: strings.NewReader(file), at: int64(len(file)) * 3 / 4}); !errors.Is(err, errTorn) {
		t.Fatal(err) // and it is taken up again
	}
	if report := im.mustImport(t, file); report.Tenant != "acme" || report.Resumed == 0 {
		t.Errorf("%+v", report)
	}
	if got := exported(t, there, "acme"); strings.Join(got, "\n") != strings.Join(lines, "\n") {
		t.Errorf("exported again:\n%s\nwas\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
	mustBeClean(t, there, thereStore)
	before, err := db.List(t.Context(), "acme", Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	after, err := there.List(t.Context(), "acme", Query{Limit: 100})
	if was, got := asJSON(t, before.Invoices), asJSON(t, after.Invoices); err != nil || got != was || len(after.Invoices) != 8 {
		t.Errorf("%v: the API shows\n%s, was\n%s", err, got, was)
	}
	mustBalance(t, there)
	r := newReplica(t, there, thereStore)
	if got := r.mustDraft(t, draftRequest(t, who, "draft-1", `{"currency":"EUR","note":"not yet"}`)); string(got.Content) != `{"currency":"EUR","note":"not yet"}` {
		t.Errorf("the repeat of a draft: %+v", got)
	}
	req := request(who, "order-1", "note 0 <&> Ω")
	req.Draft.Metadata = map[string]string{"b": "2", "a": "1"}
	if got := r.mustIssue(t, req); !got.Replayed || got.Invoice.Number != 1 || got.Invoice.Credits != "" {
		t.Errorf("the repeat: %+v", got)
	}
	if got := r.mustTake(t, wish(who, "three at once", 3)); !got.Replayed || got.Numbers[2].Number != 6 {
		t.Errorf("the repeat of a request for numbers: %+v", got)
	}
	if n := ask[int](t, there, `select count(*) from annulments where reason = E'never\nmade'`); n != 1 {
		t.Errorf("%d annulments", n)
	}
	req.Digest[0]++
	if _, err := r.Issue(t.Context(), req); !errors.Is(err, ErrRequestReused) {
		t.Errorf("the same id with another body: %v", err)
	}
	if got := r.mustIssue(t, request(who, "new", "n")); got.Invoice.Number != 8 {
		t.Errorf("the next invoice is number %d, want 8", got.Invoice.Number)
	}
}

func TestAnExportCanBeImportedUnderAnotherName(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	richTenant(t, db, store)
	file := strings.Join(exported(t, db, "acme"), "\n") + "\n"
	newTenant(t, db, "twin") // empty
	im := importer(t, db, store, "jsonl")
	im.Tenant = "twin"
	im.mustImport(t, file)
	mustBeClean(t, db, store)
	const query = `select string_agg(series || period || '/' || number || coalesce(printed_number, reason) || coalesce(request_id, '') || coalesce(credits_number, 0), ' ' order by series, period, number)
		from documents where tenant = $1`
	if was, got := ask[string](t, db, query, "acme"), ask[string](t, db, query, "twin"); got != was {
		t.Errorf("got  %s\nwant %s", got, was)
	}
	im.Tenant = "acme"
	if _, err := im.Run(t.Context(), strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), "has documents already") {
		t.Errorf("an export into a tenant with documents: %v", err)
	}
}

func TestAnExportThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	richTenant(t, db, store)
	lines := exported(t, db, "acme")
	last := len(lines) - 1
	im := importer(t, db, store, "jsonl")
	im.Tenant, im.CreateTenant = "elsewhere", true
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"without its end":              {lines[:last], "the file is cut off"},
		"without a document":           {append(append([]string{}, lines[:last-1]...), lines[last]), "says that there are"},
		"with something after":         {append(append([]string{}, lines...), lines[last-1]), "comes after the end"},
		"with two beginnings":          {append([]string{lines[0]}, lines...), "is a second beginning"},
		"of a program to come":         {append([]string{lines[0], `{"type":"dream"}`}, lines[1:]...), `"dream" is unknown`},
		"with an unknown field":        {append([]string{lines[0], `{"type":"document","colour":"red"}`}, lines[1:]...), "line 2, /colour: is not a field"},
		"with a field twice":           {append([]string{lines[0], `{"type":"document","number":1,"number":2}`}, lines[1:]...), "line 2, /number: is given twice"},
		"with an annulment of nothing": {append(append([]string{}, lines[:last]...), `{"type":"annulment","series":"invoice","period":"2025","number":10,"reason":"r","key_id":"k","voided_at":"2026-01-01T00:00:00Z"}`, lines[last]), "names a document that is not in the file"},
		"with a void unexplained":      {append(append([]string{}, lines[:last]...), `{"type":"document","status":"void","series":"proforma","number":99}`), "/reason: is required"},
	} {
		if got := strings.Join(im.refused(t, strings.NewReader(strings.Join(c.lines, "\n"))), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s; want %q", name, got, c.want)
		}
	}
	if n := ask[int](t, db, `select count(*) from tenants where name = 'elsewhere'`); n != 0 {
		t.Error("the tenant was made")
	}
	im.CreateTenant = false
	if _, err := im.Run(t.Context(), strings.NewReader(strings.Join(lines, "\n"))); !errors.Is(err, ErrNotFound) {
		t.Errorf("into a tenant that does not exist: %v", err)
	}
}

// slowly calls first before it writes anything after the first line.
type slowly struct {
	bytes.Buffer
	first func()
}

func (s *slowly) Write(p []byte) (int, error) {
	if s.first != nil && s.Len() > 0 {
		s.first()
		s.first = nil
	}
	return s.Buffer.Write(p)
}

func TestAnExportIsOfOneMomentAndGoesPageByPage(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	const count = 2*exportAtOnce + 7
	importer(t, db, store, "csv").mustImport(t, old(upToInts(count)...))
	r := newReplica(t, db, store)
	out := &slowly{first: func() { r.mustIssue(t, request(who, "meanwhile", "n")) }}
	if err := db.Export(t.Context(), "acme", out); err != nil {
		t.Fatal(err)
	}
	if documents := strings.Count(out.String(), `"type":"document"`); documents != count {
		t.Errorf("%d documents, want the %d of the moment it began", documents, count)
	}
	if !strings.HasSuffix(out.String(), fmt.Sprintf(`{"type":"end","documents":%d}`+"\n", count)) {
		t.Errorf("it ends with %q", out.String()[out.Len()-60:])
	}
	if err := db.Export(t.Context(), "nobody", out); !errors.Is(err, ErrNotFound) {
		t.Errorf("a tenant that does not exist: %v", err)
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
