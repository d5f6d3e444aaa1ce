package invoices

import (
	"strings"
	"testing"
)

func TestPartsThatFillSeveralPagesAreExportedLineByLine(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	const count = 2*partsAtOnce + 1
	for part, insert := range map[string]string{
		"draft": `insert into drafts (tenant, draft_id, version, content, created_at, updated_at)
			select 'acme', 'dft_' || n, 1, '{}', now(), now() from generate_series(1, $1) n`,
		"account": `insert into credits (tenant, series, period, number, gross)
			select 'acme', 'invoice', '202' || n % 2, n, 1 from generate_series(1, $1) n`,
		"credited": `insert into credit_notes (tenant, invoice_series, invoice_period, invoice_number, place, series, period, number, lines, totals)
			select 'acme', 'invoice', '2026', (n + 1) / 2, 1 + n % 2, 'credit-note', '2026', n, '[]', '{}' from generate_series(1, $1) n`,
	} {
		db.exec(t, insert, count)
		lines := make(map[string]bool)
		for _, line := range exported(t, db, "acme") {
			if strings.HasPrefix(line, `{"type":"`+part+`"`) {
				if lines[line] {
					t.Fatalf("exported twice: %s", line)
				}
				lines[line] = true
			}
		}
		if len(lines) != count {
			t.Errorf("%d lines of part %s, want %d", len(lines), part, count)
		}
	}
}
