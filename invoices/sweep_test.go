package invoices

import (
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// failOver begins an era that is not swept, as a promotion does: for the books the
// one that was swept last is of an earlier timeline.
func failOver(t testing.TB, db *DB) (era string) {
	t.Helper()
	db.exec(t, `update sweeps set era = regexp_replace(era, '[.][0-9A-F]{8}[.]', '.00000000.')`)
	era, err := db.Era(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return era
}

func swept(t testing.TB, db *DB) bool {
	t.Helper()
	return ask[bool](t, db, `select exists (select from sweeps where era = current_era())`)
}

func sweep(t testing.TB, w *Sweeper) {
	t.Helper()
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// heldIn is a ledger whose numbers up to mark are finished, but for a block and a
// free range.
func heldIn(era string, mark int64) string {
	return strings.NewReplacer("ERA", era, "MARK", strconv.FormatInt(mark, 10)).Replace(
		`{"First":0,"Mark":MARK,"Serial":9,"Held":[{"serial":9,"first":5,"last":6,"holder":"h","era":"ERA","at":"2026-01-01T00:00:00Z"}],"Free":[{"first":8,"last":8,"at":"2026-01-01T00:00:00Z"}]}`)
}

func TestWhatAFailoverLostIsSwept(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	for range 9 {
		r.mustIssue(t, request(who, "", "n"))
	}
	r.stop()
	s := series2026(who)
	lose(t, db, s, 6)
	w := &Sweeper{DB: db, Ledgers: store}
	sweep(t, w)
	if n := ask[int](t, db, `select count(*) from documents where status = 'void'`); n != 0 {
		t.Fatalf("%d void in an era that is swept", n)
	}
	failOver(t, db)
	sweep(t, w)
	if n := ask[int](t, db, `select count(*) from documents where status = 'void' and reason = 'failover' and number between 7 and 9`); n != 3 || !swept(t, db) {
		t.Errorf("%d void, want 3; swept %v", n, swept(t, db))
	}
	mustBeClean(t, db, store)
}

func TestASweepLeavesAloneWhatIsHeldOrFree(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	era := failOver(t, db)
	store.Put(testSeries, heldIn(era, 10))
	sweep(t, &Sweeper{DB: db, Ledgers: store})
	if got := ask[string](t, db, `select string_agg(cast(number as text), ' ' order by number) from documents`); got != "1 2 3 4 7 9 10" {
		t.Errorf("void are %s", got)
	}
	if !swept(t, db) {
		t.Error("the era is not swept")
	}
}

// A block of the earlier era may leave the ledger with numbers whose rows are lost.
func TestASweepCountsOnlyWhenNoBlockOfAnEarlierEraIsLeft(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	was := failOver(t, db)
	raised, err := db.RaiseEpoch(t.Context(), 0)
	if err == nil {
		err = db.Resume(t.Context(), raised, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	store.Put(testSeries, heldIn(was, 10))
	w := &Sweeper{DB: db, Ledgers: store}
	sweep(t, w)
	if swept(t, db) {
		t.Error("swept although a block of an earlier era is left")
	}
	store.Put(testSeries, strings.Replace(heldIn(was, 10), `"Held":[{"serial":9,"first":5,"last":6,"holder":"h","era":"`+was+`","at":"2026-01-01T00:00:00Z"}]`, `"Held":null`, 1))
	sweep(t, w)
	if got := ask[string](t, db, `select string_agg(cast(number as text), ' ' order by number) from documents where reason = 'restore'`); got != "1 2 3 4 5 6 7 9 10" || !swept(t, db) {
		t.Errorf("void are %s, swept %v", got, swept(t, db))
	}
}

// Each of these is left to somebody who knows more, and holds up no other series.
func TestWhatASweepDoesNotTouch(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ ledger, sql string }{
		"a damaged ledger":             {ledger: "{"},
		"a ledger that went back":      {ledger: `{"Mark":3,"Serial":3}`, sql: `insert into documents (tenant, series, period, number, status, created_at, reason) values ('acme', 'invoice', '', 7, 'void', now(), 'test')`},
		"more numbers than a failover": {ledger: `{"Mark":1000001,"Serial":3}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, store := migrated(t), &countertest.Mem{}
			failOver(t, db)
			if row.sql != "" {
				db.exec(t, row.sql)
			}
			before := ask[int](t, db, `select count(*) from documents`)
			s, other := counter.Series{Tenant: "acme", Name: "invoice"}, counter.Series{Tenant: "acme", Name: "other"}
			store.Put(s, row.ledger)
			store.Put(other, `{"Mark":3,"Serial":3}`)
			w := &Sweeper{DB: db, Ledgers: store}
			sweep(t, w)
			sweep(t, w)
			if n := ask[int](t, db, `select count(*) from documents where series = 'invoice'`); n != before {
				t.Errorf("%d rows, want %d", n, before)
			}
			if n := ask[int](t, db, `select count(*) from documents where series = 'other'`); n != 3 || swept(t, db) {
				t.Errorf("%d void of the other series, want 3; swept %v", n, swept(t, db))
			}
		})
	}
}

// An era that ends in the middle of a sweep ends the sweep.
func TestASweepThatIsOvertakenByAnEraVoidsNothing(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	era := failOver(t, db)
	store.Put(testSeries, `{"Mark":3,"Serial":3}`)
	raiseEpoch(t, db)
	w := &Sweeper{DB: db, Ledgers: store, Log: slog.New(slog.DiscardHandler)}
	err := w.sweep(t.Context(), era, reasonFailover)
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 0 {
		t.Errorf("%d void", n)
	}
}

// Sweepers of many replicas at once, while numbers are given, and blocks of dead
// holders settled.
func TestManySweepersUnderLoadVoidNothingThatIsUsed(t *testing.T) {
	t.Parallel()
	url, store := databaseFor(t), &countertest.Mem{}
	db := open(t, url)
	who := newTenant(t, db, "acme")
	var replicas []*replica
	for range 3 {
		replicas = append(replicas, newReplica(t, open(t, url), store))
	}
	var load, sweepers sync.WaitGroup
	stop := make(chan struct{})
	for _, r := range replicas {
		load.Go(func() {
			for range 150 {
				r.mustIssue(t, request(who, "", "n"))
			}
		})
		sweepers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				// An era is swept as often as its row is taken away.
				_, _ = db.rest.ExecContext(t.Context(), `delete from sweeps where era = current_era()`)
				if err := (&Sweeper{DB: r.db, Ledgers: store, Log: slog.New(slog.DiscardHandler)}).Sweep(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	load.Wait()
	close(stop)
	sweepers.Wait()
	for _, r := range replicas {
		r.stop()
	}
	if n := ask[int](t, db, `select count(*) from documents where status = 'issued'`); n != 450 {
		t.Errorf("%d issued, want 450", n)
	}
	if n := ask[int](t, db, `select count(*) from documents where status = 'void'`); n != 0 {
		t.Errorf("%d void: numbers that were in use", n)
	}
	mustBeClean(t, db, store)
}
