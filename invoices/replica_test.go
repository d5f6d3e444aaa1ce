package invoices

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"runtime"
	"sync"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/accounts"
	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// replica is what one process of folio has for issuing, over a store that
// several of them may share.
type replica struct {
	*Issuer
	db      *DB
	numbers *counter.Allocator
	stop    func() // as SIGTERM does; may be called twice
}

// newReplica starts a replica; it is stopped with the test.
func newReplica(t testing.TB, db *DB, store counter.Store) *replica {
	t.Helper()
	return newReplicaWith(t, db, store, WriterConfig{})
}

func newReplicaWith(t testing.TB, db *DB, store counter.Store, cfg WriterConfig) *replica {
	t.Helper()
	numbers := &counter.Allocator{Config: counter.Config{
		Store: store, Owner: &Owner{DB: db}, Rules: (&CounterRules{DB: db}).Rules, Pod: "test", SweepEvery: 20 * time.Millisecond,
	}}
	cfg.DB, cfg.Numbers = db, numbers
	writer := NewWriter(cfg)
	r := &replica{db: db, numbers: numbers, Issuer: &Issuer{DB: db, Numbers: numbers, Writer: writer}}
	writing, stopWriting := context.WithCancel(context.Background())
	counting, stopCounting := context.WithCancel(context.Background())
	var w, n sync.WaitGroup
	w.Go(func() { _ = writer.Run(writing) })
	n.Go(func() { _ = numbers.Run(counting) })
	r.stop = sync.OnceFunc(func() {
		stopWriting()
		w.Wait()
		stopCounting()
		n.Wait()
	})
	t.Cleanup(r.stop)
	return r
}

// newTenant makes a tenant and returns who its key speaks for.
func newTenant(t testing.TB, db *DB, name string) Identity {
	t.Helper()
	_, _, text, err := db.CreateTenant(t.Context(), Tenant{Name: name, TimeZone: "Europe/Vienna"})
	if err != nil {
		t.Fatal(err)
	}
	who, err := (&Keys{DB: db}).Authenticate(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// request is a valid wish whose body differs with note.
func request(who Identity, id, note string) Request {
	d := document.Draft{
		IssueDate: "2026-03-14", Currency: "EUR", Note: note,
		Customer: document.Customer{Name: "Ada Example"},
		Lines: []document.Line{{
			Description: "Consulting", Quantity: "2", UnitPrice: "50.00",
			Tax: document.Tax{Category: "S", Rate: "20"},
		}},
	}
	body, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return Request{Identity: who, ID: id, Digest: sha256.Sum256(body), Draft: d}
}

// mustIssue issues within ten seconds.
func (r *replica) mustIssue(t testing.TB, req Request) Issued {
	t.Helper()
	return r.mustIssueWithin(t, 10*time.Second, req)
}

func (r *replica) mustIssueWithin(t testing.TB, bound time.Duration, req Request) Issued {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	got, err := r.Issue(ctx, req)
	if err != nil {
		t.Errorf("issue %q: %v", req.ID, err)
		runtime.Goexit()
	}
	return got
}

// series2026 is the series that the requests of these tests fall into.
func series2026(who Identity) counter.Series {
	return counter.Series{Tenant: who.Tenant, Name: "invoice", Period: "2026"}
}

// raiseEpoch announces a restore, of which all is accounted for.
func raiseEpoch(t testing.TB, db *DB) (era string) {
	t.Helper()
	era, err := db.RaiseEpoch(t.Context(), 0)
	if err == nil {
		err = db.Resume(t.Context(), era)
	}
	if err != nil {
		t.Fatal(err)
	}
	return era
}

// enrolled makes a holder that may write.
func enrolled(t testing.TB, db *DB, holder string) string {
	t.Helper()
	era, err := (&Owner{DB: db}).Enroll(t.Context(), holder)
	if err != nil {
		t.Fatal(err)
	}
	return era
}

// mustBeClean audits everything, what is new and then all, and fails on any finding.
func mustBeClean(t testing.TB, db *DB, store counter.Store) []accounts.Account {
	t.Helper()
	var all []accounts.Account
	for _, full := range []bool{false, true} {
		all = audited(t, &Audit{DB: db, Ledgers: store, Full: full})
		for _, a := range all {
			if !a.Clean() {
				t.Errorf("%s is not clean, full %t: %+v", a.Series, full, a.Findings)
			}
		}
	}
	return all
}

// audited runs an audit and returns its accounts, each of which adds up.
func audited(t testing.TB, audit *Audit) (all []accounts.Account) {
	t.Helper()
	_, err := audit.Run(t.Context(), func(a accounts.Account) error {
		if a.Mark > 0 && a.Sum() != a.Mark-a.First+1 {
			t.Errorf("%s: %+v does not add up", a.Series, a)
		}
		all = append(all, a)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var _ counter.Store = (*countertest.Mem)(nil)

// statusesOf tells the states of all rows of s, as a person would write them.
func statusesOf(t testing.TB, db *DB, s counter.Series) string {
	t.Helper()
	return ask[string](t, db, `
		select string_agg(case when first = last then cast(first as text) else first || '-' || last end || ' ' || status, ', ' order by first)
		from (select min(number) as first, max(number) as last, status
		      from (select number, status, number - row_number() over (partition by status order by number) as island
		            from documents where tenant = $1 and series = $2 and period = $3) d
		      group by status, island) r`, s.Tenant, s.Name, s.Period)
}

// issueUnseen issues without looking for the request before, as in a busy series.
func (r *replica) issueUnseen(ctx context.Context, req Request) (Issued, error) {
	p, err := r.prepare(ctx, req)
	if err != nil {
		return Issued{}, err
	}
	p.RequestID = requestID(req.ID)
	return r.store(ctx, p)
}

// holdUpWrites keeps every document from being stored until what it returns is rolled back, at
// the latest when the test ends.
func holdUpWrites(t testing.TB, db *DB) *sqlx.Tx {
	t.Helper()
	held, err := db.rest.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Rollback() }) // an error if it was rolled back already
	if _, err := held.ExecContext(t.Context(), `set local idle_in_transaction_session_timeout = 0; lock table documents in share mode`); err != nil {
		t.Fatal(err)
	}
	return held
}
