package forecast

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"folio/counter"
)

// Crowd is many tenants on many replicas: the k-th tenant has a k-th of the
// requests of the first (Zipf's law).
type Crowd struct {
	Tenants   int
	Replicas  int
	PerSecond float64 // requests, of all tenants
	Near      int     // how many replicas serve one tenant; 0: all, at random
	Warm      time.Duration
	Long      time.Duration // measured, after the warm-up
	Seed      uint64
	Conditions
}

// Million is the crowd of the tables: a million tenants on a hundred replicas,
// 5,000 invoices a second.
func Million(near int) Crowd {
	return Crowd{Tenants: 1_000_000, Replicas: 100, PerSecond: 5000, Near: near, Warm: 100 * time.Second, Long: 200 * time.Second, Seed: 1}
}

// run is a crowd under way.
type run struct {
	crowd  Crowd
	fleet  *fleet
	random *rand.Rand
	upTo   []float64 // the requests per second of this tenant and all before it
	class  []uint8   // of each tenant, by its rate
	first  []int64   // the first number each tenant is given
	issued []uint32  // how many each tenant was given
	bytes  []int32   // of each tenant's value in the store

	measuring bool
	sum       Forecast
	waits     []time.Duration
}

// Run serves the crowd's requests and says what that took.
func (c Crowd) Run() (Forecast, error) {
	if c.Tenants < 1 || c.Replicas < 1 || c.PerSecond <= 0 || c.Long <= 0 {
		return Forecast{}, fmt.Errorf("a crowd needs tenants, replicas, requests and time: %+v", c)
	}
	r := newRun(c)
	if err := r.found(); err != nil {
		return Forecast{}, err
	}
	r.serve(0, c.Warm)
	r.measuring = true
	r.fleet.held.restart(c.Warm)
	r.serve(c.Warm, c.Warm+c.Long)
	if r.fleet.failed != nil {
		return Forecast{}, r.fleet.failed
	}
	return r.conclude()
}

func newRun(c Crowd) *run {
	r := &run{
		crowd:  c,
		random: rand.New(rand.NewPCG(c.Seed, 3)),
		upTo:   make([]float64, c.Tenants),
		class:  make([]uint8, c.Tenants),
		first:  make([]int64, c.Tenants),
		issued: make([]uint32, c.Tenants),
		bytes:  make([]int32, c.Tenants),
		sum:    Forecast{Crowd: c, Classes: newClasses()},
	}
	r.fleet = newFleet(c.Seed, c.Tenants, c.Replicas, c.Conditions, r)
	return r
}

// lived is how long the tenants had been customers before: their marks and
// serials, and so the size of their ledgers, are those of a month.
const lived = 30 * 24 * time.Hour

// found gives every tenant its rate, and the ledger it has had for a month.
func (r *run) found() error {
	total := 0.0
	for k := range r.upTo {
		total += 1 / float64(k+1)
	}
	sum := 0.0
	for k := range r.upTo {
		rate := r.crowd.PerSecond / float64(k+1) / total
		sum += rate
		r.upTo[k] = sum
		r.class[k] = classOf(rate)
		r.sum.Classes[r.class[k]].Tenants++
		mark := int64(rate * lived.Seconds())
		r.first[k] = mark + 1
		l, err := counter.Ledger{Serial: mark}.SeekTo(mark)
		if err != nil {
			return err
		}
		r.fleet.ledgers[k] = l
		r.bytes[k] = int32(valueBytes(l))
	}
	return nil
}

// serve lets requests come from one moment to another.
func (r *run) serve(from, to time.Duration) {
	at := from.Seconds()
	for {
		at += r.random.ExpFloat64() / r.crowd.PerSecond
		when := time.Duration(at * float64(time.Second))
		if when >= to || r.fleet.failed != nil {
			break
		}
		tenant := r.anyTenant()
		r.fleet.take(when, place{tenant: tenant, replica: r.anyReplica(tenant)})
	}
	r.fleet.pass(to)
}

func (r *run) anyTenant() int32 {
	x := r.random.Float64() * r.upTo[len(r.upTo)-1]
	i, _ := slices.BinarySearch(r.upTo, x)
	return int32(min(i, len(r.upTo)-1))
}

// anyReplica is one of those that serve the tenant.
func (r *run) anyReplica(tenant int32) int32 {
	all := r.crowd.Replicas
	if r.crowd.Near <= 0 || r.crowd.Near >= all {
		return int32(r.random.IntN(all))
	}
	home := int(uint32(tenant) * 2654435761 >> 8) // neighbours by rate live apart
	return int32((home + r.random.IntN(r.crowd.Near)) % all)
}

func (r *run) took(_ time.Duration, tenant int32, number int64, waited time.Duration) {
	distance := number - r.first[tenant] - int64(r.issued[tenant])
	r.issued[tenant]++
	if !r.measuring {
		return
	}
	c := &r.sum.Classes[r.class[tenant]]
	c.Numbers++
	c.distances = append(c.distances, int32(min(max(distance, -distance), math.MaxInt32)))
	r.waits = append(r.waits, waited)
}

func (r *run) read(_ time.Duration, tenant int32) {
	if r.measuring {
		r.sum.Classes[r.class[tenant]].Reads++
	}
}

func (r *run) asked(_ time.Duration, tenant int32) {
	if r.measuring {
		r.sum.Classes[r.class[tenant]].Floors++
	}
}

func (r *run) swapped(_ time.Duration, tenant int32, _, next counter.Ledger, share float64, done bool) {
	before := r.bytes[tenant]
	if done {
		r.bytes[tenant] = int32(valueBytes(next))
	}
	if !r.measuring {
		return
	}
	c := &r.sum.Classes[r.class[tenant]]
	c.Swaps += share
	c.Sent += int64(before + r.bytes[tenant])
	if done {
		c.Stored += int64(r.bytes[tenant])
	} else {
		c.Conflicts += share
	}
}

func (r *run) noRoom() { r.sum.NoRoom++ }

// quantile returns the value that a share of the sorted values is not above.
func quantile[T cmp.Ordered](sorted []T, share float64) (none T) {
	if len(sorted) == 0 {
		return none
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}
