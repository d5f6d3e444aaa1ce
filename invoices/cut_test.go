package invoices

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// cuts are the ways in which a statement's answer can get lost.
var cuts = map[string]cut{"FIN after it was executed": afterFIN, "RST after it was executed": afterRST, "FIN before it was sent on": beforeFIN}

// forEachCut runs test with a database behind a proxy.
func forEachCut(t *testing.T, test func(t *testing.T, direct, db *DB, p *proxy, how cut)) {
	t.Parallel()
	for name, how := range cuts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := databaseFor(t)
			db, p := throughProxy(t, url)
			test(t, open(t, url), db, p, how)
			if p.cuts() != 1 {
				t.Errorf("the proxy cut %d times, want once", p.cuts())
			}
		})
	}
}

func TestABatchWhoseAnswerIsLostIsStoredOnceWithItsNumber(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		store := &countertest.Mem{}
		who := newTenant(t, direct, "acme")
		r := newReplica(t, db, store)
		r.mustIssue(t, request(who, "one", "n"))
		p.arm("insert into documents", how)
		got := r.mustIssue(t, request(who, "two", "n"))
		if got.Invoice.Number != 2 || got.Replayed {
			t.Errorf("got number %d, replayed %v; want 2, false", got.Invoice.Number, got.Replayed)
		}
		if n := ask[int](t, direct, `select count(*) from documents`); n != 2 {
			t.Errorf("%d documents, want 2", n)
		}
		if stats := r.numbers.Stats(); stats.Spent != 2 || stats.Doubtful != 0 {
			t.Errorf("spent %d, doubtful %d; want 2, 0", stats.Spent, stats.Doubtful)
		}
		r.stop()
		for _, a := range mustBeClean(t, direct, store) {
			if a.Held.Count != 0 || a.Issued.Count != 2 {
				t.Errorf("%+v, want 2 issued and none held", a)
			}
		}
	})
}

func TestABatchOfManyRowsWhoseAnswerIsLostIsStoredOnceWithItsNumbers(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		store := &countertest.Mem{}
		who := newTenant(t, direct, "acme")
		r := newReplica(t, db, store)
		const rows = 6
		numbers := make(chan int64, rows)
		p.arm("insert into documents", how)
		gatherAll(t, r, rows, func() {
			for i := range rows {
				go func() {
					got := r.mustIssue(t, request(who, fmt.Sprint(i), "n"))
					if got.Replayed {
						t.Errorf("number %d is told to be a repeat", got.Invoice.Number)
					}
					numbers <- got.Invoice.Number
				}()
			}
		})
		given := make(map[int64]bool)
		for range rows {
			given[<-numbers] = true
		}
		if n := ask[int](t, direct, `select count(*) from documents`); n != rows || len(given) != rows {
			t.Errorf("%d documents for numbers %v, want %d", n, given, rows)
		}
		if stats := r.Writer.Stats(); stats.Unknown != 1 {
			t.Errorf("%d fates were unknown, want that of the batch", stats.Unknown)
		}
		r.stop()
		mustBeClean(t, direct, store)
	})
}

// The fate of a batch can be judged because nothing below sends it twice;
// database/sql does so by itself elsewhere.
func TestALineTellsThatItsAnswerWasLost(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		line, err := db.connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer line.drop()
		p.arm("insert into documents", how)
		_, err = line.insert("h", nil)
		if err == nil || !judge(err).unknown {
			t.Errorf("got %v, want an error that leaves the fate unknown", err)
		}
	})
}

func TestEnrollingWhoseAnswerIsLostEnrollsOnce(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		p.arm("insert into holders", how)
		owner := &Owner{DB: db}
		era, err := owner.Enroll(t.Context(), "h")
		if err != nil { // a reset is told; then it is tried again
			era, err = owner.Enroll(t.Context(), "h")
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := ask[string](t, direct, `select era from holders where fenced_at is null`); got != era {
			t.Errorf("enrolled in %s, told %s", got, era)
		}
	})
}

func TestSettlingWhoseAnswerIsLostSettlesOnce(t *testing.T) {
	for _, statement := range []string{"insert into holders", "COMMIT", "insert into documents"} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				newTenant(t, direct, "acme")
				s := seriesOf("acme", "strict", "S-{seq:3}", "void")
				if err := direct.CreateSeries(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				series := counter.Series{Tenant: "acme", Name: "strict"}
				b := heldBlock(t, direct, "h", 1, 4)
				batchInFlight(t, direct, insertBatch, "h", series, 3)()
				p.arm(statement, how)
				owner := &Owner{DB: db}
				free, err := owner.Settle(t.Context(), series, b)
				if err != nil {
					free, err = owner.Settle(t.Context(), series, b)
				}
				if err != nil || free != nil {
					t.Fatalf("freed %v, %v", free, err)
				}
				if n := ask[int](t, direct, `select count(*) from documents`); n != 4 {
					t.Errorf("%d documents, want 4: one issued, three void", n)
				}
				if !ask[bool](t, direct, `select fenced_at is not null from holders where holder = 'h'`) {
					t.Error("not fenced")
				}
			})
		})
	}
}

// The first statement is still on its way when the second is answered; when it
// arrives at last it finds the row and stores nothing.
func TestAStatementThatArrivesLateStoresNothing(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, p := throughProxy(t, url)
	direct, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, direct, "acme")
	r := newReplica(t, db, store)
	p.arm("insert into documents", delayed)
	if got := r.mustIssue(t, request(who, "one", "n")); got.Invoice.Number != 1 || got.Replayed {
		t.Errorf("got number %d, replayed %v", got.Invoice.Number, got.Replayed)
	}
	p.letGo()
	p.waitForLate(t)
	if n := ask[int](t, direct, `select count(*) from documents`); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
	r.stop()
	mustBeClean(t, direct, store)
}

// The first statement is executed but not committed yet, so that its repeats
// wait for it and are aborted. That says nothing about the first.
func TestAnAbortedRepeatProvesNothing(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]time.Duration{"committed at last": 0, "not committed within the bound": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := databaseFor(t)
			db, p := throughProxy(t, url+"&lock_timeout=100")
			direct, store := open(t, url), &countertest.Mem{}
			who := newTenant(t, direct, "acme")
			r := newReplicaWith(t, db, store, WriterConfig{Bound: bound})
			p.arm("insert into documents", uncommitted)
			answered := make(chan error, 1)
			go func() {
				_, err := r.Issue(t.Context(), request(who, "one", "n"))
				answered <- err
			}()
			first := waitingBackend(t, direct, 0)
			waitingBackend(t, direct, first) // the first repeat was aborted
			if bound == 0 {
				p.letGo()
				if err := <-answered; err != nil {
					t.Error(err)
				}
			} else {
				if err := <-answered; !errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("got %v, want ErrOutcomeUnknown", err)
				}
				p.letGo()
			}
			p.waitForLate(t)
			if n := ask[int](t, direct, `select count(*) from documents where number = 1`); n != 1 {
				t.Errorf("%d documents, want 1", n)
			}
			if doubtful := r.numbers.Stats().Doubtful; (doubtful == 1) != (bound > 0) {
				t.Errorf("%d numbers in doubt", doubtful)
			}
			mustBeClean(t, direct, store)
		})
	}
}

// waitingBackend waits until a backend other than not waits for a lock.
func waitingBackend(t testing.TB, db *DB, not int) (pid int) {
	t.Helper()
	eventually(t, "a repeat waits", func() bool {
		pid = ask[int](t, db, `
			select coalesce(max(pid), 0) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock' and pid <> $1`, not)
		return pid != 0
	})
	return pid
}

// The answer is lost, and before the batch is sent again its holder is fenced:
// what is stored then is final.
func TestAfterALostAnswerAndAFenceTheRowsDecide(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]cut{"executed": afterFIN, "not executed": beforeFIN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := databaseFor(t)
			db, p := throughProxy(t, url)
			direct, store := open(t, url), &countertest.Mem{}
			who := newTenant(t, direct, "acme")
			r := newReplica(t, db, store)
			r.mustIssue(t, request(who, "zero", "n"))
			was := r.numbers.Holder()
			p.onCut(func() {
				// Not t: this runs in the proxy.
				if _, err := direct.rest.Exec(`update holders set fenced_at = now() where holder = $1`, was); err != nil {
					t.Error(err)
				}
			})
			p.arm("insert into documents", how)
			got := r.mustIssue(t, request(who, "one", "n"))
			if got.Replayed {
				t.Error("replayed")
			}
			holder := ask[string](t, direct, `select holder from documents where request_id = 'c:one'`)
			if executed := how == afterFIN; executed != (holder == was) {
				t.Errorf("stored under %s, the fenced holder was %s", holder, was)
			}
			if n := ask[int](t, direct, `select count(*) from documents where status = 'issued'`); n != 2 {
				t.Errorf("%d invoices, want 2", n)
			}
			r.stop()
		})
	}
}

func TestAnOutcomeThatCannotBeFoundOutStaysInDoubt(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, p := throughProxy(t, url)
	direct, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, direct, "acme")
	r := newReplicaWith(t, db, store, WriterConfig{Bound: 200 * time.Millisecond})
	p.onCut(p.refuse) // and nobody can connect any more
	p.arm("insert into documents", afterRST)
	_, err := r.Issue(t.Context(), request(who, "one", "n"))
	if !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatalf("got %v, want ErrOutcomeUnknown", err)
	}
	eventually(t, "the number is in doubt", func() bool { return r.numbers.Stats().Doubtful == 1 })
	for _, a := range mustBeClean(t, direct, store) {
		if a.Issued.Count != 1 {
			t.Errorf("%+v, want 1 issued", a)
		}
	}
	other := newReplica(t, direct, store)
	if got := other.mustIssue(t, request(who, "one", "n")); !got.Replayed || got.Invoice.Number != 1 {
		t.Errorf("the repeat got number %d, replayed %v", got.Invoice.Number, got.Replayed)
	}
}

func TestAServerThatFallsSilentIsTakenForGone(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, err := Open(DBConfig{URL: url, Silence: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	begun := time.Now()
	_, err = db.rest.ExecContext(context.Background(), `select pg_sleep(5)`)
	if f := judge(err); err == nil || !f.unknown {
		t.Errorf("got %v, fate %+v; want it unknown", err, f)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

// A key is stored once even if database/sql sends the statement twice.
func TestMakingAKeyWhoseAnswerIsLostMakesOne(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		newTenant(t, direct, "acme")
		p.arm("insert into api_keys", how)
		keys := &Keys{DB: db}
		made, text, err := keys.Create(t.Context(), "acme", NewKey{})
		if err != nil {
			return // told: a person tries again, and a key that nobody saw opens nothing
		}
		who, err := keys.Authenticate(t.Context(), text)
		if err != nil || who.KeyID != made.ID {
			t.Errorf("%v, %v", who, err)
		}
		if n := ask[int](t, direct, `select count(*) from api_keys`); n != 2 {
			t.Errorf("%d keys, want the tenant's first and one", n)
		}
	})
}
