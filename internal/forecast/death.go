package forecast

import "folio/counter"

// Death is what the loss of one replica leaves to settle at the end: on the mean,
// at the replica that has most, and what came of one that was settled.
type Death struct {
	Series, Blocks int
	Numbers        int64
	BlocksMost     int
	NumbersMost    int64
	Freed          int64 // numbers free again after one was settled
	Kept           int   // ledgers without room for what it had left
}

func (r *run) kill() error {
	d, f := &r.sum.Death, r.fleet
	for i := range f.replicas {
		own := &f.replicas[i]
		d.Series += len(own.shelves)
		d.Blocks += own.blocks
		d.Numbers += own.held
		d.BlocksMost = max(d.BlocksMost, own.blocks)
		d.NumbersMost = max(d.NumbersMost, own.held)
	}
	n := len(f.replicas)
	d.Series, d.Blocks, d.Numbers = d.Series/n, d.Blocks/n, d.Numbers/int64(n)
	for t := range f.ledgers {
		if err := r.settle(int32(t), 0); err != nil {
			return err
		}
	}
	return nil
}

// settle ends the blocks that a dead replica has in one ledger, as the survivors
// do: what was taken has a row, the rest is free again.
func (r *run) settle(tenant, dead int32) error {
	l := r.fleet.ledgers[tenant]
	name := r.fleet.replicas[dead].name
	for _, b := range l.HeldBy(name) {
		free := r.fleet.untaken(place{tenant: tenant, replica: dead}, b)
		next, err := l.Settle(b, free, stamp(r.fleet.held.since))
		if err != nil {
			continue // no room; it is counted below
		}
		l = next
		for _, f := range free {
			r.sum.Death.Freed += f.Len()
		}
	}
	if len(l.HeldBy(name)) > 0 {
		r.sum.Death.Kept++
	}
	r.fleet.ledgers[tenant] = l
	return l.Check()
}

// untaken returns what the replica at p has left of b: all of it, if the block
// never reached the shelf.
func (f *fleet) untaken(p place, b counter.Block) []counter.Range {
	if id, ok := f.places[p]; ok {
		for i := range f.shelves[id].stocks {
			if st := &f.shelves[id].stocks[i]; st.Is(b) {
				return st.unused()
			}
		}
	}
	return []counter.Range{b.Range}
}
