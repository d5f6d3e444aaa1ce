package invoices

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/accounts"
	"folio/invoices/document"
)

func TestAStatementTellsTheOperatorWhoHasWhatIsBeingUsed(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	for i := range 3 {
		r.mustIssue(t, request(who, fmt.Sprint(i), "n"))
	}
	if err := r.numbers.Seek(t.Context(), series2026(who), 6, "spoilt"); err != nil {
		t.Fatal(err)
	}
	r.stop()
	putLedger(t, store, series2026(who), counter.Ledger{
		Mark: 12, Serial: 9, Held: []counter.Block{{Serial: 9, Range: counter.Range{First: 5, Last: 10}, Holder: "folio-7c9f.9k3d"}},
		Free: []counter.FreeRange{{Range: counter.Range{First: 12, Last: 12}}},
	})
	books := &Books{DB: db, Ledgers: store}
	period := "2026"
	for _, asker := range []Asker{{Identity: who}, {Identity: who, Operator: true}} {
		said, err := books.Statement(t.Context(), asker, "invoice", &period)
		if err != nil {
			t.Fatal(err)
		}
		if err := said.Check(); err != nil {
			t.Error(err)
		}
		got := fmt.Sprint(said.First, said.Mark, said.Issued, said.Void, said.Held.Numbers, said.Free, said.Unaccounted)
		if got != "1 12 {3 [1-3]} {{3 [4-6]} [{spoilt {3 [4-6]}}]} {4 [7-10]} {1 [12]} {1 [11]}" {
			t.Errorf("operator %t is told %s", asker.Operator, got)
		}
		blocks := fmt.Sprint(said.Held.Blocks)
		if asker.Operator != strings.Contains(blocks, "9 folio-7c9f.9k3d folio-7c9f 0001-01-01 00:00:00 +0000 UTC {4 [7-10]}") || !asker.Operator && blocks != "[]" {
			t.Errorf("operator %t is told of %s", asker.Operator, blocks)
		}
		if said.AsOf.Snapshot == "" || said.AsOf.At.IsZero() {
			t.Errorf("as of %+v", said.AsOf)
		}
	}
}

func TestAStatementOfAStrictSeriesAndOfOneThatWasNeverUsed(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	strict := strictSeriesFor(t, db, who, "gapless")
	r.mustIssue(t, strictRequest(who, strict.Name, "", "n"))
	s := seriesOf(who.Tenant, "later", "L{seq}", onLossReuse)
	s.Start = 1000
	if err := db.CreateSeries(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	books := &Books{DB: db, Ledgers: store}
	for name, want := range map[string]string{"gapless": "1 1 {1 [1]}", "later": "1000 999 {0 []}"} {
		period := ""
		if name == strict.Name {
			period = document.PeriodRule(strict.Period).Period("2026-03-14")
		}
		said, err := books.Statement(t.Context(), Asker{Identity: who}, name, &period)
		if err != nil || said.Check() != nil {
			t.Fatalf("%s: %v, %v", name, err, said.Check())
		}
		if got := fmt.Sprint(said.First, said.Mark, said.Issued); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestAStatementThatCannotBeMadeSaysWhy(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	store.Put(series2026(who), "{")
	books := &Books{DB: db, Ledgers: store}
	year, month := "2026", "2026-11"
	var invalid *document.InvalidError
	for _, c := range []struct {
		name   string
		period *string
		is     func(error) bool
	}{
		{"nope", nil, func(err error) bool { return errors.Is(err, ErrNotFound) }},
		{"invoice", &month, func(err error) bool { return errors.As(err, &invalid) }},
		{"invoice", &year, func(err error) bool { return errors.Is(err, ErrLedgerDamaged) }},
	} {
		if _, err := books.Statement(t.Context(), Asker{Identity: who}, c.name, c.period); !c.is(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// Another tenant has none of its series.
	if _, err := books.Statement(t.Context(), Asker{Identity: newTenant(t, db, "bolt")}, "invoice", nil); err != nil {
		t.Errorf("bolt's own series: %v", err)
	}
}

// A check that cannot fail is none.
func TestAStatementThatIsNoPartitionIsRefused(t *testing.T) {
	t.Parallel()
	of := func(ranges ...counter.Range) accounts.Numbers {
		return accounts.Numbers{Count: accounts.Total(ranges), Ranges: ranges}
	}
	whole := func() Statement {
		return Statement{
			First: 1, Mark: 10, Issued: of(counter.Range{First: 1, Last: 4}, counter.Range{First: 6, Last: 7}),
			Void: StatedVoid{of(counter.Range{First: 5, Last: 5}), []StatedReason{{"seek", of(counter.Range{First: 5, Last: 5})}}},
			Held: StatedHeld{Numbers: of(counter.Range{First: 8, Last: 9})}, Free: of(counter.Range{First: 10, Last: 10}),
		}
	}
	if err := whole().Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Statement){
		"a number left out": func(s *Statement) { s.Free = of() },
		"a number twice":    func(s *Statement) { s.Free = of(counter.Range{First: 9, Last: 10}) },
		"a number above":    func(s *Statement) { s.Free = of(counter.Range{First: 10, Last: 11}) },
		"a number below":    func(s *Statement) { s.First = 2 },
		"a count too high":  func(s *Statement) { s.Issued.Count++ },
		"ranges that touch": func(s *Statement) {
			s.Held.Numbers = of(counter.Range{First: 8, Last: 8}, counter.Range{First: 9, Last: 9})
		},
		"ranges out of order":    func(s *Statement) { s.Issued = of(counter.Range{First: 6, Last: 7}, counter.Range{First: 1, Last: 4}) },
		"an empty range":         func(s *Statement) { s.Free.Ranges = append(s.Free.Ranges, counter.Range{First: 12, Last: 11}) },
		"a void without reason":  func(s *Statement) { s.Void.Reasons = nil },
		"a void of two reasons":  func(s *Statement) { s.Void.Reasons = append(s.Void.Reasons, s.Void.Reasons[0]) },
		"a reason of no void":    func(s *Statement) { s.Void.Reasons[0].Numbers = of(counter.Range{First: 4, Last: 5}) },
		"numbers without a mark": func(s *Statement) { s.Mark = 0 },
	} {
		s := whole()
		if change(&s); s.Check() == nil {
			t.Errorf("%s: taken for whole", name)
		}
	}
}
