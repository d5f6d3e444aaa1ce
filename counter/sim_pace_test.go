package counter_test

import (
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// pace is what the two families of worlds differ in.
type pace struct {
	pods    int // replicas that live side by side
	clients int // of one replica, at most
	halfway int // one in so many settlements ends in a crash

	between  time.Duration // two invoices of one client, at most
	patience time.Duration // of a client, at most
	returned int           // one number in so many is given back
	every    time.Duration // so often all clients of a replica pause together,
	rest     time.Duration // for so long

	life  time.Duration // until misfortune comes, at most
	blows int           // how often it comes to one replica

	seeks         time.Duration // between two seeks of one replica, at most
	behind, ahead int           // of the mark: to where a seek goes, at most

	idle, sweep time.Duration // see counter.Config

	// A store that stutters falls silent for short times, one after the other, none
	// longer than this. In between it loses swaps and their replies, and is slow to
	// answer now and then. 0: it does not.
	stutter time.Duration
}

// wide has several busy replicas, who work on blocks of many numbers.
func (w *world) wide() pace {
	return pace{
		pods: 3, clients: 6, halfway: 10,
		between: 200 * time.Millisecond, patience: 5 * time.Second, returned: 20, every: 25 * time.Second, rest: 10 * time.Second,
		life: 20 * time.Second, blows: 1,
		seeks: 20 * time.Second, behind: 10, ahead: 30,
		idle: time.Duration(w.intn(2)) * 2 * time.Second,
	}
}

// small has few numbers, of which many are given back, clients who soon go away, and
// a store that stutters. There a range is free, and reserved again by the same
// holder, while somebody still asks what became of the block that it was before.
func (w *world) small() pace {
	return pace{
		pods: 1 + w.intn(3), clients: 3, halfway: 40,
		between: 500 * time.Millisecond, patience: 500 * time.Millisecond, returned: 2, every: 4 * time.Second, rest: 2 * time.Second,
		life: 15 * time.Second, blows: 5,
		seeks: 6 * time.Second, behind: 1, ahead: 3,
		idle: time.Second, sweep: time.Second, stutter: 3 * time.Second,
	}
}

// fault draws the two bits, and the delays, of one call.
func (w *world) fault(op string, s counter.Series) countertest.Fault {
	if op == "Swap" && s == (counter.Series{}) {
		return countertest.Fault{} // see alive
	}
	f := countertest.Fault{Delay: w.upTo(10 * time.Millisecond), Late: w.upTo(10 * time.Millisecond)}
	switch {
	case w.calm.Load():
		return f
	case w.away.Load():
		f.Drop = true
		return f
	case w.deaf.Load() && w.intn(10) != 0:
		f.Mute = true
		return f
	case w.pace.stutter > 0 && w.stutter(op, &f):
		return f
	}
	switch w.intn(12) {
	case 0:
		f.Drop = true
	case 1:
		f.Mute = true
	case 2:
		f.Delay = w.upTo(3 * time.Second)
	case 3:
		f.Stray = w.upTo(5 * time.Second)
	}
	return f
}

// stutter draws what is peculiar to a store that stutters; false: nothing is.
func (w *world) stutter(op string, f *countertest.Fault) bool {
	switch {
	case op == "Swap" && w.intn(3) == 0:
		f.Mute = w.intn(2) == 0
		f.Drop = !f.Mute
	case op == "Load" && w.intn(4) == 0:
		f.Delay = w.upTo(400 * time.Millisecond)
	case op == "Holding" && w.intn(2) == 0:
		f.Delay = w.upTo(3 * time.Second)
	default:
		return false
	}
	return true
}

// silences are those of a store that stutters: what it is asked it does, and hardly
// any reply comes through.
func (w *world) silences() {
	for w.pace.stutter > 0 && !w.calm.Load() {
		time.Sleep(w.upTo(2 * w.pace.stutter))
		w.history.note("the store falls silent")
		w.deaf.Store(true)
		time.Sleep(w.upTo(w.pace.stutter))
		w.deaf.Store(false)
		w.history.note("the store speaks")
	}
}
