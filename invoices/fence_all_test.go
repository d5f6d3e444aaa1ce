package invoices

import "testing"

func TestFencingEveryHolderWaitsForABatchInFlightAndBeginsNoEra(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	before, err := db.Era(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := heldBlock(t, db, "h", 1, 3)
	enrolled(t, db, "other")
	commit := batchInFlight(t, db, insertBatch, "h", testSeries, 2)
	fenced := make(chan int64, 1)
	go func() {
		n, err := db.FenceAll(t.Context())
		if err != nil {
			t.Error(err)
		}
		fenced <- n
	}()
	eventually(t, "the fence waits", func() bool { return waitingForLock(t, db) == 1 })
	commit()
	if n := <-fenced; n != 2 {
		t.Errorf("%d holders were fenced, want 2", n)
	}
	if n, err := db.FenceAll(t.Context()); n != 0 || err != nil {
		t.Errorf("again %d were fenced, %v; want none", n, err)
	}
	if after, err := db.Era(t.Context()); after != before || err != nil {
		t.Errorf("the era is %s, was %s, %v", after, before, err)
	}
	if got := ask[int](t, db, `select count(*) from documents`); got != 1 {
		t.Errorf("%d rows; the batch in flight stores 1", got)
	}
	commit = batchInFlight(t, db, insertBatch, "h", testSeries, 3)
	commit()
	if got := ask[int](t, db, `select count(*) from documents`); got != 1 {
		t.Errorf("%d rows: a fenced holder stored one", got)
	}
	// The era is the same, so what it held is free, not void.
	free, err := (&Owner{DB: db}).Settle(t.Context(), testSeries, b)
	if err != nil || len(free) != 2 {
		t.Errorf("free are %v, %v; want 1 and 3", free, err)
	}
}
