package invoices

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"folio/counter"
)

// askedAtOnce has n ask while the first question waits for a table, and returns how many
// round trips that took.
func askedAtOnce(t *testing.T, direct *DB, p *proxy, table string, n int, ask func(i int)) (trips int64) {
	t.Helper()
	tx, err := direct.rest.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `lock table `+table+` in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	before := p.trips.Load()
	var asking, come sync.WaitGroup
	asking.Go(func() { ask(0) })
	const waiting = `select exists (select from pg_locks where not granted and relation = cast($1 as regclass)
		and database = (select oid from pg_database where datname = current_database()))`
	for there := false; !there; {
		if err := tx.GetContext(t.Context(), &there, waiting, table); err != nil {
			t.Fatal(err)
		}
	}
	come.Add(n - 1)
	for i := 1; i < n; i++ {
		asking.Go(func() { come.Done(); ask(i) })
	}
	come.Wait()
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	asking.Wait()
	return p.trips.Load() - before
}

// What each of many asks is asked for all with one statement, while another is under way,
// and each is answered for itself: also if what is stored of another cannot be read, or
// its name is no text.
func TestWhatManyAskAtOnceIsAskedTogether(t *testing.T) {
	t.Parallel()
	const n, bad, odd = 20, 7, 9
	url := databaseFor(t)
	direct := open(t, url)
	db, p := throughProxy(t, url)
	enrolled(t, direct, "h")
	var texts [n]string
	for i := range n {
		tenant := fmt.Sprint("t", i)
		_, _, text, err := direct.CreateTenant(t.Context(), Tenant{Name: tenant})
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = text
		batchInFlight(t, direct, insertBatch, "h", counter.Series{Tenant: tenant, Name: "invoice", Period: "2026"}, int64(100+i))()
	}
	direct.exec(t, `update tenants set time_zone = 'Mars/Olympus' where name = $1`, fmt.Sprint("t", bad))
	direct.exec(t, `update series set start = 200`)
	direct.exec(t, `update series set format = 'none' where tenant = $1`, fmt.Sprint("t", bad))
	series := func(i int) counter.Series {
		if i == odd {
			return counter.Series{Tenant: "a\x00b", Name: "\xff", Period: "2026"}
		}
		return counter.Series{Tenant: fmt.Sprint("t", i), Name: "invoice", Period: "2026"}
	}
	rules, owner, keys := &CounterRules{DB: db}, &Owner{DB: db}, (*Keys)(nil)
	for name, c := range map[string]struct {
		table string
		ask   func(i int) (got, want string, err error)
		bad   string // what one is told whose row cannot be read; "": all can
		trips int64  // of the first, of those behind it, and of the one that asks alone; keys take one each, the others two
	}{
		"rules": {"series", func(i int) (string, string, error) {
			r, err := rules.Rules(t.Context(), series(i))
			return fmt.Sprint(r.First), fmt.Sprint(100 + i), err // begins with its lowest row, not with its start
		}, "format", 6},
		"floors": {"documents", func(i int) (string, string, error) {
			floor, err := owner.Floor(t.Context(), series(i))
			return fmt.Sprint(floor), fmt.Sprint(100 + i), err
		}, "", 6},
		"keys": {"api_keys", func(i int) (string, string, error) {
			who, err := keys.Authenticate(t.Context(), texts[i])
			return who.Tenant, fmt.Sprint("t", i), err
		}, "Mars/Olympus", 2},
	} {
		eventually(t, name+" are asked for together", func() bool {
			keys = &Keys{DB: db} // knows none yet
			trips := askedAtOnce(t, direct, p, c.table, n, func(i int) {
				got, want, err := c.ask(i)
				switch {
				case i == odd && name != "keys":
					if err == nil {
						t.Errorf("%s: a name that is no text: %s", name, got)
					}
				case i == bad && c.bad != "":
					if err == nil || !strings.Contains(err.Error(), c.bad) {
						t.Errorf("%s: what cannot be read: %s, %v", name, got, err)
					}
				case err != nil || got != want:
					t.Errorf("%s of %d: %s, %v, want %s", name, i, got, err, want)
				}
			})
			return trips <= c.trips
		})
	}
}
