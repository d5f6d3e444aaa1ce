package forecast

import (
	"fmt"
	"math/rand/v2"
	"time"

	"folio/counter"
)

// Conditions are what folio's replicas and their network are like. Zero fields
// have the values of a cluster in one place: see [Conditions.orDefault].
type Conditions struct {
	Leg    time.Duration // one way between replica and store, on average
	Floor  time.Duration // Postgres' answer to what a series' floor is
	Commit time.Duration // from the take of a number to the row that spends it
	Idle   time.Duration // after this long without a take a series is handed back
}

func (c Conditions) orDefault() Conditions {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	set(&c.Leg, 1250*time.Microsecond) // a read and a swap: 5 ms
	set(&c.Floor, time.Millisecond)
	set(&c.Commit, 5*time.Millisecond)
	set(&c.Idle, time.Minute)
	return c
}

// fleet is folio's replicas and their store: every shelf, every ledger, and what
// is on its way between them. Times count from its beginning.
type fleet struct {
	conditions Conditions
	random     *rand.Rand
	watch      watch

	events   events
	ledgers  []counter.Ledger // by tenant; each has one series
	versions []uint32         // how often each was swapped
	shelves  []shelf
	spare    []int32         // shelves that are not in use
	places   map[place]int32 // which shelf a replica has for a tenant
	replicas []replica
	held     gauge // numbers reserved and not yet taken, of all series
	failed   error // a transition that the ledger refused: the model is wrong
}

// place is where a shelf stands.
type place struct{ tenant, replica int32 }

// replica is one holder, which lives for as long as the fleet.
type replica struct {
	name    string
	shelves []int32
	tidying tidying
	blocks  int   // in ledgers
	held    int64 // numbers reserved and not yet taken
}

// era is a text as Postgres' eras have it.
const era = "1.00000001.7576148392017364028"

func newFleet(seed uint64, tenants, replicas int, c Conditions, w watch) *fleet {
	f := &fleet{
		conditions: c.orDefault(), watch: w,
		random:   rand.New(rand.NewPCG(seed, 2)),
		ledgers:  make([]counter.Ledger, tenants),
		versions: make([]uint32, tenants),
		replicas: make([]replica, replicas),
		places:   make(map[place]int32),
	}
	for r := range f.replicas {
		f.replicas[r].name = fmt.Sprintf("folio-%010x-%05x.%010x", f.random.Uint64()>>24, f.random.Uint64()>>44, f.random.Uint64()>>24)
		f.events.add(event{at: f.within(f.conditions.Idle / tidyParts), what: tidies, id: int32(r)})
	}
	return f
}

// within draws a time below d.
func (f *fleet) within(d time.Duration) time.Duration {
	return time.Duration(f.random.Int64N(int64(d)))
}

// leg draws how long one way takes: between half and one and a half of its mean.
func (f *fleet) leg() time.Duration { return f.conditions.Leg/2 + f.within(f.conditions.Leg) }

// pass lets everything happen that is due up to at.
func (f *fleet) pass(at time.Duration) {
	for len(f.events) > 0 && f.events[0].at <= at && f.failed == nil {
		f.happen(f.events.next())
	}
	f.held.pass(at)
}

func (f *fleet) happen(e event) {
	switch e.what {
	case refillReads:
		f.read(e, refillSwaps, &f.shelves[e.id].refill)
	case refillSwaps:
		f.swap(e, refillReads, &f.shelves[e.id].refill, f.reserve)
	case refillDone:
		f.put(e.at, e.id)
	case handBackRead:
		f.read(e, handBackSwap, &f.shelves[e.id].handBack)
	case handBackSwap:
		f.swap(e, handBackRead, &f.shelves[e.id].handBack, f.release)
	case handBackDone:
		f.handedBack(e.at, e.id)
	case stepReads:
		f.readStep(e.at, e.id)
	case stepSwaps:
		f.swapStep(e.at, e.id)
	case stepDone:
		f.stepOver(e.at, e.id)
	case tidies:
		f.tidy(e.at, e.id)
	}
}

// attempt is one change of a ledger on its way: what it read, and how often it
// was tried.
type attempt struct {
	under bool // way
	seen  uint32
	tries uint8
}

// read notes which value of the ledger the attempt will compare with.
func (f *fleet) read(e event, then kind, a *attempt) {
	tenant := f.shelves[e.id].tenant
	f.watch.read(e.at, tenant)
	a.seen = f.versions[tenant]
	f.events.add(event{at: e.at + f.leg() + f.leg(), what: then, id: e.id})
}

// swap replaces the ledger if it still has the value that was read; if not, the
// attempt begins again after a pause.
func (f *fleet) swap(e event, again kind, a *attempt, change func(time.Duration, int32) kind) {
	tenant := f.shelves[e.id].tenant
	old := f.ledgers[tenant]
	if a.seen != f.versions[tenant] {
		f.watch.swapped(e.at, tenant, old, old, 1, false)
		a.tries++
		f.events.add(event{at: e.at + f.leg() + f.pause(a.tries) + f.leg(), what: again, id: e.id})
		return
	}
	a.tries = 0
	then := change(e.at, e.id)
	f.versions[tenant]++
	f.watch.swapped(e.at, tenant, old, f.ledgers[tenant], 1, true)
	f.events.add(event{at: e.at + f.leg(), what: then, id: e.id})
}

// pause is what the counter waits before the n-th repeat.
func (f *fleet) pause(n uint8) time.Duration {
	most := min(2*time.Millisecond<<min(n-1, 16), 2*time.Second)
	return most/2 + f.within(most/2)
}

// stamp is the moment at for people.
func stamp(at time.Duration) time.Time { return time.Unix(1_790_000_000, 0).Add(at).UTC() }

// hold notes that replica r has n numbers, and blocks blocks, more.
func (f *fleet) hold(at time.Duration, r int32, n int64, blocks int) {
	f.replicas[r].held += n
	f.replicas[r].blocks += blocks
	f.held.set(at, f.held.value+n)
}

func (f *fleet) fail(err error) {
	if f.failed == nil {
		f.failed = err
	}
}
