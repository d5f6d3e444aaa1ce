package etcdstore_test

import (
	"fmt"
	"sync"

	"folio/counter"
)

// given is what takers did with the numbers they took. The zero given is empty.
type given struct {
	mu      sync.Mutex
	inHand  map[counter.Series]map[int64]bool // true: spent
	twice   []string
	numbers int
}

// take notes that a number was taken. One that is in somebody's hand, or spent,
// must not be.
func (g *given) take(s counter.Series, number int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inHand == nil {
		g.inHand = make(map[counter.Series]map[int64]bool)
	}
	if g.inHand[s] == nil {
		g.inHand[s] = make(map[int64]bool)
	}
	if spent, ok := g.inHand[s][number]; ok {
		g.twice = append(g.twice, fmt.Sprintf("%s %d (spent: %t)", s, number, spent))
	}
	g.inHand[s][number] = false
}

func (g *given) spend(s counter.Series, number int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inHand[s][number] = true
	g.numbers++
}

// putBack comes before the number is returned: at once after that it may be
// taken again.
func (g *given) putBack(s counter.Series, number int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.inHand[s], number)
}

// account holds the ledger of s, when all is quiet, against what was given.
// Wrong is a number that may be given again although it was spent, or one that
// was given and never reserved; forfeited are those of which nothing is known.
func (g *given) account(s counter.Series, l counter.Ledger) (wrong []string, forfeited int) {
	free, held := make(map[int64]bool), make(map[int64]bool)
	for _, f := range l.Free {
		each(f.Range, free)
	}
	for _, b := range l.Held {
		each(b.Range, held)
	}
	all := l.Range()
	for n := range g.inHand[s] {
		if n < all.First || n > all.Last {
			wrong = append(wrong, fmt.Sprintf("%s %d was given, the ledger accounts for %s", s, n, all))
		}
	}
	for n := all.First; n <= all.Last; n++ {
		spent := g.inHand[s][n]
		switch {
		case spent && free[n]:
			wrong = append(wrong, fmt.Sprintf("%s %d was spent and is free", s, n))
		case !spent && !free[n] && !held[n]:
			forfeited++
		}
	}
	return wrong, forfeited
}

func each(r counter.Range, into map[int64]bool) {
	for n := r.First; n <= r.Last; n++ {
		into[n] = true
	}
}
