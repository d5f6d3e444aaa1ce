package invoices

import (
	"testing"

	"folio/counter/countertest"
)

// In binary a []byte is no text: whatever a database URL says, arrays of columns are sent
// as what they are.
func TestADatabaseURLThatAsksForBinaryParametersChangesNothing(t *testing.T) {
	t.Parallel()
	db, store := open(t, databaseFor(t)+"&binary_parameters=yes"), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	r := newReplica(t, db, store)
	for _, series := range []string{"", s.Name} {
		w := wish(who, "numbers of "+series, 3)
		if series != "" {
			w.Series = series
		}
		if got := r.mustTake(t, w); len(got.Numbers) != 3 {
			t.Errorf("series %q: got %v", series, got)
		}
	}
	r.mustIssue(t, request(who, "key", "n"))
	r.mustIssue(t, strictRequest(who, s.Name, "strict key", "n"))
	r.stop()
	mustBeClean(t, db, store)
}
