package accounts_test

import (
	"errors"
	"strings"
	"testing"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var series = counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}

func r(first, last int64) counter.Range { return counter.Range{First: first, Last: last} }

// goodBooks are 20 numbers of all four kinds.
func goodBooks() accounts.Books {
	return accounts.Books{
		Series: series,
		Ledger: counter.Ledger{
			Mark: 20, Serial: 3,
			Held: []counter.Block{{Serial: 3, Range: r(15, 20), Holder: "h"}},
			Free: []counter.FreeRange{{Range: r(5, 6)}, {Range: r(10, 10)}},
		},
		Rows: accounts.Rows{
			Covered: []counter.Range{r(1, 4), r(7, 9), r(11, 14), r(16, 16)}, Exact: true,
			Voids: []accounts.Reason{reason("seek", r(11, 11)), reason("operator", r(2, 3), r(8, 8))},
		},
	}
}

func reason(name string, ranges ...counter.Range) accounts.Reason {
	return accounts.Reason{Reason: name, Numbers: numbers(ranges...)}
}

func numbers(ranges ...counter.Range) accounts.Numbers {
	return accounts.Numbers{Count: accounts.Total(ranges), Ranges: ranges}
}

func TestGoodBooksAreAccountedForExactly(t *testing.T) {
	t.Parallel()
	b := goodBooks()
	want := accounts.Account{
		Series: series, First: 1, Mark: 20,
		Issued: numbers(r(1, 1), r(4, 4), r(7, 7), r(9, 9), r(12, 14), r(16, 16)),
		Void: accounts.Void{
			Numbers: numbers(r(2, 3), r(8, 8), r(11, 11)),
			Reasons: []accounts.Reason{reason("operator", r(2, 3), r(8, 8)), reason("seek", r(11, 11))},
		},
		Held: accounts.Held{
			Numbers: numbers(r(15, 15), r(17, 20)),
			Blocks:  []accounts.Block{{Block: b.Ledger.Held[0], Numbers: numbers(r(15, 15), r(17, 20))}},
		},
		Free: numbers(r(5, 6), r(10, 10)),
	}
	got := accounts.Of(b)
	if diff := cmp.Diff(want, got); diff != "" || !got.Clean() || got.Sum() != 20 {
		t.Errorf("sum %d, want (-) got (+):\n%s", got.Sum(), diff)
	}
	never := accounts.Of(accounts.Books{Series: series, Absent: true})
	if !never.Clean() || never.Sum() != 0 || never.First != 1 || never.Mark != 0 {
		t.Errorf("a series never used: %+v", never)
	}
}

func TestAnAccountThatOnlyCountsCountsTheSame(t *testing.T) {
	t.Parallel()
	b := goodBooks()
	b.Rows.Exact, b.Rows.Voids, b.Rows.Void = false, nil, 4
	got := accounts.Of(b)
	if got.Issued.Count != 8 || got.Void.Count != 4 || got.Held.Count != 5 || got.Free.Count != 3 || got.Issued.Ranges != nil || got.Sum() != 20 {
		t.Errorf("%+v", got)
	}
}

func TestAccountingBeginsAtTheFirstNumber(t *testing.T) {
	t.Parallel()
	got := accounts.Of(accounts.Books{
		Series: series, Ledger: counter.Ledger{First: 101, Mark: 103, Serial: 1},
		Rows: accounts.Rows{Covered: []counter.Range{r(101, 103)}},
	})
	if !got.Clean() || got.First != 101 || got.Issued.Count != 3 || got.Sum() != 3 {
		t.Errorf("%+v", got)
	}
}

// Each of these books is broken in one place, which the account must name.
func TestBrokenBooksAreFound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		break_ func(*accounts.Books)
		kind   accounts.Kind
		ranges []counter.Range
		text   string
	}{
		{"a row is gone", func(b *accounts.Books) { b.Rows.Covered = b.Rows.Covered[1:] }, accounts.Unaccounted, []counter.Range{r(1, 4)}, "1-4"},
		{"a void is gone", func(b *accounts.Books) { b.Rows.Covered[2].First = 12 }, accounts.Unaccounted, []counter.Range{r(11, 11)}, "11"},
		{"a block is gone", func(b *accounts.Books) { b.Ledger.Held = nil }, accounts.Unaccounted, []counter.Range{r(15, 15), r(17, 20)}, "15, 17-20"},
		{"a free range is gone", func(b *accounts.Books) { b.Ledger.Free = b.Ledger.Free[1:] }, accounts.Unaccounted, []counter.Range{r(5, 6)}, "5-6"},
		{"the mark jumped", func(b *accounts.Books) { b.Ledger.Mark = 22 }, accounts.Unaccounted, []counter.Range{r(21, 22)}, "21-22"},
		{"the mark went back", func(b *accounts.Books) { b.Ledger = counter.Ledger{Mark: 12, Serial: 3, Free: b.Ledger.Free} }, accounts.LedgerBehind, []counter.Range{r(13, 14), r(16, 16)}, "above the mark 12, where no number was ever reserved: 13-14, 16"},
		{"a strict counter went back", func(b *accounts.Books) {
			b.Strict, b.Ledger, b.Rows.Covered = true, counter.Ledger{Mark: 12}, []counter.Range{r(1, 14)}
		}, accounts.StrictBehind, []counter.Range{r(13, 14)}, "13-14"},
		{"a block and a free range overlap", func(b *accounts.Books) { b.Ledger.Free[1].Last = 15 }, accounts.LedgerDamaged, nil, "overlaps"},
		{"two blocks bear one serial", func(b *accounts.Books) {
			b.Ledger.Held = []counter.Block{{Serial: 3, Range: r(15, 16), Holder: "h"}, {Serial: 3, Range: r(17, 20), Holder: "h"}}
		}, accounts.LedgerDamaged, nil, "serial 3"},
		{"a row lies below the first number", func(b *accounts.Books) { b.Ledger.First = 2 }, accounts.BelowFirst, []counter.Range{r(1, 1)}, "below 2, the first number of the series: 1"},
		{"the ledger is gone", func(b *accounts.Books) { b.Ledger, b.Absent = counter.Ledger{}, true }, accounts.LedgerMissing, []counter.Range{r(1, 4), r(7, 9), r(11, 14), r(16, 16)}, "no ledger"},
		{"the ledger is no ledger", func(b *accounts.Books) { b.Ledger, b.Damage = counter.Ledger{}, errors.New("abc") }, accounts.LedgerDamaged, nil, "abc"},
	} {
		b := goodBooks()
		row.break_(&b)
		got := accounts.Of(b)
		if len(got.Findings) != 1 {
			t.Errorf("%s: findings %+v, want one", row.name, got.Findings)
			continue
		}
		f := got.Findings[0]
		if f.Kind != row.kind || f.Series != series || !cmp.Equal(f.Ranges, row.ranges) || !strings.Contains(f.Text, row.text) || got.Clean() {
			t.Errorf("%s: %+v, want %s of %v with %q", row.name, f, row.kind, row.ranges, row.text)
		}
		if want := b.Ledger.Range().Len(); b.Damage == nil && got.Sum() != want {
			t.Errorf("%s: the sum is %d, want %d", row.name, got.Sum(), want)
		}
	}
}

// Against a count number by number; a number may be of several kinds at once.
func TestAccountingAgreesWithLookingAtEachNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int64Range(1, 4).Draw(t, "first")
		mark := first - 1 + rapid.Int64Range(0, 12).Draw(t, "numbers")
		b := accounts.Books{Series: series, Ledger: counter.Ledger{First: first, Mark: mark, Serial: 99}}
		const issued, void, held, free = 1, 2, 4, 8
		want := make(map[int64]int)
		var voids []counter.Range
		for n := first; n <= mark; n++ {
			kinds := rapid.SampledFrom([]int{0, issued, void, held, free, issued | held, void | free, held | free, issued | held | free}).Draw(t, "kinds")
			one := r(n, n)
			if kinds&free != 0 {
				b.Ledger.Free, want[n] = append(b.Ledger.Free, counter.FreeRange{Range: one}), free
			}
			if kinds&held != 0 {
				b.Ledger.Held, want[n] = append(b.Ledger.Held, counter.Block{Serial: n, Range: one, Holder: "h"}), held
			}
			if kinds&void != 0 {
				voids, want[n] = append(voids, one), void
			}
			if kinds&issued != 0 {
				want[n] = issued
			}
			if kinds&(issued|void) != 0 {
				b.Rows.Covered = append(b.Rows.Covered, one)
			}
		}
		b.Rows.Covered = accounts.Merged(b.Rows.Covered)
		b.Rows.Exact, b.Rows.Voids = true, []accounts.Reason{{Reason: "test", Numbers: accounts.Numbers{Ranges: accounts.Merged(voids)}}}
		got := accounts.Of(b)
		if got.Sum() != mark-first+1 {
			t.Fatalf("%+v does not add up", got)
		}
		for kind, of := range map[int]accounts.Numbers{issued: got.Issued, void: got.Void.Numbers, held: got.Held.Numbers, free: got.Free, 0: got.Unaccounted} {
			if of.Count != accounts.Total(of.Ranges) {
				t.Fatalf("%d of %v", of.Count, of.Ranges)
			}
			for _, rg := range of.Ranges {
				for n := rg.First; n <= rg.Last; n++ {
					if want[n] != kind {
						t.Fatalf("%d is said to be of kind %d, it is of %d", n, kind, want[n])
					}
				}
			}
		}
	})
}
