package invoices

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/document"
)

// strictSeriesFor makes a strict series without periods, whose numbers print as
// <name>-<number>.
func strictSeriesFor(t testing.TB, db *DB, who Identity, name string) counter.Series {
	t.Helper()
	s := seriesOf(who.Tenant, name, name+"-{seq:4}", onLossReuse)
	s.Numbering = numberingStrict
	if err := db.CreateSeries(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return counter.Series{Tenant: who.Tenant, Name: name}
}

// strictRequest is a valid wish for a document of a series.
func strictRequest(who Identity, series, id, note string) Request {
	r := request(who, id, note)
	r.Draft.Series = series
	body, err := json.Marshal(r.Draft)
	if err != nil {
		panic(err)
	}
	r.Digest = sha256.Sum256(body)
	return r
}

// strictHoles reads, without the audit, which strict series have a number that is
// no row, or a row that is no number.
func strictHoles(t testing.TB, db *DB) string {
	t.Helper()
	return ask[string](t, db, `
		select coalesce(string_agg(c.series || ' has ' || d.rows || ' rows from ' || d.lowest || ' to ' || d.highest ||
			', its counter is ' || c.first || ' to ' || c.mark, '; '), '')
		from strict_counters c cross join lateral (
			select count(*) as rows, coalesce(min(number), c.first) as lowest, coalesce(max(number), c.first - 1) as highest
			from documents where tenant = c.tenant and series = c.series and period = c.period) d
		where d.rows <> c.mark - c.first + 1 or d.lowest <> c.first or d.highest <> c.mark`)
}

func mustHaveNoHole(t testing.TB, db *DB, store counter.Store) {
	t.Helper()
	if n := ask[int](t, db, `select count(*) from strict_counters where mark >= first`); n == 0 {
		t.Error("no strict series gave a number: nothing was shown")
	}
	if holes := strictHoles(t, db); holes != "" {
		t.Error(holes)
	}
	mustBeClean(t, db, store)
}

// gatherAll keeps strict rows of a replica that has written none yet waiting until
// all of them wait, so that they make one batch; then it lets them go.
func gatherAll(t testing.TB, r *replica, all int, ask func()) {
	t.Helper()
	r.db.batches.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	line, err := r.db.connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ask()
	// The scribe holds the first and waits for a connection.
	eventually(t, "all wait", func() bool { return len(r.Writer.strict) >= all-1 })
	line.keep()
}

func TestAStrictSeriesNumbersInOrderFromAnyReplicaWithoutTheCounter(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	one, two := newReplica(t, db, store), newReplica(t, db, store)
	for i := range 6 {
		rep := []*replica{one, two}[i%2]
		got := rep.mustIssue(t, strictRequest(who, s.Name, fmt.Sprint("key-", i), "n"))
		want := int64(i + 1)
		if got.Invoice.Number != want || got.Invoice.PrintedNumber != fmt.Sprintf("gapless-%04d", want) || got.Replayed {
			t.Fatalf("request %d got %+v; want number %d", i, got, want)
		}
		read, err := db.Invoice(t.Context(), who.Tenant, got.Invoice.ID)
		if err != nil || read.Number != want {
			t.Errorf("%+v, %v", read, err)
		}
		again := two.mustIssue(t, strictRequest(who, s.Name, fmt.Sprint("key-", i), "n"))
		if !again.Replayed || again.Invoice.ID != got.Invoice.ID {
			t.Errorf("the repeat got %+v", again)
		}
	}
	if listed, err := store.List(t.Context(), "", ""); err != nil || len(listed) != 0 {
		t.Errorf("the counter was asked for %v, %v", listed, err)
	}
	if n := ask[int](t, db, `select count(*) from documents where num_nonnulls(holder, block_serial, block_first, block_last) > 0`); n != 0 {
		t.Errorf("%d rows name a block", n)
	}
	mustHaveNoHole(t, db, store)
}

// The teeth of strictHoles and of the audit: each finds a hole.
func TestAHoleInAStrictSeriesIsFound(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]string{
		"a row is gone":                 `delete from documents where number = 2`,
		"the first row is gone":         `delete from documents where number = 1`,
		"the last row is gone":          `delete from documents where number = 3`,
		"the counter is ahead":          `update strict_counters set mark = 4`,
		"the counter is behind":         `update strict_counters set mark = 2`,
		"the counter begins later":      `update strict_counters set first = 2`,
		"a row lies above all the rest": `update documents set number = 9 where number = 3`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, store := migrated(t), &countertest.Mem{}
			who := newTenant(t, db, "acme")
			s := strictSeriesFor(t, db, who, "gapless")
			rep := newReplica(t, db, store)
			for range 3 {
				rep.mustIssue(t, strictRequest(who, s.Name, "", "n"))
			}
			mustHaveNoHole(t, db, store)
			db.exec(t, `alter table documents disable trigger all`)
			db.exec(t, spoil)
			if strictHoles(t, db) == "" {
				t.Error("the check finds no hole")
			}
			accounts, err := Audit(t.Context(), db, store, AuditFilter{})
			if err != nil || len(accounts) != 1 || accounts[0].Clean() || !accounts[0].Strict {
				t.Errorf("the audit finds %+v, %v", accounts, err)
			}
		})
	}
}

func TestTheAuditOfAStrictSeriesNamesALedgerInEtcd(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	newReplica(t, db, store).mustIssue(t, strictRequest(who, s.Name, "", "n"))
	store.Put(s, `{"Mark":1}`)
	accounts, err := Audit(t.Context(), db, store, AuditFilter{})
	if err != nil || len(accounts) != 1 || len(accounts[0].Findings) != 1 || accounts[0].Issued != 1 {
		t.Errorf("%+v, %v", accounts, err)
	}
}

// Within one batch: three times the same request, and the same key with another
// body.
func TestRepeatsInOneBatchLeaveNoHole(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s, other := strictSeriesFor(t, db, who, "gapless"), strictSeriesFor(t, db, who, "other")
	rep := newReplica(t, db, store)
	var mu sync.Mutex
	numbers, made, reused := make(map[int64]bool), 0, 0
	var all sync.WaitGroup
	issue := func(req Request) {
		all.Go(func() {
			p, err := rep.prepare(t.Context(), req)
			if err != nil {
				t.Error(err)
				return
			}
			p.RequestID = requestID(req.ID)
			got, err := rep.store(t.Context(), p)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, ErrRequestReused):
				reused++
				return
			case err != nil:
				t.Error(err)
			case !got.Replayed:
				made++
			}
			numbers[got.Invoice.Number] = true
		})
	}
	const keys, repeats = 10, 3
	gatherAll(t, rep, keys*repeats+2, func() {
		for i := range keys {
			for range repeats {
				issue(strictRequest(who, s.Name, fmt.Sprint("key-", i), "n"))
			}
		}
		issue(strictRequest(who, s.Name, "twice", "a body"))
		issue(strictRequest(who, other.Name, "twice", "a body"))
	})
	all.Wait()
	if made != keys+1 || reused != 1 {
		t.Errorf("%d were made, %d refused; want %d, 1", made, reused, keys+1)
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != keys+1 {
		t.Errorf("%d documents, want %d", n, keys+1)
	}
	if stats := rep.Writer.Stats(); stats.Batches > 2 {
		t.Errorf("%d transactions, want one for the batch, and perhaps one before it", stats.Batches)
	}
	mustHaveNoHole(t, db, store)
}

// Each key at the same time on two replicas, and several times on each.
func TestTheSameKeyAtOnceOnTwoReplicasLeavesNoHole(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, open(t, url), store)}
	const keys, repeats = 30, 4
	answers := make([]map[int64]int, keys)
	var mu sync.Mutex
	var all sync.WaitGroup
	made := 0
	for i := range keys {
		answers[i] = make(map[int64]int)
		for j := range repeats {
			all.Go(func() {
				got := replicas[j%2].mustIssue(t, strictRequest(who, s.Name, fmt.Sprint("key-", i), "n"))
				mu.Lock()
				defer mu.Unlock()
				answers[i][got.Invoice.Number]++
				if !got.Replayed {
					made++
				}
			})
		}
	}
	all.Wait()
	for i, numbers := range answers {
		if len(numbers) != 1 {
			t.Errorf("key %d got numbers %v", i, numbers)
		}
	}
	if n := ask[int](t, db, `select max(number) from documents`); n != keys || made != keys {
		t.Errorf("%d numbers for %d keys, %d of them new", n, keys, made)
	}
	mustHaveNoHole(t, db, store)
}

// A request of a block series and one of a strict series share a key while the
// first is under way: the strict row does not come back, and its number is no hole.
func TestAConflictWithAnotherSeriesLeavesNoHole(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	rep := newReplica(t, db, store)
	enrolled(t, db, "h")
	commit := batchInFlight(t, db, insertBatch, "h", series2026(who), 1) // request s:test-h-1
	p, err := rep.prepare(t.Context(), strictRequest(who, s.Name, "x", "n"))
	if err != nil {
		t.Fatal(err)
	}
	p.RequestID = "s:test-h-1"
	refused := make(chan error, 1)
	go func() {
		_, err := rep.store(t.Context(), p)
		refused <- err
	}()
	eventually(t, "the strict row waits", func() bool { return waitingForLock(t, db) == 1 })
	commit()
	if err := <-refused; !errors.Is(err, ErrRequestReused) {
		t.Errorf("got %v, want ErrRequestReused", err)
	}
	if got := rep.mustIssue(t, strictRequest(who, s.Name, "y", "n")); got.Invoice.Number != 1 {
		t.Errorf("the next number is %d: the conflict left a hole", got.Invoice.Number)
	}
	mustHaveNoHole(t, db, nothingInEtcd(t, db, store))
}

// nothingInEtcd takes away the rows of block series that a test wrote by hand.
func nothingInEtcd(t testing.TB, db *DB, store counter.Store) counter.Store {
	t.Helper()
	db.exec(t, `alter table documents disable trigger all`)
	db.exec(t, `delete from documents d where not exists (select from strict_counters c where c.tenant = d.tenant and c.series = d.series and c.period = d.period)`)
	return store
}

func TestAPrintedNumberThatIsTakenIsVoidInAStrictSeriesAndNoHole(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id,
			issue_date, currency, net, tax, gross, printed_number, content)
		values ('acme', 'old', '', 7, 'issued', now(), 'i:7', '\x00', 'import', '2026-01-01', 'EUR', 1, 0, 1, 'gapless-0002', '{}')`)
	rep := newReplica(t, db, store)
	const count = 5
	var clashes, made int
	var mu sync.Mutex
	var all sync.WaitGroup
	gatherAll(t, rep, count, func() {
		for i := range count {
			all.Go(func() {
				_, err := rep.Issue(t.Context(), strictRequest(who, s.Name, fmt.Sprint("key-", i), "n"))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, ErrPrintedClash):
					clashes++
				case err != nil:
					t.Error(err)
				default:
					made++
				}
			})
		}
	})
	all.Wait()
	if clashes != 1 || made != count-1 {
		t.Errorf("%d clashes, %d made; want 1, %d", clashes, made, count-1)
	}
	if reason := ask[string](t, db, `select reason from documents where series = 'gapless' and number = 2`); reason != reasonPrintedClash {
		t.Errorf("number 2 is void for %q", reason)
	}
	if holes := strictHoles(t, db); holes != "" {
		t.Error(holes)
	}
	mustHaveNoHole(t, db, nothingInEtcd(t, db, store))
}

// A row above the mark, stored by hand, is nobody's to explain: the series is
// refused, others of the batch are not.
func TestADocumentAboveTheMarkOfAStrictSeriesIsRefusedLoudly(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s, good := strictSeriesFor(t, db, who, "gapless"), strictSeriesFor(t, db, who, "good")
	newReplica(t, db, store).mustIssue(t, strictRequest(who, s.Name, "", "n"))
	rep := newReplica(t, open(t, url), store)
	db.exec(t, `insert into documents (tenant, series, period, number, status, created_at, reason) values ('acme', 'gapless', '', 3, 'void', now(), 'by hand')`)
	var all sync.WaitGroup
	gatherAll(t, rep, 6, func() {
		for range 3 {
			all.Go(func() {
				if _, err := rep.Issue(t.Context(), strictRequest(who, s.Name, "", "n")); !errors.Is(err, ErrLedgerDamaged) {
					t.Errorf("got %v, want ErrLedgerDamaged", err)
				}
			})
			all.Go(func() { rep.mustIssue(t, strictRequest(who, good.Name, "", "n")) })
		}
	})
	all.Wait()
	if voided, err := db.SkipStrict(t.Context(), s, 4); err != nil || voided != 2 {
		t.Errorf("%d void, %v; want 2", voided, err)
	}
	if got := rep.mustIssue(t, strictRequest(who, s.Name, "", "n")); got.Invoice.Number != 5 {
		t.Errorf("got number %d, want 5", got.Invoice.Number)
	}
	mustHaveNoHole(t, db, store)
}

func TestABadRowOfAStrictSeriesFailsAloneAndLeavesNoHole(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	rep := newReplica(t, db, store)
	db.exec(t, `alter table documents add check (content ->> 'note' <> 'bad')`)
	const count = 9
	var all sync.WaitGroup
	gatherAll(t, rep, count, func() {
		for i := range count {
			note := "good"
			if i == 4 {
				note = "bad"
			}
			all.Go(func() {
				_, err := rep.Issue(t.Context(), strictRequest(who, s.Name, fmt.Sprint("key-", i), note))
				if (err != nil) != (note == "bad") {
					t.Errorf("%s row: %v", note, err)
				}
			})
		}
	})
	all.Wait()
	if n := ask[int](t, db, `select max(number) from documents`); n != count-1 {
		t.Errorf("the highest number is %d, want %d", n, count-1)
	}
	mustHaveNoHole(t, db, store)
}

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

func TestAStrictSeriesBeginsAtItsStartAndEndsWithItsRange(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	ranged := seriesOf("acme", "ranged", "R-{seq}", onLossReuse)
	ranged.Numbering, ranged.Start, ranged.Range = numberingStrict, 5, &NumberRange{First: 41, Last: 43}
	started := seriesOf("acme", "started", "S-{yyyy}-{seq}", onLossReuse)
	started.Numbering, started.Start, started.Period = numberingStrict, 100, string(document.PeriodYear)
	for _, s := range []Series{ranged, started} {
		if err := db.CreateSeries(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	rep := newReplica(t, db, store)
	var all sync.WaitGroup
	var mu sync.Mutex
	exhausted := 0
	gatherAll(t, rep, 5, func() {
		for range 5 {
			all.Go(func() {
				_, err := rep.Issue(t.Context(), strictRequest(who, "ranged", "", "n"))
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, ErrSeriesExhausted) {
					exhausted++
				} else if err != nil {
					t.Error(err)
				}
			})
		}
	})
	all.Wait()
	if exhausted != 2 {
		t.Errorf("%d were refused, want 2", exhausted)
	}
	for i := range 2 {
		got := rep.mustIssue(t, strictRequest(who, "started", "", "n")).Invoice
		if got.Number != int64(100+i) || got.Period != "2026" || got.PrintedNumber != fmt.Sprintf("S-2026-%d", 100+i) {
			t.Errorf("got %+v", got)
		}
	}
	late := strictRequest(who, "started", "", "n")
	late.Draft.IssueDate = "2025-12-31"
	if got := rep.mustIssue(t, late).Invoice; got.Number != 100 || got.Period != "2025" {
		t.Errorf("got %+v", got)
	}
	for _, a := range mustBeClean(t, db, store) {
		if a.Held != 0 || a.Free != 0 || a.Void != 0 || !a.Strict {
			t.Errorf("%+v", a)
		}
	}
	mustHaveNoHole(t, db, store)
}
