package forecast

import (
	"time"

	"folio/counter"
)

// watch is told what happens in a fleet.
type watch interface {
	// took: a number of a tenant was taken, after a wait.
	took(at time.Duration, tenant int32, number int64, waited time.Duration)
	// read: a ledger was read from the store.
	read(at time.Duration, tenant int32)
	// asked: the owner of the rows was asked for a series' floor.
	asked(at time.Duration, tenant int32)
	// swapped: a transaction of the store, or a share of one with others, which did
	// or did not replace old.
	swapped(at time.Duration, tenant int32, old, next counter.Ledger, share float64, done bool)
	// noRoom: a block could not be handed back.
	noRoom()
}
