package invoices

import (
	"errors"
	"testing"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

func TestARaisedEpochRefusesAllHoldersAndVoidsTheirBlocks(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustIssue(t, request(who, "one", "n"))
	was := r.numbers.Holder()
	before, err := db.Era(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := raiseEpoch(t, db)
	if same, err := mayTouch(before, after); same || err != nil {
		t.Fatalf("%s to %s: same %v, %v", before, after, same, err)
	}

	got := r.mustIssue(t, request(who, "two", "n"))
	if got.Invoice.Number == 2 {
		t.Error("a number of the earlier era was given")
	}
	if now := r.numbers.Holder(); now == was {
		t.Errorf("%s goes on in the new era", now)
	}
	eventually(t, "the block of the earlier era is settled", func() bool {
		return ask[int](t, db, `select count(*) from documents where status = 'void' and reason = 'restore' and holder = $1`, was) == 1
	})
	mustBeClean(t, db, store)
}

func TestAHolderOfAnEarlierEraStoresNothing(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	enrolled(t, db, "h")
	db.exec(t, `update restores set epoch = epoch + 1`)
	batchInFlight(t, db, insertBatch, "h", testSeries, 1)()
	if n := ask[int](t, db, `select count(*) from documents`); n != 0 {
		t.Errorf("%d documents", n)
	}
}

func TestABlockOfALaterOrAnotherEraIsNotTouched(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	e, err := parseEra(enrolled(t, db, "h"))
	if err != nil {
		t.Fatal(err)
	}
	later, elsewhere := e, e
	later.timeline++
	elsewhere.system++
	for name, era := range map[string]string{"later": later.String(), "another system": elsewhere.String(), "none": ""} {
		b := counter.Block{Serial: 1, Range: counter.Range{First: 1, Last: 3}, Holder: "h", Era: era}
		if free, err := (&Owner{DB: db}).Settle(t.Context(), testSeries, b); !errors.Is(err, errStale) {
			t.Errorf("%s: freed %v, %v; want errStale", name, free, err)
		}
	}
	if ask[bool](t, db, `select fenced_at is not null from holders where holder = 'h'`) {
		t.Error("the holder was fenced by a stale server")
	}
}

func TestASeriesMayVoidWhatADeadHolderLeft(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	s := seriesOf("acme", "strict", "S-{seq:3}", "void")
	if err := db.CreateSeries(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	series := counter.Series{Tenant: "acme", Name: "strict"}
	b := heldBlock(t, db, "h", 5, 9)
	batchInFlight(t, db, insertBatch, "h", series, 7)()
	for range 2 { // settled twice, it changes nothing
		free, err := (&Owner{DB: db}).Settle(t.Context(), series, b)
		if err != nil || free != nil {
			t.Fatalf("freed %v, %v", free, err)
		}
	}
	if got, want := statusesOf(t, db, series), "5-6 void, 7 issued, 8-9 void"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if n := ask[int](t, db, `select count(*) from documents where reason = 'replica_lost' and holder = 'h' and block_serial = 1 and block_first = 5 and block_last = 9`); n != 4 {
		t.Errorf("%d voids name their block, want 4", n)
	}
}

func TestAHolderWithoutARowCountsAsFenced(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	era := enrolled(t, db, "other")
	batchInFlight(t, db, insertBatch, "ghost", testSeries, 2)()
	if n := ask[int](t, db, `select count(*) from documents`); n != 0 {
		t.Fatal("a holder that never enrolled wrote")
	}
	b := counter.Block{Serial: 1, Range: counter.Range{First: 1, Last: 3}, Holder: "ghost", Era: era}
	free, err := (&Owner{DB: db}).Settle(t.Context(), testSeries, b)
	if err != nil || !cmp.Equal(free, []counter.Range{b.Range}) {
		t.Fatalf("freed %v, %v", free, err)
	}
	if _, err := (&Owner{DB: db}).Enroll(t.Context(), "ghost"); err == nil {
		t.Error("a fenced holder enrolled")
	}
}

func TestAHolderOfAnotherEraIsNotEnrolledAgain(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	enrolled(t, db, "h")
	enrolled(t, db, "h") // executed twice it changes nothing
	db.exec(t, `update restores set epoch = epoch + 1`)
	if _, err := (&Owner{DB: db}).Enroll(t.Context(), "h"); err == nil {
		t.Error("enrolled in two eras")
	}
}
