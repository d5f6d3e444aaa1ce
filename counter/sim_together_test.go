package counter_test

import (
	"context"

	"folio/counter"
)

// LoadMany implements counter.BulkLoader.
func (l *link) LoadMany(ctx context.Context, all []counter.Series) ([]counter.Loaded, error) {
	if err := l.gate(); err != nil {
		return nil, err
	}
	return l.w.mem.LoadMany(ctx, all)
}

// SwapMany implements counter.BulkSwapper.
func (l *link) SwapMany(ctx context.Context, holder string, all []counter.Replacement) error {
	if err := l.gate(); err != nil {
		return err
	}
	err := l.w.mem.SwapMany(ctx, holder, all)
	for _, r := range all {
		l.w.history.noteLedger(r.Series, l.w.mem.Text(r.Series), "after a swap of %d ledgers by %s: %v", len(all), l.pod, err)
	}
	if err == nil {
		l.w.total.together.Add(int64(len(all)))
	}
	return err
}
