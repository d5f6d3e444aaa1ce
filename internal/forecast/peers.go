package forecast

import "time"

// The rules of two allocators that many use, as their sources state them.
const (
	leafMaxStep  = 1_000_000        // Leaf: MAX_STEP
	leafDuration = 15 * time.Minute // Leaf: SEGMENT_DURATION
	leafAhead    = 0.9              // Leaf: the next segment is fetched when less is left of this one

	tidbMinStep  = 30_000 // TiDB: minStep, and the first step
	tidbMaxStep  = 2_000_000
	tidbDuration = 10 * time.Second // TiDB: defaultConsumeTime
)

// leafStep is Leaf's next step: twice the last if that lasted less than fifteen
// minutes, unless that is too many; half of it after thirty, unless that is less
// than the configured step.
func leafStep(last, configured int64, lasted time.Duration) int64 {
	switch {
	case lasted < leafDuration && 2*last <= leafMaxStep:
		return 2 * last
	case lasted >= 2*leafDuration && last/2 >= configured:
		return last / 2
	}
	return last
}

// tidbStep is TiDB's next step: ten seconds' worth at the rate at which the last
// one was used up, within its bounds.
func tidbStep(last int64, lasted time.Duration) int64 {
	next := float64(last) * tidbDuration.Seconds() / lasted.Seconds()
	return int64(min(max(next, tidbMinStep), tidbMaxStep))
}

// supply is what the peers have in common: numbers at hand, requests that wait,
// and one fetch at a time.
type supply struct {
	gauge   gauge
	fetches int64
	waits   int64 // requests that found no number at hand

	refill  time.Duration // how long a fetch takes
	left    int64         // of the segment in use
	owed    int64         // requests that wait
	coming  int64         // the segment on its way; 0: none
	arrives time.Duration
}

// fetch begins to fetch n numbers.
func (s *supply) fetch(at time.Duration, n int64) {
	s.fetches++
	s.coming, s.arrives = n, at+s.refill
}

// give serves who waits and then notes what is held. spare is held besides.
func (s *supply) give(at time.Duration, spare int64) {
	n := min(s.owed, s.left)
	s.owed -= n
	s.left -= n
	s.gauge.set(at, s.left+spare)
}

// ask notes one request; spare numbers are at hand besides those of the segment.
func (s *supply) ask(spare int64) {
	s.owed++
	if s.left+spare == 0 {
		s.waits++
	}
}

// leaf holds up to two segments: one in use, one ready.
type leaf struct {
	supply
	configured int64
	step       int64
	inUse      int64 // the size of the segment in use
	ready      int64 // the next segment, whole; 0: none
	updated    time.Duration
}

func (l *leaf) take(at time.Duration) {
	l.pass(at)
	l.ask(l.ready)
	l.turn(at)
}

func (l *leaf) pass(at time.Duration) {
	for l.coming > 0 && l.arrives <= at {
		when := l.arrives
		l.ready, l.coming = l.coming, 0
		l.turn(when)
	}
	l.gauge.pass(at)
}

// turn gives what it can, changes to the segment that is ready when the one in
// use is empty, and fetches the next when a tenth of this one is used.
func (l *leaf) turn(at time.Duration) {
	if l.owed > l.left && l.ready > 0 {
		l.owed -= l.left
		l.left, l.inUse, l.ready = l.ready, l.ready, 0
	}
	l.give(at, l.ready)
	if l.ready == 0 && l.coming == 0 && float64(l.left) < max(1, leafAhead*float64(l.inUse)) {
		l.load(at)
	}
}

// load fetches the next segment. The first two have the configured step: Leaf
// begins to measure with the second.
func (l *leaf) load(at time.Duration) {
	if l.fetches < 2 {
		l.step = l.configured
	} else {
		l.step = leafStep(l.step, l.configured, at-l.updated)
	}
	l.updated = at
	l.fetch(at, l.step)
}

// tidb holds one batch, and fetches the next when a request finds it empty.
type tidb struct {
	supply
	step int64
	had  time.Duration // when the last batch came
}

func (d *tidb) take(at time.Duration) {
	d.pass(at)
	d.ask(0)
	d.turn(at)
}

func (d *tidb) pass(at time.Duration) {
	for d.coming > 0 && d.arrives <= at {
		when := d.arrives
		d.left, d.coming, d.had = d.left+d.coming, 0, when
		d.turn(when)
	}
	d.gauge.pass(at)
}

func (d *tidb) turn(at time.Duration) {
	d.give(at, 0)
	if d.owed == 0 || d.coming > 0 {
		return
	}
	if d.fetches == 0 {
		d.step = tidbMinStep
	} else {
		d.step = tidbStep(d.step, at-d.had)
	}
	d.fetch(at, d.step)
}
