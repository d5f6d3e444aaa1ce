package invoices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// lose deletes documents, as a restore of Postgres does.
func lose(t testing.TB, db *DB, s counter.Series, above int64) {
	t.Helper()
	db.exec(t, `alter table documents disable trigger user`)
	db.exec(t, `delete from documents where tenant = $1 and series = $2 and period = $3 and number > $4`, s.Tenant, s.Name, s.Period, above)
	db.exec(t, `alter table documents enable trigger user`)
}

// announced runs an announcement to its end, as folio restored does.
func announced(t testing.TB, url string, store counter.Store, told Notes, r Restored) (recovered map[counter.Series]Recovered) {
	t.Helper()
	w := &Witness{Notes: told, Announcing: true}
	r.DB, r.Ledgers = watched(t, url, w), store
	a, err := r.Announce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rep := newReplica(t, r.DB, store)
	defer rep.stop()
	r.Counter = rep.numbers
	recovered = make(map[counter.Series]Recovered)
	r.Progress = func(_, _ int, one Recovered) { recovered[one.Series] = one }
	failed, err := r.Account(t.Context(), a.Era)
	if err != nil || len(failed) > 0 {
		t.Fatalf("%v, failed %+v", err, failed)
	}
	if err := r.DB.Resume(t.Context(), a.Era, true); err != nil {
		t.Fatal(err)
	}
	return recovered
}

func TestNoNumberThatARestoreLostIsGivenAgain(t *testing.T) {
	t.Parallel()
	url, store, told := databaseFor(t), &countertest.Mem{}, &notes{}
	direct := open(t, url)
	who := newTenant(t, direct, "acme")
	w := &Witness{Notes: told}
	db := watched(t, url, w)
	load(t, w)
	r := newReplica(t, db, store)
	for range 9 {
		r.mustIssue(t, request(who, "", "n"))
	}
	s := series2026(who)
	ahead := stand(t, direct)
	ahead.beat++
	told.says(t, ahead)
	w.learn(ahead)
	lose(t, direct, s, 4)

	got := announced(t, url, store, told, Restored{})[s]
	if diff := cmp.Diff([]counter.Range{{First: 5, Last: 9}}, got.Void); diff != "" || got.Mark != 9 {
		t.Errorf("numbers go on above %d, void want (-) got (+):\n%s", got.Mark, diff)
	}
	if noted := told.read(t); noted.epoch != 1 || noted.refuses(stand(t, direct)) != nil {
		t.Errorf("noted is %s", noted)
	}
	if next := r.mustIssue(t, request(who, "next", "n")); next.Invoice.Number <= 9 {
		t.Errorf("the next number is %d, which was given before", next.Invoice.Number)
	}
	if n := ask[int](t, direct, `select count(*) from documents where status = 'void' and reason = 'restore' and number <= 9`); n != 5 {
		t.Errorf("%d void, want 5", n)
	}
	r.stop()
	mustBeClean(t, direct, store)
}

// Both stores went back: the ledgers do not know either what was given.
func TestWhatAWitnessOutsideKnowsIsSkipped(t *testing.T) {
	t.Parallel()
	url, store := databaseFor(t), &countertest.Mem{}
	direct := open(t, url)
	who := newTenant(t, direct, "acme")
	for _, name := range []string{"narrow", "used"} {
		s := seriesOf("acme", name, strings.ToUpper(name)+"-{seq}", "reuse")
		if name == "narrow" {
			s.Range = &NumberRange{First: 1, Last: 6}
		}
		if err := direct.CreateSeries(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	r := newReplica(t, direct, store)
	narrow := request(who, "", "n")
	narrow.Draft.Series = "narrow"
	for range 3 {
		r.mustIssue(t, request(who, "", "n"))
		r.mustIssue(t, narrow)
	}
	r.stop()
	of := func(name string) counter.Series { return counter.Series{Tenant: "acme", Name: name} }
	lose(t, direct, series2026(who), 2)
	got := announced(t, url, store, &notes{}, Restored{Skip: 10, Above: map[counter.Series]int64{
		series2026(who): 50, of("used"): 7,
	}})
	for s, want := range map[counter.Series][]counter.Range{
		series2026(who): {{First: 3, Last: 50}},
		of("narrow"):    {{First: 4, Last: 6}}, // no further than its range
		of("used"):      {{First: 1, Last: 7}},
	} {
		if diff := cmp.Diff(want, got[s].Void); diff != "" {
			t.Errorf("%s: void want (-) got (+):\n%s", s, diff)
		}
	}
	mustBeClean(t, direct, store)

	again := Restored{DB: watched(t, url, &Witness{Notes: &notes{}, Announcing: true}), Ledgers: store, Above: map[counter.Series]int64{of("mistyped"): 7}}
	if _, err := again.Announce(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("a series that does not exist: %v", err)
	}
}

// Killed after any step it is done again from the beginning.
func TestAnAnnouncementThatIsCutShortIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"announced", "half accounted", "accounted", "resumed"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			url, store, told := databaseFor(t), &countertest.Mem{}, &notes{}
			direct := open(t, url)
			who := newTenant(t, direct, "acme")
			other := seriesOf("acme", "other", "O-{seq}", "reuse")
			if err := direct.CreateSeries(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			r := newReplica(t, direct, store)
			req := request(who, "", "n")
			for range 5 {
				req.Draft.Series = ""
				r.mustIssue(t, req)
				req.Draft.Series = "other"
				r.mustIssue(t, req)
			}
			r.stop()
			lose(t, direct, series2026(who), 2)
			lose(t, direct, counter.Series{Tenant: "acme", Name: "other"}, 3)
			func() {
				cut := Restored{DB: watched(t, url, &Witness{Notes: told, Announcing: true}), Ledgers: store}
				a, err := cut.Announce(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if step == "announced" {
					return
				}
				by := newReplica(t, cut.DB, store)
				defer by.stop()
				cut.Counter = by.numbers
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				cut.Progress = func(done, _ int, _ Recovered) {
					if step == "half accounted" {
						stop()
					}
				}
				_, err = cut.Account(ctx, a.Era)
				if (err != nil) != (step == "half accounted") {
					t.Fatal(err)
				}
				if step == "resumed" {
					if err := cut.DB.Resume(t.Context(), a.Era, true); err != nil {
						t.Fatal(err)
					}
				}
			}()
			announced(t, url, store, told, Restored{})
			if n := ask[int](t, direct, `select count(*) from documents where status = 'void' and reason = 'restore'`); n != 5 {
				t.Errorf("%d void, want 5", n)
			}
			mustBeClean(t, direct, store)
		})
	}
}

func TestASecondAnnouncementOvertakesTheFirst(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	first, err := db.RaiseEpoch(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := db.RaiseEpoch(t.Context(), 6) // one of epoch 6 was noted, before an older backup was restored
	if err != nil || !strings.HasPrefix(second, "7.") {
		t.Fatalf("%s, %v", second, err)
	}
	if err := db.Resume(t.Context(), first, true); err == nil || !strings.Contains(err.Error(), "run folio restored again") {
		t.Errorf("resumed in an era that is over: %v", err)
	}
	if _, err := (&Owner{DB: db}).Enroll(t.Context(), "h"); !errors.Is(err, ErrResuming) {
		t.Errorf("enrolled: %v", err)
	}
	if err := db.Resume(t.Context(), second, true); err != nil {
		t.Fatal(err)
	}
	enrolled(t, db, "h")
}

func TestARestoreIsNotAnnouncedToAnOldPrimaryByMistake(t *testing.T) {
	t.Parallel()
	url, told := databaseFor(t), &notes{}
	direct := open(t, url)
	promoted := stand(t, direct)
	promoted.timeline += 2
	told.says(t, promoted)
	r := Restored{DB: watched(t, url, &Witness{Notes: told, Announcing: true}), Ledgers: &countertest.Mem{}, GiveUp: 1}
	if _, err := r.Announce(t.Context()); err == nil || !strings.Contains(err.Error(), "--give-up-timeline 3") {
		t.Errorf("announced to an old primary: %v", err)
	}
	if ask[int](t, direct, `select epoch from restores`) != 0 {
		t.Error("the epoch was raised")
	}
	r.GiveUp = 3
	a, err := r.Announce(t.Context())
	if err != nil || !strings.HasPrefix(a.Era, "1.00000001.") {
		t.Errorf("%+v, %v", a, err)
	}
	// Whoever still writes to the other one is kept from it.
	if err := told.read(t).refuses(promoted); !errors.Is(err, ErrBehind) {
		t.Errorf("the one that was given up: %v", err)
	}
}

func TestADamagedLedgerDoesNotHoldUpAnAnnouncement(t *testing.T) {
	t.Parallel()
	url, store := databaseFor(t), &countertest.Mem{}
	direct := open(t, url)
	who := newTenant(t, direct, "acme")
	r := newReplica(t, direct, store)
	r.mustIssue(t, request(who, "", "n"))
	r.stop()
	bad := counter.Series{Tenant: "acme", Name: "bad"}
	store.Put(bad, "{")
	w := &Witness{Notes: &notes{}, Announcing: true}
	rec := Restored{DB: watched(t, url, w), Ledgers: store}
	a, err := rec.Announce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := newReplica(t, rec.DB, store)
	rec.Counter = by.numbers
	failed, err := rec.Account(t.Context(), a.Era)
	if err != nil || len(failed) != 1 || failed[0].Series != bad || !errors.Is(failed[0].Err, ErrLedgerDamaged) {
		t.Errorf("%v, failed %+v", err, failed)
	}
}

// A replica goes on by itself after the announcement, whatever it held.
func TestAReplicaGivesUpItsHolderWhenAnotherEraIsNoted(t *testing.T) {
	t.Parallel()
	url, store, told := databaseFor(t), &countertest.Mem{}, &notes{}
	direct := open(t, url)
	who := newTenant(t, direct, "acme")
	w := &Witness{Notes: told, Every: 20 * time.Millisecond}
	db := watched(t, url, w)
	load(t, w)
	r := newReplica(t, db, store)
	w.Moved = func() { r.numbers.Abandon(r.numbers.Holder()) }
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(running, db) }()
	defer func() { stop(); <-ended }()
	for range 30 {
		r.mustIssue(t, request(who, "", "n"))
	}
	eventually(t, "it is noted", func() bool { return told.read(t).beat > 0 })
	was := r.numbers.Holder()
	announced(t, url, store, told, Restored{})
	eventually(t, "another life", func() bool { now := r.numbers.Holder(); return now != "" && now != was })
	r.mustIssue(t, request(who, "next", "n"))
	r.stop()
	mustBeClean(t, direct, store)
}

// Replicas of the program before this one do not wait for the announcement's end.
// They go on above what is accounted for, and nothing of theirs becomes void.
func TestAReplicaThatDoesNotWaitGoesOnAboveWhatIsAccountedFor(t *testing.T) {
	t.Parallel()
	url, store, told := databaseFor(t), &countertest.Mem{}, &notes{}
	direct := open(t, url)
	who := newTenant(t, direct, "acme")
	early := &Witness{Notes: told, Announcing: true} // as the program before does, it enrols at once
	old := newReplica(t, watched(t, url, early), store)
	load(t, early)
	var before []int64
	for range 20 {
		before = append(before, old.mustIssue(t, request(who, "", "n")).Invoice.Number)
	}
	s := series2026(who)
	lose(t, direct, s, 5)

	stop, given := make(chan struct{}), make(chan []int64)
	go func() {
		var numbers []int64
		defer func() { given <- numbers }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if got, err := old.Issue(t.Context(), request(who, "", "n")); err == nil {
				numbers = append(numbers, got.Invoice.Number)
			}
		}
	}()
	announced(t, url, store, told, Restored{})
	close(stop)
	for _, n := range <-given {
		if n <= 5 {
			t.Errorf("%d was given again", n)
		}
	}
	for _, n := range before[5:] {
		if status := ask[string](t, direct, `select coalesce(max(reason), 'not void') from documents where number = $1`, n); status != "restore" && status != "not void" {
			t.Errorf("%d is %s", n, status)
		}
	}
	old.stop()
	mustBeClean(t, direct, store)
}

// A dump is loaded into another cluster: what the ledger holds is of another system,
// and of an earlier epoch once the restore is announced.
func TestBlocksOfAnotherSystemAreVoidOnceARestoreIsAnnounced(t *testing.T) {
	t.Parallel()
	url, store, told := databaseFor(t), &countertest.Mem{}, &notes{}
	direct := open(t, url)
	newTenant(t, direct, "acme")
	elsewhere := stand(t, direct)
	elsewhere.system++
	elsewhere.timeline, elsewhere.lsn, elsewhere.beat = 9, 1<<40, 1<<40
	told.says(t, elsewhere)
	store.Put(testSeries, heldIn(elsewhere.era.String(), 10))

	w := &Witness{Notes: told}
	db := watched(t, url, w)
	load(t, w)
	if err := db.settling.PingContext(t.Context()); !errors.Is(err, ErrBehind) {
		t.Errorf("another cluster is written to: %v", err)
	}
	got := announced(t, url, store, told, Restored{})[testSeries]
	if diff := cmp.Diff([]counter.Range{{First: 1, Last: 10}}, got.Void); diff != "" {
		t.Errorf("void want (-) got (+):\n%s", diff)
	}
	if noted := told.read(t); noted.system == elsewhere.system || noted.epoch != 1 {
		t.Errorf("noted is %s", noted)
	}
	enrolled(t, db, "another")
	mustBeClean(t, direct, store)
}

// Who enrols at the moment in which a restore is announced does so before, and is
// fenced, or waits.
func TestEnrollingWhileARestoreIsAnnounced(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	var racing sync.WaitGroup
	for i := range 20 {
		racing.Go(func() {
			name := fmt.Sprintf("h%d", i)
			if era, err := (&Owner{DB: db}).Enroll(t.Context(), name); err == nil && !strings.HasPrefix(era, "0.") {
				t.Errorf("%s enrolled in %s", name, era)
			} else if err != nil && !errors.Is(err, ErrUnavailable) && !strings.Contains(err.Error(), "take another name") {
				t.Error(err)
			}
		})
		if i == 10 {
			racing.Go(func() {
				if _, err := db.RaiseEpoch(t.Context(), 0); err != nil {
					t.Error(err)
				}
			})
		}
	}
	racing.Wait()
	if n := ask[int](t, db, `select count(*) from holders where fenced_at is null and era = current_era()`); n != 0 {
		t.Errorf("%d holders may write in an era that is not accounted for", n)
	}
}
