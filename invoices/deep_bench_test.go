package invoices

import (
	"testing"
)

// generate stores count invoices as folio would have, each of three lines, under
// one holder.
func generate(t testing.TB, db *DB, tenant string, count int) {
	t.Helper()
	const insert = `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
			currency, net, tax, gross, printed_number, content, holder, block_serial, block_first, block_last)
		select $1, 'invoice', '2026', n, 'issued', now(), 'c:order-' || n, sha256(cast(cast(n as text) as bytea)), 'key_0123456789', '2026-03-14', 'EUR',
			n * 2 + 100, round(n * 2 * 0.2 + 20, 2), n * 2 + 100 + round(n * 2 * 0.2 + 20, 2), 'INV-2026-' || lpad(cast(n as text), 6, '0'),
			cast('{"series":"invoice","issue_date":"2026-03-14","due_date":"2026-04-14","currency":"EUR","customer":{"name":"Customer ' || n ||
				' Ltd","email":"accounts@customer.example","tax_id":"ATU12345678","address":{"street":"Ring 1","locality":"Wien","postal_code":"1010","country":"AT"}},' ||
				'"lines":[{"description":"Consulting in March","quantity":"2","unit":"h","unit_price":"' || n || '.00","tax":{"category":"S","rate":"20"}},' ||
				'{"description":"Hosting","quantity":"1","unit_price":"60.00","tax":{"category":"S","rate":"20"}},' ||
				'{"description":"Support","quantity":"4","unit_price":"10.00","tax":{"category":"S","rate":"20"}}],' ||
				'"note":"Thank you for your business.","totals":{"net":"' || n * 2 + 100 || '.00","tax":"' || round(n * 2 * 0.2 + 20, 2) ||
				'","gross":"' || n * 2 + 100 + round(n * 2 * 0.2 + 20, 2) || '","taxes":[{"category":"S","rate":"20","base":"' || n * 2 + 100 || '.00","amount":"' || round(n * 2 * 0.2 + 20, 2) || '"}]}}' as json),
			'holder', (n + 999) / 1000, (n - 1) / 1000 * 1000 + 1, (n - 1) / 1000 * 1000 + 1000
		from generate_series(cast($2 as bigint), cast($3 as bigint)) n`
	for from := 1; from <= count; from += 50_000 {
		db.exec(t, insert, tenant, from, min(from+49_999, count))
	}
	db.exec(t, `analyze documents`)
}

// What a document costs the check of its content, of three lines.
func BenchmarkDeepAudit(b *testing.B) {
	const count = 100_000
	db := migrated(b)
	generate(b, db, newTenant(b, db, "acme").Tenant, count)
	looked := int64(0)
	for b.Loop() {
		report := mustDeep(b, DeepAudit{DB: db, Full: true})
		if len(report.Findings) > 0 || report.Checked != count {
			b.Fatalf("%+v", report)
		}
		looked += report.Checked
	}
	b.ReportMetric(float64(looked)/b.Elapsed().Seconds(), "documents/s")
}
