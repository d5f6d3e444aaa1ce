package invoices

import (
	"flag"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"folio/counter/countertest"
	"folio/invoices/accounts"
)

var (
	auditedSeries = flag.Int("audited-series", 20_000, "how many series the audit has whose memory is measured")
	auditHeap     = flag.String("audit-heap", "", "file for a profile of the heap in the middle of that audit")
)

// An audit reads its series a few at a time: what it holds of all of them at once is
// their names. It is not parallel, so that nothing else takes memory meanwhile.
func TestAnAuditHoldsLittleMoreThanTheNamesOfItsSeries(t *testing.T) {
	n := *auditedSeries
	db, err := Open(DBConfig{URL: databaseFor(t) + "&statement_timeout=0", Silence: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
			currency, net, tax, gross, printed_number, content)
		select 'tenant-' || n, 'invoice', '2026', 1, 'issued', now(), 's:' || n, '\x00', 'k', '2026-03-14', 'EUR', 1, 0, 1, 'INV-1', '{}'
		from generate_series(1, cast($1 as int)) n`, n)
	db.exec(t, `analyze documents`)
	before, most, told := lives(), uint64(0), 0
	_, err = (&Audit{DB: db, Ledgers: &countertest.Mem{}}).Run(t.Context(), func(accounts.Account) error {
		if told++; told%(n/10) == n/20 { // in the midst of ten stretches
			most = max(most, lives())
		}
		if *auditHeap != "" && told == n/2 {
			f, err := os.Create(*auditHeap)
			if err != nil {
				return err
			}
			defer f.Close()
			return pprof.WriteHeapProfile(f)
		}
		return nil
	})
	if err != nil || told != n {
		t.Fatalf("%d series: %v", told, err)
	}
	each := (int64(most) - int64(before)) / int64(n)
	t.Logf("%d bytes for each of %d series", each, n)
	const names = 150 // three words, and a tenant's own letters
	if each > names {
		t.Errorf("it holds %d bytes for each series, want %d at most", each, names)
	}
}

// lives is how many bytes of the heap live.
func lives() uint64 {
	runtime.GC()
	runtime.GC() // what pools kept goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
