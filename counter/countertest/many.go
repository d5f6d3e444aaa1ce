package countertest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"folio/counter"
)

// LoadMany implements counter.BulkLoader.
func (m *Mem) LoadMany(ctx context.Context, all []counter.Series) (loaded []counter.Loaded, err error) {
	err = m.call(ctx, "LoadMany", counter.Series{}, func() error {
		for _, s := range all {
			k := m.ledgers[s]
			loaded = append(loaded, counter.Loaded{Ledger: k.ledger, Version: counter.Version(k.text), Err: k.err})
		}
		return nil
	})
	return loaded, err
}

// SwapMany implements counter.BulkSwapper.
func (m *Mem) SwapMany(ctx context.Context, holder string, all []counter.Replacement) error {
	next := make(map[counter.Series]kept, len(all))
	for _, r := range all {
		text, err := json.Marshal(r.Next)
		if err != nil {
			return err
		}
		next[r.Series] = kept{text: string(text), ledger: r.Next}
	}
	if len(next) != len(all) || len(all) > counter.MaxSwaps {
		return fmt.Errorf("%d ledgers of %d series in one step", len(all), len(next))
	}
	return m.call(ctx, "SwapMany", counter.Series{}, func() error {
		m.swaps++
		if m.alive[holder] == nil {
			return counter.ErrLost
		}
		for _, r := range all {
			if m.ledgers[r.Series].text != string(r.Old) {
				return counter.ErrConflict
			}
		}
		for s, k := range next {
			m.put(s, k)
		}
		return nil
	})
}

// LoadPage implements counter.PageLoader, two ledgers a page. Its revision counts the
// changes so far.
func (m *Mem) LoadPage(ctx context.Context, selected counter.Selection, from string) (page counter.Page, err error) {
	const most = 2
	err = m.call(ctx, "LoadPage", counter.Series{}, func() error {
		page = counter.Page{Revision: m.revision}
		for s, k := range m.ledgers {
			if selected.Selects(s) && s.String() >= from {
				page.Ledgers = append(page.Ledgers, counter.Listed{
					Series: s, Loaded: counter.Loaded{Ledger: k.ledger, Version: counter.Version(k.text), Err: k.err},
				})
			}
		}
		slices.SortFunc(page.Ledgers, func(a, b counter.Listed) int { return cmp.Compare(a.Series.String(), b.Series.String()) })
		if len(page.Ledgers) > most {
			page.Ledgers, page.Next = page.Ledgers[:most], page.Ledgers[most].Series.String()
		}
		return nil
	})
	return page, err
}
