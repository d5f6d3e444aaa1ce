package invoices

import (
	"fmt"
	"sync/atomic"
	"testing"

	"folio/counter/countertest"
)

// One hot tenant on one replica; with is how the client identifies its request.
func BenchmarkIssue(b *testing.B) {
	for _, with := range []string{"no key", "a key"} {
		b.Run(with, func(b *testing.B) {
			db := migrated(b)
			who := newTenant(b, db, "acme")
			r := newReplica(b, db, &countertest.Mem{})
			b.SetParallelism(75)
			var ids atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := ""
					if with == "a key" {
						id = fmt.Sprint(ids.Add(1))
					}
					if _, err := r.Issue(b.Context(), request(who, id, "n")); err != nil {
						b.Error(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "invoices/s")
		})
	}
}
