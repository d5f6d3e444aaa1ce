package forecast

import "time"

// what an event is.
type kind uint8

const (
	refillReads  kind = iota // a refill's read reaches the store
	refillSwaps              // a refill's swap reaches the store
	refillDone               // a refill's block reaches the replica
	handBackRead             // the same of a hand-back
	handBackSwap
	handBackDone
	stepReads // the same of hand-backs together; of the replica
	stepSwaps
	stepDone
	tidies // a replica looks for idle series
)

// event is something that happens to one shelf, or to one replica.
type event struct {
	at   time.Duration
	what kind
	id   int32 // of the shelf; of the replica if it tidies, or of a step
}

// events is a heap, earliest first.
type events []event

func (e *events) add(ev event) {
	*e = append(*e, ev)
	h := *e
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up].at <= h[i].at {
			return
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
}

// next removes the earliest event; there must be one.
func (e *events) next() event {
	h := *e
	first, last := h[0], len(h)-1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		low := 2*i + 1
		if low >= last {
			break
		}
		if low+1 < last && h[low+1].at < h[low].at {
			low++
		}
		if h[i].at <= h[low].at {
			break
		}
		h[i], h[low] = h[low], h[i]
		i = low
	}
	*e = h
	return first
}
