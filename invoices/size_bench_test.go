package invoices

import (
	"fmt"
	"testing"
	"time"

	"folio/counter/countertest"
	"folio/invoices/document"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// What an invoice of two lines takes on disk and in the log of Postgres: written by
// the program to one busy series; and its row, copied to documents of tenants that
// have some already, right after a checkpoint: each page of an index that is touched
// for the first time is logged whole. Run it with -benchtime 5000x.
func BenchmarkWhatAnInvoiceTakes(b *testing.B) {
	b.Run("busy series", func(b *testing.B) {
		db := migrated(b)
		who := newTenant(b, db, "acme")
		logged := logOf(b, db)
		issueTwoLines(b, db, who, b.N)
		b.ReportMetric(float64(logged())/float64(b.N), "log-B/invoice")
		b.ReportMetric(ask[float64](b, db, `select pg_table_size('documents')`)/float64(b.N), "table-B/invoice")
		b.ReportMetric(ask[float64](b, db, `select pg_indexes_size('documents')`)/float64(b.N), "indexes-B/invoice")
	})
	for _, c := range []struct {
		name     string
		tenants  func(n int) int
		identify string
	}{
		{"many tenants", func(n int) int { return n }, "gen_random_uuid()"},
		{"few tenants, random request ids", func(n int) int { return n / 50 }, "gen_random_uuid()"},
		{"few tenants, request ids in order", func(n int) int { return n / 50 }, "to_char(n, 'FM0000000000') || left(cast(gen_random_uuid() as text), 26)"},
	} {
		b.Run(c.name, func(b *testing.B) {
			db, err := Open(DBConfig{URL: databaseFor(b) + "&statement_timeout=0", Silence: 10 * time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { db.Close() })
			issueTwoLines(b, db, newTenant(b, db, "acme"), 1)
			before := 100 * b.N // invoices that are there
			copies := func(from, to int) {
				db.exec(b, `
					insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
						currency, net, tax, gross, printed_number, content, kind, holder, block_serial, block_first, block_last, block_at)
					select 'tenant-' || hashint4(n % $3), series, period, n, status, created_at, 's:' || `+c.identify+`, digest, key_id, issue_date,
						currency, net, tax, gross, 'INV-2026-' || to_char(n, 'FM0000000000'), content, kind, holder, block_serial, block_first, block_last, block_at
					from documents cross join generate_series(cast($1 as int), cast($2 as int)) n where tenant = 'acme'
					order by random()`, from, to, max(1, c.tenants(b.N)))
			}
			copies(1, before)
			db.exec(b, `checkpoint`)
			logged := logOf(b, db)
			copies(before+1, before+b.N)
			b.ReportMetric(float64(logged())/float64(b.N), "log-B/invoice")
		})
	}
}

// logOf returns what tells how much was logged since.
func logOf(b *testing.B, db *DB) func() int64 {
	from := ask[string](b, db, `select cast(pg_current_wal_insert_lsn() as text)`)
	return func() int64 {
		return ask[int64](b, db, `select cast(pg_current_wal_insert_lsn() - cast($1 as pg_lsn) as bigint)`, from)
	}
}

func issueTwoLines(b *testing.B, db *DB, who Identity, count int) {
	r := newReplica(b, db, &countertest.Mem{})
	defer r.stop()
	var all errgroup.Group
	all.SetLimit(256)
	for i := range count {
		all.Go(func() error {
			req := request(who, uuid.NewString(), fmt.Sprint(i))
			req.Draft.Lines = append(req.Draft.Lines, document.Line{
				Description: "Travel", Quantity: "1", UnitPrice: "120.00", Tax: req.Draft.Lines[0].Tax,
			})
			_, err := r.Issue(b.Context(), req)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
}
