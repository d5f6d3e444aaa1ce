package statements

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
	"folio/invoices/document"
)

// replica is what one process of folio has for issuing.
type replica struct {
	numbers *counter.Allocator
	issuer  *invoices.Issuer
}

// load is several replicas at work in the same books, and what disturbs them.
type load struct {
	db       *invoices.DB
	client   *clientv3.Client
	store    *etcdstore.Store
	replicas []*replica
	seeker   *replica // issues nothing, and lives to the end
	tenants  []*tenant

	kills, seeks, freed, issued, repeats, refused atomic.Int64
}

// tenant issues in a series that restarts each month. The month it is at moves on
// when the numbers of the one before have become many, so that each statement reads
// little.
type tenant struct {
	who   invoices.Identity
	month atomic.Int64 // since January 2000
}

func (t *tenant) date() string { return dateOf(t.month.Load()) }

func dateOf(month int64) string {
	return time.Date(2000, time.January+time.Month(month), 15, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func (t *tenant) series(month int64) counter.Series {
	return counter.Series{Tenant: t.who.Tenant, Name: "monthly", Period: dateOf(month)[:len("2006-01")]}
}

// newLoad makes books of their own, with tenants of either way to treat what dead
// holders leave.
func newLoad(t *testing.T, name string, replicas, tenants int) *load {
	t.Helper()
	db, err := invoices.Open(invoices.DBConfig{URL: postgresURL})
	if err != nil {
		t.Fatal(err)
	}
	client, err := etcdstore.Dial(t.Context(), etcdEndpoints)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.Close(), client.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := &load{db: db, client: client, store: &etcdstore.Store{Client: client}}
	for i := range tenants {
		l.tenants = append(l.tenants, l.newTenant(t, fmt.Sprintf("%s-%d", name, i), i))
	}
	for i := range replicas {
		l.replicas = append(l.replicas, l.newReplica(t, fmt.Sprintf("%s-r%d", name, i)))
	}
	l.seeker = l.newReplica(t, name+"-seeker")
	return l
}

func (l *load) newTenant(t *testing.T, name string, i int) *tenant {
	t.Helper()
	_, _, text, err := l.db.CreateTenant(t.Context(), invoices.Tenant{Name: name, TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	who, err := (&invoices.Keys{DB: l.db}).Authenticate(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	s := invoices.NewSeries(name, "monthly")
	s.Format, s.Period, s.Start = "M-{yyyy}-{mm}-{seq}", "month", int64(1+i*10)
	if i%2 == 1 {
		s.OnLoss = "void"
	} else {
		s.ReuseWithin = invoices.Span(time.Second)
	}
	if _, _, err := (&invoices.SeriesBook{DB: l.db, Ledgers: l.store}).Put(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return &tenant{who: who}
}

// newReplica starts a replica; it stops with the test, after what disturbs it.
func (l *load) newReplica(t *testing.T, pod string) *replica {
	t.Helper()
	numbers := &counter.Allocator{Config: counter.Config{
		Store: &etcdstore.Store{Client: l.client}, Owner: &invoices.Owner{DB: l.db}, Rules: (&invoices.CounterRules{DB: l.db}).Rules,
		Pod: pod, Idle: 100 * time.Millisecond, SweepEvery: 200 * time.Millisecond,
	}}
	writer := invoices.NewWriter(invoices.WriterConfig{DB: l.db, Numbers: numbers})
	writing, stopWriting := context.WithCancel(context.Background())
	counting, stopCounting := context.WithCancel(context.Background())
	var w, n sync.WaitGroup
	w.Go(func() { _ = writer.Run(writing) })
	n.Go(func() { _ = numbers.Run(counting) })
	t.Cleanup(func() {
		stopWriting()
		w.Wait()
		stopCounting()
		n.Wait()
	})
	return &replica{numbers: numbers, issuer: &invoices.Issuer{DB: l.db, Numbers: numbers, Writer: writer}}
}

// run works until ctx ends.
func (l *load) run(ctx context.Context) {
	var work sync.WaitGroup
	for i, r := range l.replicas {
		work.Go(func() { l.issue(ctx, r, rand.New(rand.NewPCG(uint64(i), 5))) })
	}
	work.Go(func() { l.kill(ctx) })
	for i := range l.tenants {
		work.Go(func() { l.seek(ctx, i) })
	}
	work.Wait()
}

// issue takes numbers: of documents, of repeats that another replica may be working
// on at the same time and whose number goes back, and of documents elsewhere.
func (l *load) issue(ctx context.Context, r *replica, dice *rand.Rand) {
	for ctx.Err() == nil {
		t := l.tenants[dice.IntN(len(l.tenants))]
		var err error
		if dice.IntN(10) == 0 {
			id := fmt.Sprint("e", dice.Uint64())
			_, err = r.issuer.TakeNumbers(ctx, invoices.NumbersRequest{
				Identity: t.who, ID: id, Digest: sha256.Sum256([]byte(id)), Series: "monthly", Count: 1 + dice.IntN(4), IssueDate: t.date(),
			})
		} else {
			var got invoices.Issued
			got, err = r.issuer.Issue(ctx, request(t, fmt.Sprint(t.month.Load(), "-", dice.IntN(400))))
			if got.Replayed {
				l.repeats.Add(1)
			}
		}
		if err == nil {
			l.issued.Add(1)
		} else if ctx.Err() == nil {
			l.refused.Add(1) // its holder was just lost; nothing was promised
		}
		if dice.IntN(40) == 0 {
			rest(ctx, time.Duration(dice.IntN(300))*time.Millisecond) // idle for long enough to hand back
		}
	}
}

func request(t *tenant, id string) invoices.Request {
	return invoices.Request{Identity: t.who, ID: id, Digest: sha256.Sum256([]byte(id)), Draft: document.Draft{
		Series: "monthly", IssueDate: t.date(), Currency: "EUR", Customer: document.Customer{Name: "Ada"},
		Lines: []document.Line{{Description: "Work", Quantity: "1", UnitPrice: "1", Tax: document.Tax{Category: "Z"}}},
	}}
}

// rest waits, without the processor.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// kill ends the registration of a holder, as the end of its lease does: the others
// fence it and settle what it held while it still works.
func (l *load) kill(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		rest(ctx, 400*time.Millisecond)
		if holder := l.replicas[i%len(l.replicas)].numbers.Holder(); holder != "" {
			if done, err := l.client.Delete(ctx, "/folio/holders/"+holder); err == nil && done.Deleted > 0 {
				l.kills.Add(1)
			}
		}
	}
}

// seek moves the series of a tenant forward, past numbers that others hold.
func (l *load) seek(ctx context.Context, of int) {
	t := l.tenants[of]
	for i := of; ctx.Err() == nil; i++ {
		rest(ctx, 200*time.Millisecond)
		s := t.series(t.month.Load())
		led, _, err := l.store.Load(ctx, s)
		if err != nil || led.Mark == 0 {
			continue
		}
		if err := l.seeker.numbers.Seek(ctx, s, led.Mark+int64(i%4), "test"); err == nil {
			l.seeks.Add(1)
		}
	}
}

// What has to happen, at the least, while statements are taken.
const (
	enoughKills   = 20
	enoughSettled = 20
	enoughSeeks   = 20
	enoughFreed   = 20 // statements that saw free what had been held
	enoughRepeats = 100
)

// moved reports whether enough has happened.
func (l *load) moved() bool {
	return l.kills.Load() >= enoughKills && l.settled() >= enoughSettled && l.seeks.Load() >= enoughSeeks &&
		l.freed.Load() >= enoughFreed && l.repeats.Load() >= enoughRepeats
}

// settled counts the blocks of lost holders that replicas settled.
func (l *load) settled() (n int64) {
	for _, r := range l.replicas {
		n += r.numbers.Stats().Settled
	}
	return n
}

// stater takes a statement of a series.
type stater func(ctx context.Context, s counter.Series) (invoices.Statement, error)

// numbersOfAMonth is after how many numbers a tenant goes on to the next month.
const numbersOfAMonth = 250

// state takes statements of one tenant, of the month it is at and of the one before,
// and holds each against the property, until enough are taken and enough has happened
// meanwhile, or the time for that is over.
func (l *load) state(ctx context.Context, t *tenant, enough int, until time.Time, take stater) (*judge, error) {
	seen := &judge{}
	judges := map[int64]*judge{0: {}}
	for seen.taken < enough || !l.moved() && time.Now().Before(until) {
		now := t.month.Load()
		month := now
		if seen.taken%4 == 3 {
			month = max(0, now-1)
		}
		said, err := take(ctx, t.series(month))
		if err != nil {
			return seen, fmt.Errorf("state %s: %w", t.series(month), err)
		}
		j := judges[month]
		freed := j.freed
		if err := j.object(said); err != nil {
			return seen, &broken{fmt.Errorf("statement %d of %s, at revision %d and snapshot %s: %w", seen.taken, t.series(month), said.AsOf.Revision, said.AsOf.Snapshot, err)}
		}
		seen.taken++
		l.freed.Add(int64(j.freed - freed))
		if month == now && said.Mark-said.First > numbersOfAMonth {
			judges[now+1] = &judge{}
			if old := judges[now-1]; old != nil {
				seen.addSeen(old)
				delete(judges, now-1)
			}
			t.month.Store(now + 1)
		}
	}
	for _, j := range judges {
		seen.addSeen(j)
	}
	return seen, nil
}

// addSeen is add for what was not counted yet.
func (j *judge) addSeen(other *judge) {
	taken := j.taken
	j.add(other)
	j.taken = taken
}

// broken is a statement without the property.
type broken struct{ error }

// stateAll takes statements of all tenants side by side while the load runs.
func (l *load) stateAll(t *testing.T, enough int, take stater) (*judge, error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var working sync.WaitGroup
	working.Go(func() { l.run(ctx) })
	defer working.Wait()
	defer stop()
	all, until := &judge{}, time.Now().Add(2*time.Minute)
	var mu sync.Mutex
	var failed []error
	var taking sync.WaitGroup
	for _, tenant := range l.tenants {
		taking.Go(func() {
			seen, err := l.state(ctx, tenant, enough/len(l.tenants), until, take)
			mu.Lock()
			defer mu.Unlock()
			all.add(seen)
			if err != nil {
				failed = append(failed, err)
			}
			if asBroken(err) {
				stop() // one is enough
			}
		})
	}
	taking.Wait()
	failed = slices.DeleteFunc(failed, func(err error) bool { return errors.Is(err, context.Canceled) })
	return all, errors.Join(failed...)
}

func asBroken(err error) bool {
	var b *broken
	return errors.As(err, &b)
}
