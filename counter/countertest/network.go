package countertest

import (
	"math/rand/v2"
	"sync"
	"time"

	"folio/counter"
)

// inARow bounds how many calls a [Network] loses one after the other, so that who
// repeats a call is answered.
const inARow = 4

// Network is a bad network: of ten calls it loses two before they take effect and
// the replies of two; now and then a swap strays, and takes effect after its caller
// has given up. All is drawn from Seed; no more than four calls are lost in a row.
// Each call is a little late. A Network of the zero Seed is good.
type Network struct {
	Seed uint64

	mu  sync.Mutex
	rng *rand.Rand
	row int
}

// Fault decides what becomes of the next call, as [Mem.Faults] does.
func (n *Network) Fault(op string, _ counter.Series) Fault {
	if n.Seed == 0 {
		return Fault{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rng == nil {
		n.rng = rand.New(rand.NewPCG(n.Seed, 1))
	}
	f := n.draw(op)
	if f.Drop || f.Mute || f.Stray > 0 {
		n.row++
	} else {
		n.row = 0
	}
	return f
}

func (n *Network) draw(op string) Fault {
	late := func() time.Duration { return time.Duration(n.rng.IntN(300)) * time.Microsecond }
	f := Fault{Delay: late(), Late: late()}
	switch what := n.rng.IntN(20); {
	case n.row == inARow:
	case what < 4:
		f.Drop = true
	case what < 8:
		f.Mute = true
	case what < 9 && swaps(op):
		f.Stray = 5*time.Millisecond + late()
	}
	return f
}
