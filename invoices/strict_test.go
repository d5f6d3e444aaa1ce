package invoices

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
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

// gatherAll keeps rows of a replica that has written none yet waiting until
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
	eventually(t, "all wait", func() bool { return len(r.Writer.queue)+len(r.Writer.strict) >= all-1 })
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
			accounts := audited(t, &Audit{DB: db, Ledgers: store, Full: true})
			if len(accounts) != 1 || accounts[0].Clean() || !accounts[0].Strict {
				t.Errorf("the audit finds %+v", accounts)
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
	accounts := audited(t, &Audit{DB: db, Ledgers: store})
	if len(accounts) != 1 || len(accounts[0].Findings) != 1 || accounts[0].Issued.Count != 1 {
		t.Errorf("%+v", accounts)
	}
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
		if a.Held.Count != 0 || a.Free.Count != 0 || a.Void.Count != 0 || !a.Strict {
			t.Errorf("%+v", a)
		}
	}
	mustHaveNoHole(t, db, store)
}
