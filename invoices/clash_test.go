package invoices

import (
	"context"
	"errors"
	"testing"
	"time"

	"folio/counter/countertest"
)

// TestAPrintedNumberThatIsTakenMakesItsNumberVoid puts a document into another
// series that bears the printed number of the next invoice.
func TestAPrintedNumberThatIsTakenMakesItsNumberVoid(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id,
			issue_date, currency, net, tax, gross, printed_number, content)
		values ('acme', 'old', '', 7, 'issued', now(), 'i:7', '\x00', 'import', '2026-01-01', 'EUR', 1, 0, 1, 'INV-2026-000001', '{}')`)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := r.Issue(ctx, request(who, "one", "n")); !errors.Is(err, ErrPrintedClash) {
		t.Fatalf("got %v, want ErrPrintedClash", err)
	}
	if got := ask[string](t, db, `select reason from documents where series = 'invoice' and number = 1`); got != reasonPrintedClash {
		t.Errorf("number 1 is void for %q", got)
	}
	if got := r.mustIssue(t, request(who, "two", "n")); got.Invoice.Number != 2 {
		t.Errorf("the next is number %d, want 2", got.Invoice.Number)
	}
}
