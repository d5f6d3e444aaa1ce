package countertest

import (
	"context"
	"encoding/json"
	"fmt"

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
