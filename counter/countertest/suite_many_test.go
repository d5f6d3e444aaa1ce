package countertest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// bulkMutant is a store that loads and swaps many ledgers, the latter with a fault. What
// HeldBy says is kept by swaps of one only, if index is set.
type bulkMutant struct {
	*mutant
	mem  *countertest.Mem
	many func(m *bulkMutant, ctx context.Context, holder string, all []counter.Replacement) error
}

func (m *bulkMutant) LoadMany(ctx context.Context, all []counter.Series) ([]counter.Loaded, error) {
	return m.mem.LoadMany(ctx, all)
}

func (m *bulkMutant) SwapMany(ctx context.Context, holder string, all []counter.Replacement) error {
	return m.many(m, ctx, holder, all)
}

func soundMany(m *bulkMutant, ctx context.Context, holder string, all []counter.Replacement) error {
	return m.mem.SwapMany(ctx, holder, all)
}

// oneByOne swaps each by itself, and stops at the first that is refused.
func oneByOne(m *bulkMutant, ctx context.Context, holder string, all []counter.Replacement) error {
	for _, r := range all {
		if err := m.mem.Swap(ctx, holder, r.Series, r.Old, r.Next); err != nil {
			return err
		}
	}
	return nil
}

// onlyFirst compares the value of the first alone.
func onlyFirst(m *bulkMutant, ctx context.Context, holder string, all []counter.Replacement) error {
	fresh := append([]counter.Replacement(nil), all...)
	for i := range fresh[1:] {
		_, v, err := m.mem.Load(ctx, fresh[i+1].Series)
		if err != nil {
			return err
		}
		fresh[i+1].Old = v
	}
	return m.mem.SwapMany(ctx, holder, fresh)
}

// allButLast forgets one.
func allButLast(m *bulkMutant, ctx context.Context, holder string, all []counter.Replacement) error {
	return m.mem.SwapMany(ctx, holder, all[:len(all)-1])
}

// anybodyMany swaps for a holder that is.
func anybodyMany(m *bulkMutant, ctx context.Context, _ string, all []counter.Replacement) error {
	if _, err := m.mem.Register(ctx, counter.Holder{Name: "anybody.1"}); err != nil {
		return err
	}
	return m.mem.SwapMany(ctx, "anybody.1", all)
}

// retryingMany believes the answer to the repeat of what may have been applied.
func retryingMany(m *bulkMutant, ctx context.Context, holder string, all []counter.Replacement) error {
	err := m.mem.SwapMany(ctx, holder, all)
	if unknown(err) {
		err = m.mem.SwapMany(ctx, holder, all)
	}
	return err
}

// telling tells every outcome that is not known as what.
func telling(what error) func(*bulkMutant, context.Context, string, []counter.Replacement) error {
	return func(m *bulkMutant, ctx context.Context, holder string, all []counter.Replacement) error {
		if err := m.mem.SwapMany(ctx, holder, all); !unknown(err) {
			return err
		}
		return what
	}
}

func TestTheSuiteObjectsToAStoreThatSwapsManyWrongly(t *testing.T) {
	for name, is := range map[string]struct {
		many  func(*bulkMutant, context.Context, string, []counter.Replacement) error
		index bool
		seeds uint64
		want  string // part of the objection; "": none
	}{
		"nothing: it is sound":                   {many: soundMany, seeds: 2},
		"they are swapped one by one":            {many: oneByOne, want: "others were not"},
		"one by one, where calls get lost":       {many: oneByOne, seeds: seeds, want: "others were not"},
		"the last is forgotten":                  {many: allButLast, want: "others were not"},
		"the index is forgotten":                 {many: soundMany, index: true, want: "holds"},
		"only the first value is compared":       {many: onlyFirst, want: "want the ledger has changed"},
		"the holder need not be registered":      {many: anybodyMany, want: "want the holder is no longer registered"},
		"a lost reply is told as a conflict":     {many: telling(counter.ErrConflict), seeds: seeds, want: `told "the ledger has changed"`},
		"a lost reply is told as a loss":         {many: telling(counter.ErrLost), seeds: seeds, want: "the holder is no longer registered"},
		"a lost reply is told as done":           {many: telling(nil), seeds: seeds, want: "told that the ledgers were replaced, they are not"},
		"the repeat of a lost reply is believed": {many: retryingMany, seeds: seeds, want: `told "the ledger has changed", but the ledgers were replaced`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := countertest.Objection(t, is.seeds, func(t testing.TB, seed uint64) counter.Store {
				mem := lossy(t, seed).(*countertest.Mem)
				return &bulkMutant{mutant: &mutant{Store: mem, index: is.index}, mem: mem, many: is.many}
			})
			if (err == nil) != (is.want == "") || err != nil && !strings.Contains(fmt.Sprint(err), is.want) {
				t.Fatalf("the suite says %v; want %q", err, is.want)
			}
			t.Log(err)
		})
	}
}
