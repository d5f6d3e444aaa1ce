package invoices

import (
	"strings"
	"testing"

	"folio/counter"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func r(first, last int64) counter.Range { return counter.Range{First: first, Last: last} }

func goodBooks() (counter.Ledger, []run) {
	return counter.Ledger{
		Mark: 20, Serial: 3,
		Held: []counter.Block{{Serial: 3, Range: r(15, 20), Holder: "h"}},
		Free: []counter.FreeRange{{Range: r(5, 6)}, {Range: r(10, 10)}},
	}, []run{{r(1, 4), statusIssued}, {r(7, 9), statusIssued}, {r(11, 11), statusVoid}, {r(12, 14), statusIssued}, {r(16, 16), statusIssued}}
}

func TestGoodBooksAreAccountedFor(t *testing.T) {
	t.Parallel()
	l, runs := goodBooks()
	want := Account{Series: testSeries, Mark: 20, Issued: 11, Void: 1, Held: 5, Free: 3}
	if diff := cmp.Diff(want, classify(testSeries, l, runs)); diff != "" {
		t.Errorf("want (-) got (+):\n%s", diff)
	}
	if got := classify(testSeries, counter.Ledger{}, nil); !got.Clean() {
		t.Errorf("a series never used: %+v", got)
	}
}

func TestAccountingBeginsAtTheFirstNumber(t *testing.T) {
	t.Parallel()
	l := counter.Ledger{First: 101, Mark: 103, Serial: 1}
	want := Account{Series: testSeries, Mark: 103, Issued: 3}
	if diff := cmp.Diff(want, classify(testSeries, l, []run{{r(101, 103), statusIssued}})); diff != "" {
		t.Errorf("want (-) got (+):\n%s", diff)
	}
}

// Each of these books is broken in one place, which the audit must name.
func TestBrokenBooksAreFound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		break_  func(*counter.Ledger, *[]run)
		missing []counter.Range
		finding string
	}{
		{"a row is gone", func(_ *counter.Ledger, runs *[]run) { *runs = (*runs)[1:] }, []counter.Range{r(1, 4)}, ""},
		{"a void is gone", func(_ *counter.Ledger, runs *[]run) { *runs = append((*runs)[:2:2], (*runs)[3:]...) }, []counter.Range{r(11, 11)}, ""},
		{"a block is gone", func(l *counter.Ledger, _ *[]run) { l.Held = nil }, []counter.Range{r(15, 15), r(17, 20)}, ""},
		{"a free range is gone", func(l *counter.Ledger, _ *[]run) { l.Free = l.Free[1:] }, []counter.Range{r(5, 6)}, ""},
		{"the mark jumped", func(l *counter.Ledger, _ *[]run) { l.Mark = 22 }, []counter.Range{r(21, 22)}, ""},
		{"the mark went back", func(l *counter.Ledger, _ *[]run) { *l = counter.Ledger{Mark: 12, Serial: 3, Free: l.Free} }, nil, "documents above the mark 12, where no number was ever reserved: 13-14, 16"},
		{"a block and a free range overlap", func(l *counter.Ledger, _ *[]run) { l.Free[1].Last = 15 }, nil, "overlaps"},
		{"two blocks bear one serial", func(l *counter.Ledger, _ *[]run) {
			l.Held = []counter.Block{{Serial: 3, Range: r(15, 16), Holder: "h"}, {Serial: 3, Range: r(17, 20), Holder: "h"}}
		}, nil, "serial 3"},
		{"a row lies below the first number", func(l *counter.Ledger, runs *[]run) { l.First = 2; (*runs)[0].Last = 4 }, nil, "documents below 2, the first number of the series: 1"},
		{"the ledger is gone", func(l *counter.Ledger, _ *[]run) { *l = counter.Ledger{} }, nil, "documents above the mark 0"},
	} {
		l, runs := goodBooks()
		row.break_(&l, &runs)
		got := classify(testSeries, l, runs)
		if !cmp.Equal(got.Missing, row.missing) || !strings.Contains(strings.Join(got.Findings, "\n"), row.finding) || got.Clean() {
			t.Errorf("%s: missing %v, findings %q; want %v, %q", row.name, got.Missing, got.Findings, row.missing, row.finding)
		}
	}
}

// Against a count number by number.
func TestClassifyingAgreesWithCountingOneByOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		mark := rapid.Int64Range(0, 12).Draw(t, "mark")
		state := rapid.SliceOfN(rapid.IntRange(0, 4), int(mark), int(mark)).Draw(t, "state")
		l := counter.Ledger{Mark: mark, Serial: 1}
		var runs []run
		want := Account{Series: testSeries, Mark: mark}
		var missing int64
		for i, kind := range state {
			one := r(int64(i+1), int64(i+1))
			switch kind {
			case 0:
				runs, want.Issued = append(runs, run{one, statusIssued}), want.Issued+1
			case 1:
				runs, want.Void = append(runs, run{one, statusVoid}), want.Void+1
			case 2:
				l.Held, want.Held = append(l.Held, counter.Block{Serial: 1, Range: one, Holder: "h"}), want.Held+1
			case 3:
				l.Free, want.Free = append(l.Free, counter.FreeRange{Range: one}), want.Free+1
			default:
				missing++
			}
		}
		got := classify(testSeries, l, runs)
		if total(got.Missing) != missing || got.Issued != want.Issued || got.Void != want.Void || got.Held != want.Held || got.Free != want.Free {
			t.Fatalf("got %+v, want %+v and %d missing", got, want, missing)
		}
		for _, m := range got.Missing {
			for n := m.First; n <= m.Last; n++ {
				if state[n-1] != 4 {
					t.Fatalf("%d is called missing", n)
				}
			}
		}
	})
}
