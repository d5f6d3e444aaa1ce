package invoices

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"folio/counter/countertest"
)

// Two replicas, whose batches have the same series in opposite orders.
func TestBatchesWithTheSameStrictSeriesAllEndWithoutADeadlock(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	const count = 6
	var names []string
	for i := range count {
		names = append(names, strictSeriesFor(t, db, who, fmt.Sprint("s", i)).Name)
	}
	replicas := []*replica{newReplica(t, db, store), newReplica(t, open(t, url), store)}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	before := deadlocks(t, db)
	const rounds = 25
	for range rounds {
		var all sync.WaitGroup
		for which, rep := range replicas {
			for i := range count {
				name := names[i]
				if which == 1 {
					name = names[count-1-i]
				}
				all.Go(func() {
					if _, err := rep.Issue(ctx, strictRequest(who, name, "", "n")); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 2*rounds*count {
		t.Errorf("%d documents, want %d", n, 2*rounds*count)
	}
	if now := deadlocks(t, db); now != before {
		t.Errorf("%d deadlocks", now-before)
	}
	mustHaveNoHole(t, db, store)
}

// mustEnqueue puts the row of req into the writer's queue.
func (r *replica) mustEnqueue(t testing.TB, req Request) *entry {
	t.Helper()
	p, err := r.prepare(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	p.RequestID = requestID(req.ID)
	e := &entry{row: &p.row, outcome: make(chan outcome, 1)}
	if err := r.Writer.enqueue(e); err != nil {
		t.Fatal(err)
	}
	return e
}

// Two batches with the same series, which came in opposite orders, both under way
// at once: somebody else holds the counter in the middle, so that each has locked
// what it locks first and waits. With the orders in which the rows came that would
// be a circle.
func TestBatchesWithStrictSeriesInOppositeOrdersDoNotWaitInACircle(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	names := []string{"a", "b", "c"}
	for _, name := range names {
		strictSeriesFor(t, db, who, name)
		newReplica(t, db, store).mustIssue(t, strictRequest(who, name, "", "n"))
	}
	middle, err := db.rest.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = middle.Rollback() }() // committed below
	if _, err := middle.ExecContext(t.Context(), `select from strict_counters where series = 'b' for update`); err != nil {
		t.Fatal(err)
	}
	replicas := []*replica{newReplica(t, open(t, url), store), newReplica(t, open(t, url), store)}
	var sent []*entry
	for i, rep := range replicas {
		order := slices.Clone(names)
		if i == 1 {
			slices.Reverse(order)
		}
		gatherAll(t, rep, len(order), func() {
			for _, name := range order {
				sent = append(sent, rep.mustEnqueue(t, strictRequest(who, name, "", "n")))
			}
		})
		eventually(t, "its batch waits for a counter", func() bool { return waitingForLock(t, db) == i+1 })
	}
	if err := middle.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, e := range sent {
		if o := <-e.outcome; o.err != nil {
			t.Error(o.err)
		}
	}
	for i, rep := range replicas {
		if stats := rep.Writer.Stats(); stats.Batches != 1 {
			t.Errorf("replica %d began %d transactions, want one", i, stats.Batches)
		}
	}
	mustHaveNoHole(t, db, store)
}

func deadlocks(t testing.TB, db *DB) int {
	return ask[int](t, db, `select deadlocks from pg_stat_database where datname = current_database()`)
}

// In the order of the commits: whoever sees a number sees all before it.
func TestWhoeverSeesANumberOfAStrictSeriesSeesAllBeforeIt(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 3 {
		rep := newReplica(t, open(t, url), store)
		for range 4 {
			load.Go(func() {
				for ctx.Err() == nil {
					if _, err := rep.Issue(ctx, strictRequest(who, s.Name, "", "n")); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			})
		}
	}
	var last, looks int
	eventually(t, "many numbers were looked at", func() bool {
		var seen struct {
			Rows    int `db:"rows"`
			Highest int `db:"highest"`
		}
		err := db.rest.GetContext(ctx, &seen, `select count(*) as rows, coalesce(max(number), 0) as highest from documents where series = 'gapless'`)
		if err != nil || seen.Rows != seen.Highest {
			t.Errorf("%d rows up to number %d, %v", seen.Rows, seen.Highest, err)
		}
		if seen.Highest > last {
			last = seen.Highest
			looks++
		}
		return looks >= 50 && last >= 300 || t.Failed()
	})
	cancel()
	load.Wait()
	mustHaveNoHole(t, db, store)
}
