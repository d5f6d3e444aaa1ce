package model

import "math/bits"

// state is everything that can differ between two moments of a world. It is a
// plain value: two histories that lead to equal states are explored once.
type state struct {
	etcd   etcd
	pg     [2]server // the primary, and the standby that may take over
	lives  [maxLives]life
	strays [2]swap // requests that their senders have given up

	acked  numbers // ever acknowledged, in any history of Postgres
	lost   numbers // of these, not known to the present primary
	orphan numbers // given before etcd was restored, or about to be, and unknown to what it was restored to

	sweepOf ledgerID // the ledger that the sweep under way has read
	sweeps  bool     // a sweep is under way
	swept   bool     // nothing was left to sweep since

	kills, pauses, givenUp, doubts, handBacks, stops uint8
	standby                                          standbyState
	breach                                           breach // noticed in the step that led here
}

// etcd is one key, its leases, and a copy of both from which it is restored.
type etcd struct {
	ledger, savedLedger         ledgerID
	rev, savedRev               uint8 // kept only if swaps compare revisions
	registered, savedRegistered lifeSet
	identity                    uint8 // changes with a restore
	saved                       bool
}

// server is one Postgres.
type server struct {
	up      bool
	era     uint8
	rows    [maxNumber + 1]author
	holders [maxLives]standing
	flights [maxLives]batch
}

// batch is a statement of one holder that is under way, with one row.
type batch struct {
	number  uint8 // 0: none
	request uint8 // see life.requests
	waits   bool  // its sender waits for the answer
}

// author is what the row of a number says: nothing, the holder, or that it is void.
type author uint8

const (
	noRow author = iota
	byFirst
	void author = 100
)

// by is the author of a row. A number that one life got more than once, because
// etcd went back in between, is written for different requests.
func by(life int, request uint8) author {
	return byFirst + author(life) + maxLives*author(request)
}

// standing is a holder's row in Postgres.
type standing uint8

const (
	unknownHolder standing = iota // without a row a holder counts as fenced
	enrolled
	fenced
)

type standbyState uint8

const (
	following standbyState = iota // it has every commit
	cutOff                        // it has what it had when it was cut off
	promoted
)

// swap is a compare-and-swap on its way to etcd.
type swap struct {
	old, next ledgerID
	rev       uint8
	life      uint8
	sent      bool
}

// life is one holder's process: what it remembers.
type life struct {
	phase    phase
	era      uint8 // that it read; its blocks bear it
	rowEra   uint8 // that its row bears
	fates    [maxNumber + 1]fate
	requests [maxNumber + 1]uint8 // for which request, of those that ever had the number
	blocks   [2]block

	bornIn  uint8 // the identity of etcd when it began
	knows   uint8 // the identity of etcd it last asked the floor for, plus one; 0: none
	floor   uint8
	noticed bool    // it saw etcd change its identity, and has to set aside what may have been given
	seen    numbers // acknowledged before it asked: never to be in its next block

	op op
}

type phase uint8

const (
	unborn phase = iota
	beginning
	alive
	dead
)

// fate is what a life knows of a number on its shelf.
type fate uint8

const (
	absent fate = iota
	untaken
	leaving // being handed back
	offered // a write with it is under way
	doubtful
	spent
)

// block is a counter.Block, small.
type block struct{ serial, first, last uint8 }

// op is the one change of the ledger that a life is making.
type op struct {
	kind      opKind
	stage     opStage
	swap      swap
	uncertain bool    // an earlier attempt may have been applied
	block     block   // wanted, handed back, or settled
	era       uint8   // read at the fence
	of        uint8   // whose block is settled
	voids     numbers // still to be written, if they are not written first
	fromFree  bool
}

type opKind uint8

const (
	idle opKind = iota
	reserving
	raising
	handingBack
	stopping
	settling
)

type opStage uint8

const (
	begun opStage = iota // loaded, and for settling: fenced
	sent
	again // outcome unknown, or conflict after one: read once more
	late  // raised, voids still to be written
)

type lifeSet uint8

func (s lifeSet) has(i int) bool { return s&(1<<i) != 0 }
func (s *lifeSet) add(i int)     { *s |= 1 << i }
func (s *lifeSet) remove(i int)  { *s &^= 1 << i }

// numbers is a set of numbers.
type numbers uint8

func (s numbers) has(n int) bool { return s&(1<<n) != 0 }
func (s *numbers) add(n int)     { *s |= 1 << n }

// highest returns the highest number of s; 0 if it is empty.
func (s numbers) highest() uint8 { return uint8(max(bits.Len8(uint8(s)), 1) - 1) }

func span(first, last int) numbers {
	var s numbers
	for n := first; n <= last; n++ {
		s.add(n)
	}
	return s
}

// present is the index of the newest server.
func (s *state) present() int {
	if s.standby == promoted {
		return 1
	}
	return 0
}

// taken returns the numbers that have a row.
func (p *server) taken() numbers {
	var set numbers
	for n, a := range p.rows {
		if a != noRow {
			set.add(n)
		}
	}
	return set
}

// invoices returns the numbers whose row is not void.
func (p *server) invoices() numbers {
	var set numbers
	for n, a := range p.rows {
		if a != noRow && a != void {
			set.add(n)
		}
	}
	return set
}

// record makes every number of set void that has no row.
func (p *server) record(set numbers) {
	for n := range p.rows {
		if set.has(n) && p.rows[n] == noRow {
			p.rows[n] = void
		}
	}
}
