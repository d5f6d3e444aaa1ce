package invoices

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/register"

	"github.com/google/go-cmp/cmp"
)

// keptRegister is a register as it was written.
type keptRegister struct {
	head  register.Head
	lines []register.Line
	pages int
	ended bool
	each  func(page int) error // before a page is taken
}

func (k *keptRegister) Begin(h register.Head) error { k.head = h; return nil }

func (k *keptRegister) Lines(lines []register.Line) error {
	k.pages++
	if k.each != nil {
		if err := k.each(k.pages); err != nil {
			return err
		}
	}
	k.lines = append(k.lines, lines...)
	return nil
}

func (k *keptRegister) End() error { k.ended = true; return nil }

func (b *Books) mustRegister(t testing.TB, who Identity, name, period string) *keptRegister {
	t.Helper()
	var k keptRegister
	if err := b.Register(t.Context(), Asker{Identity: who}, name, &period, &k); err != nil {
		t.Fatal(err)
	}
	if !k.ended {
		t.Error("the register has no end")
	}
	return &k
}

// manyRows stores the invoices first to last of acme in 2026, without any writer.
func manyRows(t testing.TB, db *DB, first, last int64) {
	t.Helper()
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
			currency, net, tax, gross, printed_number, content, holder, block_serial, block_first, block_last)
		select 'acme', 'invoice', '2026', n, 'issued', now(), 's:' || n, '\x00', 'key_1', '2026-03-14', 'EUR', 1, 0, n, 'INV-2026-' || n,
			'{"currency":"EUR","customer":{"name":"Ada"},"lines":[],"totals":{"net":"1.00","tax":"0.00","gross":"1.00","taxes":[]}}',
			'h.1', 1, cast($1 as bigint), cast($2 as bigint)
		from generate_series(cast($1 as bigint), cast($2 as bigint)) n`, first, last)
}

func manyVoids(t testing.TB, db *DB, first, last int64, reason string) {
	t.Helper()
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, reason)
		select 'acme', 'invoice', '2026', n, 'void', '2026-03-14T23:30:00Z', $3 from generate_series(cast($1 as bigint), cast($2 as bigint)) n`, first, last, reason)
}

// Of 50,000 numbers with documents, voids, held and free ones and holes between
// them, each has one line, in order, and none has another's.
func TestARegisterHasEveryNumberOnceAndInOrder(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	manyRows(t, db, 3, 20_000)
	manyVoids(t, db, 20_001, 20_500, "seek")
	manyRows(t, db, 20_501, 41_000)
	manyRows(t, db, 41_101, 49_000)
	l := counter.Ledger{First: 3, Mark: 50_000, Serial: 9,
		Held: []counter.Block{{Serial: 9, Range: counter.Range{First: 48_990, Last: 49_500}}},
		Free: []counter.FreeRange{{Range: counter.Range{First: 41_001, Last: 41_050}}, {Range: counter.Range{First: 49_501, Last: 49_990}}},
	}
	state := func(n int64) string {
		switch {
		case n > 20_000 && n <= 20_500:
			return "void"
		case n > 41_000 && n <= 41_050, n > 49_500 && n <= 49_990:
			return "free"
		case n > 41_050 && n <= 41_100, n > 49_990:
			return "unaccounted"
		case n > 49_000 && n <= 49_500:
			return "held"
		}
		return "issued"
	}
	k := (&Books{DB: db, Ledgers: ledgerOf(l)}).mustRegister(t, who, "invoice", "2026")
	if k.head.First != 3 || k.head.Mark != 50_000 || k.head.Series != "invoice" || k.head.Period != "2026" || time.Since(k.head.AsOf.At) > time.Minute {
		t.Errorf("head %+v", k.head)
	}
	if len(k.lines) != 49_998 {
		t.Fatalf("%d lines, want 49,998", len(k.lines))
	}
	for i, got := range k.lines {
		n := int64(i) + 3
		want := register.Line{Number: n, Status: state(n)}
		switch want.Status {
		case "issued":
			want.Date, want.Kind, want.Currency = "2026-03-14", "invoice", "EUR"
			want.PrintedNumber, want.Gross = fmt.Sprintf("INV-2026-%d", n), fmt.Sprint(n)
		case "void": // half past midnight in Vienna
			want.Date, want.Reason, want.Explanation = "2026-03-15", "seek", ReasonSentence("seek")
		}
		if got != want {
			t.Fatalf("line %d: %+v, want %+v", i, got, want)
		}
	}
}

func TestARegisterTellsCreditNotesCancelledInvoicesAndExternalNumbersApart(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	r.mustIssue(t, request(who, "two", "n"))
	r.mustTake(t, wish(who, "three", 2))
	if _, err := r.VoidExternal(t.Context(), who, "invoice", "2026", 4, "=1+1"); err != nil {
		t.Fatal(err)
	}
	note, err := r.Cancel(t.Context(), cancellation(who, inv.ID, "", nil))
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	b := &Books{DB: db, Ledgers: store}
	today := time.Now().In(who.Zone).Format(time.DateOnly)
	want := []register.Line{
		{Number: 1, PrintedNumber: "INV-2026-000001", Date: "2026-03-14", Kind: "invoice", Status: "cancelled", Currency: "EUR", Gross: "120.00"},
		{Number: 2, PrintedNumber: "INV-2026-000002", Date: "2026-03-14", Kind: "invoice", Status: "issued", Currency: "EUR", Gross: "120.00"},
		{Number: 3, PrintedNumber: "INV-2026-000003", Date: "2026-03-14", Kind: "external", Status: "issued"},
		{Number: 4, PrintedNumber: "INV-2026-000004", Date: today, Kind: "external", Status: "void", Reason: "=1+1", Explanation: annulledSentence("=1+1")},
	}
	if diff := cmp.Diff(want, b.mustRegister(t, who, "invoice", "2026").lines); diff != "" {
		t.Errorf("want (-) got (+):\n%s", diff)
	}
	want = []register.Line{{
		Number: 1, PrintedNumber: note.Invoice.PrintedNumber, Date: "2026-04-01", Kind: "credit_note", Status: "issued", Currency: "EUR", Gross: note.Invoice.Totals.Gross,
	}}
	if diff := cmp.Diff(want, b.mustRegister(t, who, "credit-note", "2026").lines); diff != "" {
		t.Errorf("want (-) got (+):\n%s", diff)
	}
	if k := b.mustRegister(t, who, "invoice", "2025"); len(k.lines) != 0 || k.head.Mark != 0 || k.head.First != 1 {
		t.Errorf("of a year without numbers: %+v", k)
	}
}

// A client may take its time over a page: no connection, and so no transaction, is
// in use meanwhile.
func TestARegisterHoldsNoConnectionWhileAPageIsWritten(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	manyRows(t, db, 1, 2*registerPage+1)
	k := keptRegister{each: func(page int) error {
		for _, set := range db.sets() {
			if n := set.Stats().InUse; n != 0 {
				t.Errorf("page %d: %d connections are in use", page, n)
			}
		}
		return nil
	}}
	period := "2026"
	b := &Books{DB: db, Ledgers: ledgerOf(counter.Ledger{Mark: 2*registerPage + 1, Serial: 1})}
	if err := b.Register(t.Context(), Asker{Identity: who}, "invoice", &period, &k); err != nil || k.pages != 3 || !k.ended {
		t.Errorf("%d pages, ended %v, %v", k.pages, k.ended, err)
	}
}

func TestARegisterThatFailsInTheMiddleHasNoEnd(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	manyRows(t, db, 1, 2*registerPage+1)
	b := &Books{DB: db, Ledgers: ledgerOf(counter.Ledger{Mark: 2*registerPage + 1, Serial: 1})}
	period := "2026"
	gone := errors.New("the client is gone")
	k := keptRegister{each: func(int) error { return gone }}
	if err := b.Register(t.Context(), Asker{Identity: who}, "invoice", &period, &k); !errors.Is(err, gone) || k.pages != 1 || k.ended {
		t.Errorf("after %d pages, ended %v: %v", k.pages, k.ended, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	k = keptRegister{each: func(int) error { cancel(); return nil }}
	if err := b.Register(ctx, Asker{Identity: who}, "invoice", &period, &k); err == nil || k.pages != 1 || k.ended {
		t.Errorf("after %d pages, ended %v: %v", k.pages, k.ended, err)
	}
}

func TestNoRegisterOfDamagedBooksIsBegun(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	period := "2026"
	for fault, want := range map[error]error{counter.ErrDamaged: ErrLedgerDamaged, errors.New("away"): ErrUnavailable} {
		b := &Books{DB: db, Ledgers: ledgersFunc(func() (counter.Ledger, error) { return counter.Ledger{}, fault })}
		var k keptRegister
		if err := b.Register(t.Context(), Asker{Identity: who}, "invoice", &period, &k); !errors.Is(err, want) || k.head.Series != "" {
			t.Errorf("%v: %v, begun %+v", fault, err, k.head)
		}
	}
}

// What documents prove to be used is not left out because the ledger was lost.
func TestARegisterGoesOnAboveALedgerThatWasLost(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	manyRows(t, db, 1, 2)
	manyRows(t, db, 4, 4)
	k := (&Books{DB: db, Ledgers: ledgerOf(counter.Ledger{})}).mustRegister(t, who, "invoice", "2026")
	var got []string
	for _, l := range k.lines {
		got = append(got, fmt.Sprint(l.Number, " ", l.Status))
	}
	if diff := cmp.Diff([]string{"1 issued", "2 issued", "3 unaccounted", "4 issued"}, got); diff != "" {
		t.Errorf("want (-) got (+):\n%s", diff)
	}
}

func TestAStrictSeriesHasARegister(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	r := newReplica(t, db, store)
	for range 3 {
		r.mustIssue(t, strictRequest(who, s.Name, "", "n"))
	}
	if k := (&Books{DB: db, Ledgers: store}).mustRegister(t, who, s.Name, ""); len(k.lines) != 3 || k.head.Mark != 3 || k.lines[2].Number != 3 {
		t.Errorf("%+v", k)
	}
}
