package invoices

import (
	"context"
	"testing"
)

type meter struct{ told int }

func (m *meter) Observe(float64) { m.told++ }

// What is done of the watch for one request, and for its batch.
func TestWatchingAllocatesNothing(t *testing.T) {
	var m meter
	for name, w := range map[string]*Watch{"nothing": {}, "meters": {Take: &m, Queue: &m, Commit: &m, Rows: &m}} {
		ctx := context.Background()
		entries := []*entry{{}}
		allocated := testing.AllocsPerRun(100, func() {
			w.take(ctx).end(nil)
			entries[0].wait = w.queue(ctx)
			w.batch(entries).end()
			w.done(ctx, entries[0].wait, nil)
		})
		if allocated != 0 {
			t.Errorf("watching with %s allocates %v times", name, allocated)
		}
	}
	if want := 4 * 101; m.told != want {
		t.Errorf("the meters were told %d times, want %d", m.told, want)
	}
}

// What a document costs by being watched, in a batch of its own.
func BenchmarkWatch(b *testing.B) {
	var m meter
	for name, w := range map[string]*Watch{"nothing": {}, "meters": {Take: &m, Queue: &m, Commit: &m, Rows: &m}} {
		b.Run(name, func(b *testing.B) {
			ctx, entries := context.Background(), []*entry{{}}
			b.ReportAllocs()
			for b.Loop() {
				w.take(ctx).end(nil)
				entries[0].wait = w.queue(ctx)
				w.batch(entries).end()
				w.done(ctx, entries[0].wait, nil)
			}
		})
	}
}
