package invoices

import (
	"fmt"
	"sync/atomic"
	"testing"

	"folio/counter/countertest"
)

// One hot tenant on one replica; with is how the client identifies its request.
func BenchmarkIssue(b *testing.B) {
	for _, with := range []string{"no key", "a key", "a strict series"} {
		b.Run(with, func(b *testing.B) {
			db := migrated(b)
			who := newTenant(b, db, "acme")
			r := newReplica(b, db, &countertest.Mem{})
			series := "invoice"
			if with == "a strict series" {
				series = strictSeriesFor(b, db, who, "gapless").Name
			}
			b.SetParallelism(75)
			var ids atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := ""
					if with == "a key" {
						id = fmt.Sprint(ids.Add(1))
					}
					if _, err := r.Issue(b.Context(), strictRequest(who, series, id, "n")); err != nil {
						b.Error(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "invoices/s")
		})
	}
}

// What the wall costs a read: an invoice by its id, and a page of twenty, for a
// tenant with 20,000 documents beside another; and the same statements as one
// sent them without roles, alone and by the owner.
func BenchmarkRead(b *testing.B) {
	db := migrated(b)
	for _, name := range []string{"acme", "globex"} {
		newTenant(b, db, name)
		db.exec(b, `
			insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
				currency, net, tax, gross, printed_number, content)
			select $1, 'invoice', '2026', n, 'issued', now(), 's:' || n, '\x00', 'k', '2026-03-14', 'EUR', 1, 0, 1, 'INV-' || n,
				'{"currency":"EUR","customer":{"name":"Ada"},"lines":[],"totals":{"net":"1.00","tax":"0.00","gross":"1.00","taxes":[]}}'
			from generate_series(1, 20000) n`, name)
	}
	db.exec(b, `analyze documents`)
	id := key{Series: testSeries, Number: 12_345}.encode(idPrefix)
	for _, who := range []string{"reader", "owner"} {
		b.Run("invoice by "+who, func(b *testing.B) {
			readBy(b, who, func() error { _, err := db.Invoice(b.Context(), "acme", id); return err }, func() error {
				var s shown
				return db.rest.GetContext(b.Context(), &s, invoiceByKey, "acme", "invoice", "2026", 12_345)
			})
		})
		b.Run("page by "+who, func(b *testing.B) {
			q := Query{Series: "invoice", Limit: 20}
			readBy(b, who, func() error { _, err := db.List(b.Context(), "acme", q); return err }, func() error {
				var rows []shown
				query, args := q.sql("acme", key{})
				if err := db.rest.SelectContext(b.Context(), &rows, query, args...); err != nil {
					return err
				}
				_, err := page(rows, q.Limit)
				return err
			})
		})
	}
}

func readBy(b *testing.B, who string, reader, owner func() error) {
	do := reader
	if who == "owner" {
		do = owner
	}
	for b.Loop() {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
}
