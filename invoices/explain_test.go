package invoices

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// telling is a store that tells the revision of each swap.
type telling struct {
	*countertest.Mem
	revision atomic.Int64
}

func (x *telling) SwapAt(ctx context.Context, holder string, s counter.Series, old counter.Version, next counter.Ledger) (int64, error) {
	if err := x.Swap(ctx, holder, s, old, next); err != nil {
		return 0, err
	}
	return x.revision.Add(1), nil
}

// mustExplain explains a number to its tenant, and sees to it that no holder or pod
// is named.
func mustExplain(t testing.TB, b *Books, who Identity, name, period string, n int64) Explanation {
	t.Helper()
	e, err := b.Explain(t.Context(), Asker{Identity: who}, name, &period, n)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{`"holder"`, `"pod"`, `"test.`, `"registered"`} {
		if strings.Contains(string(text), secret) {
			t.Errorf("a tenant is told %s: %s", secret, text)
		}
	}
	return e
}

// asOperator explains a number to an operator.
func asOperator(t testing.TB, b *Books, s counter.Series, n int64) Explanation {
	t.Helper()
	who, err := b.Operator(t.Context(), s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	e, err := b.Explain(t.Context(), who, s.Name, &s.Period, n)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnIssuedNumberIsExplainedWithItsBlockAndItsRequest(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &telling{Mem: &countertest.Mem{}}
	store.revision.Store(811)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	begun := time.Now().Add(-time.Second)
	inv := r.mustIssue(t, request(who, "order-1", "n")).Invoice
	holder := r.numbers.Holder()
	b := &Books{DB: db, Ledgers: store}

	e := mustExplain(t, b, who, "invoice", "2026", 1)
	i := e.Issued
	if e.State != "issued" || i == nil || e.Void != nil || e.Held != nil || e.Free != nil {
		t.Fatalf("%+v", e)
	}
	if i.Invoice != inv.ID || i.PrintedNumber != inv.PrintedNumber || i.Kind != "invoice" || i.Status != "issued" || !i.IssuedAt.Equal(inv.CreatedAt) ||
		i.IssueDate != "2026-03-14" || i.KeyID != who.KeyID || i.Request != (ExplainedRequest{"client", "order-1"}) || i.Source != "block" {
		t.Errorf("issued: %+v", i)
	}
	if i.Block == nil || i.Block.Serial != 1 || i.Block.First != 1 || i.Block.Last != 1 || i.Block.EtcdRevision == nil || *i.Block.EtcdRevision != 812 {
		t.Fatalf("block: %+v", i.Block)
	}
	if at := i.Block.ReservedAt; at == nil || at.Before(begun) || at.After(time.Now()) {
		t.Errorf("reserved at %v", at)
	}
	if *e.First != 1 || *e.Mark < 1 {
		t.Errorf("first %d, mark %d", *e.First, *e.Mark)
	}
	if o := asOperator(t, b, series2026(who), 1).Issued.Block; o.Holder != holder || o.Pod != "test" {
		t.Errorf("an operator is told %+v, want holder %s", o, holder)
	}
}

func TestARowFromBeforeSaysNothingOfWhenItsBlockWasReserved(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
			currency, net, tax, gross, printed_number, content, holder, block_serial, block_first, block_last)
		values ('acme', 'invoice', '2026', 1, 'issued', now(), 'c:one', '\x00', 'key_1', '2026-01-01', 'EUR', 1, 0, 1, 'P', '{}', 'pod.1', 1, 1, 3)`)
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, reason)
		values ('acme', 'invoice', '2026', 2, 'void', now(), 'seek')`)
	b := &Books{DB: db, Ledgers: ledgerOf(counter.Ledger{Mark: 3, Serial: 1})}
	block := mustExplain(t, b, who, "invoice", "2026", 1).Issued.Block
	if block == nil || block.ReservedAt != nil || block.EtcdRevision != nil {
		t.Errorf("block %+v, want times unknown", block)
	}
	if v := mustExplain(t, b, who, "invoice", "2026", 2).Void; v.By.Kind != "unknown" || v.Known != "" || v.Block != nil {
		t.Errorf("void %+v, want nothing known of by whom", v)
	}
}

func TestWhatLedToADocumentIsToldByItsRequest(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	strict := strictSeriesFor(t, db, who, "gapless")
	r := newReplica(t, db, store)
	r.mustIssue(t, strictRequest(who, strict.Name, "s-1", "n"))
	r.mustIssue(t, request(who, "", "n"))                    // 1: no key
	r.mustTake(t, wish(who, "two", 1))                       // 2: external
	d := r.mustDraft(t, draftRequest(t, who, "", wholeBody)) // 3: a draft
	if _, err := r.IssueDraft(t.Context(), who, d.ID); err != nil {
		t.Fatal(err)
	}
	inv := r.mustIssue(t, request(who, "four", "n")).Invoice // 4: cancelled
	note, err := r.Cancel(t.Context(), CancelRequest{Identity: who, Invoice: inv.ID, Cancellation: document.Cancellation{IssueDate: "2026-03-14"}})
	if err != nil {
		t.Fatal(err)
	}
	importer(t, db, store, "csv").mustImport(t, old(1))
	b := &Books{DB: db, Ledgers: store}
	for _, c := range []struct {
		series, period string
		number         int64
		origin, id     string // id "*": some
		kind, source   string
	}{
		{"gapless", "", 1, "client", "s-1", "invoice", "strict"},
		{"invoice", "2026", 1, "server", "*", "invoice", "block"},
		{"invoice", "2026", 2, "client", "two", "external", "block"},
		{"invoice", "2026", 3, "draft", d.ID, "invoice", "block"},
		{"invoice", "2026", 4, "client", "four", "invoice", "block"},
		{"credit-note", "2026", 1, "cancellation", inv.ID, "credit_note", "block"},
		{"invoice", "2025", 1, "import", "*", "invoice", "import"},
	} {
		e := mustExplain(t, b, who, c.series, c.period, c.number)
		i := e.Issued
		if i == nil || i.Request.Origin != c.origin || c.id != "*" && i.Request.ID != c.id || i.Request.ID == "" || i.Kind != c.kind || i.Source != c.source || (i.Block == nil) != (c.source != "block") {
			t.Errorf("%+v: %+v", c, i)
		}
		if (c.kind == "external") != (i.Invoice == "") || (c.kind == "external") != (i.Reference != "") {
			t.Errorf("%+v: invoice %q, reference %q", c, i.Invoice, i.Reference)
		}
	}
	cancelled, credit := mustExplain(t, b, who, "invoice", "2026", 4).Issued, mustExplain(t, b, who, "credit-note", "2026", 1).Issued
	if cancelled.Status != "cancelled" || len(cancelled.CreditNotes) != 1 || cancelled.CreditNotes[0] != note.Invoice.ID || credit.Credits != inv.ID {
		t.Errorf("cancelled %+v by %+v", cancelled, credit)
	}
}

func TestANumberMovedIntoAStrictSeriesIsToldApart(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	importer(t, db, store, "csv").mustImport(t, oldStrict(s.Name, 1))
	// As a row of an export, which keeps the request id of its client.
	db.exec(t, `alter table documents disable trigger all`)
	db.exec(t, `update documents set request_id = 'c:theirs'`)
	r := newReplica(t, db, store)
	r.mustIssue(t, strictRequest(who, s.Name, "ours", "n"))
	b := &Books{DB: db, Ledgers: store}
	for n, want := range map[int64]string{1: "import", 2: "strict"} {
		if got := mustExplain(t, b, who, s.Name, "", n).Issued; got.Source != want {
			t.Errorf("number %d is from %s, want %s", n, got.Source, want)
		}
	}
	newTenant(t, db, "bolt")
	// The teeth of the wall: another tenant sees no import.
	var seen int
	err := db.read(t.Context(), "bolt", "count imports", func(q sqlx.QueryerContext) error {
		return sqlx.GetContext(t.Context(), q, &seen, `select count(*) from import_series`)
	})
	if err != nil || seen != 0 {
		t.Errorf("another tenant sees %d imports, %v", seen, err)
	}
}

func TestAnotherTenantsNumberIsNotExplained(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who, other := newTenant(t, db, "acme"), newTenant(t, db, "bolt")
	r := newReplica(t, db, store)
	db.put(t, seriesOf("acme", "web", "W-{seq}", onLossReuse))
	r.mustIssue(t, in("web", request(who, "", "n")))
	period := ""
	if _, err := (&Books{DB: db, Ledgers: store}).Explain(t.Context(), Asker{Identity: other}, "web", &period, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	odd := "2026-13"
	if _, err := (&Books{DB: db, Ledgers: store}).Explain(t.Context(), Asker{Identity: who}, "web", &odd, 1); len(pointers(err)) != 1 {
		t.Errorf("a period that is none: %v", err)
	}
}
