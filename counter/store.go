package counter

import (
	"context"
	"time"
)

// Version stands for one value of a ledger as it was loaded, whole: two equal
// versions mean that the ledger's value is the same to the letter. "" is that of
// a ledger that does not exist.
type Version string

// Holder is one life of one replica.
type Holder struct {
	Name    string    // never used before and never again
	Pod     string    // for people
	Node    string    // for people
	Build   string    // the program's version, for people
	Started time.Time // for people; nothing decides by it
}

// Store keeps ledgers and knows which holders are alive. All of it must be
// linearizable per ledger, and durable when a call returns nil.
type Store interface {
	// Load returns the ledger of s; the zero Ledger and Version if it has none.
	// A value that cannot be read gives an error that wraps ErrDamaged.
	Load(ctx context.Context, s Series) (Ledger, Version, error)

	// Swap replaces the ledger of s by next if its value is still old and
	// holder is registered:
	//
	//	nil           replaced
	//	ErrConflict   not replaced, and this call never will: the value differs
	//	ErrLost       not replaced, and this call never will: holder is gone
	//	else          UNKNOWN: replaced, not replaced, or still to be replaced
	//
	// It is sent at most once. In the same step it keeps the index that
	// HeldBy and Holding read.
	Swap(ctx context.Context, holder string, s Series, old Version, next Ledger) error

	// Register makes h alive until its registration is closed or lost. After an
	// error h may be alive all the same for a time to live: whoever tries again
	// does so under another name.
	Register(ctx context.Context, h Holder) (Registration, error)

	// Alive returns the names of the registered holders.
	Alive(ctx context.Context) ([]string, error)

	// Holding returns the names of all holders, alive or not, that hold a
	// block of any series.
	Holding(ctx context.Context) ([]string, error)

	// HeldBy returns the series of which holder holds a block.
	HeldBy(ctx context.Context, holder string) ([]Series, error)

	// Restored counts how often this Store has found itself in another history
	// than before: restored from an older snapshot, or made anew. All that a
	// holder has in memory is then worth nothing. It only ever grows, at the
	// latest when a call is answered out of the new history.
	Restored() int64

	// CallIn asks all holders, through Watch, to hand back the blocks of s that
	// begin at or below last. It returns at once; nobody need be listening.
	CallIn(ctx context.Context, s Series, last int64) error

	// Watch tells notify, one after the other, of every registration that ends
	// and of every CallIn, from the latest CallIn before it began, until ctx ends
	// or the watch breaks. It always returns an error. What happens between two
	// watches is not told, but for the latest CallIn.
	Watch(ctx context.Context, notify func(Notice)) error

	// List returns the series that have a ledger, in order of their names:
	// all, those of one tenant, or of one tenant's series (empty: any).
	List(ctx context.Context, tenant, name string) ([]Series, error)
}

// RevisionTeller is a Store that also tells at which of its revisions a swap was
// applied, for the books. A Store need not be one.
type RevisionTeller interface {
	// SwapAt is Swap. With nil it returns the revision at which the ledger was
	// replaced, 1 or more; else 0.
	SwapAt(ctx context.Context, holder string, s Series, old Version, next Ledger) (revision int64, err error)
}

// Loaded is what Load returns.
type Loaded struct {
	Ledger  Ledger
	Version Version
	Err     error
}

// BulkLoader is a Store that loads many ledgers at little more than the cost of
// one. A Store need not be one.
type BulkLoader interface {
	// LoadMany loads all, at most MaxSwaps, in the same order.
	LoadMany(ctx context.Context, all []Series) ([]Loaded, error)
}

// Selection names series; empty parts select all. A Period that is nil is any, one
// that is "" that of a series that never restarts.
type Selection struct {
	Tenant string
	Name   string
	Period *string
}

// Selects reports whether s is among the selected.
func (f Selection) Selects(s Series) bool {
	return (f.Tenant == "" || f.Tenant == s.Tenant) &&
		(f.Name == "" || f.Name == s.Name) &&
		(f.Period == nil || *f.Period == s.Period)
}

// Listed is a ledger that was found among others.
type Listed struct {
	Series Series
	Loaded
}

// Page is a part of all ledgers, read at one moment.
type Page struct {
	Ledgers  []Listed // in the order of Series.String, byte by byte
	Foreign  []string // keys among the ledgers that name no series
	Revision int64    // the store's, of that moment: it grows with each change
	Next     string   // where the next page begins; "": this is the last
}

// PageLoader is a Store that reads many ledgers page by page, and tells of which
// moment. A Store need not be one.
type PageLoader interface {
	// LoadPage reads selected ledgers, from where the page before ended ("": from
	// the beginning). Ledgers made meanwhile may be missing.
	LoadPage(ctx context.Context, selected Selection, from string) (Page, error)
}

// Bounds of what a store takes in one step. A single ledger may be longer than
// MaxSwapBytes.
const (
	MaxSwaps     = 64        // ledgers
	MaxSwapBytes = 256 << 10 // bytes of their versions together
)

// Replacement is what Swap does to one ledger.
type Replacement struct {
	Series Series
	Old    Version
	Next   Ledger
}

// BulkSwapper is a Store that also replaces many ledgers in one step. A Store need
// not be one; it makes the hand-back of a quiet series cost a share of a step, and
// that of many series faster.
type BulkSwapper interface {
	BulkLoader

	// SwapMany replaces the ledgers of different series, within MaxSwaps and
	// MaxSwapBytes, all in one step or none, if the value of each is still old
	// and holder is registered:
	//
	//	nil           all are replaced
	//	ErrConflict   none is, and this call never will: some value differs
	//	ErrLost       none is, and this call never will: holder is gone
	//	else          UNKNOWN: all are replaced, none is, or all are still to be
	//
	// For the rest it is as Swap: sent at most once, and the index is kept in the
	// same step.
	SwapMany(ctx context.Context, holder string, all []Replacement) error
}

// Notice is what a [Store.Watch] tells of: a holder that is gone, or a call-in.
type Notice struct {
	Gone string // the holder whose registration has ended; "" if it is a call-in

	Series Series // of a call-in
	Last   int64  // blocks that begin at or below are called in
}

// Registration is a holder's place among the living.
type Registration interface {
	// Lost is closed when the holder is certainly no longer registered. That
	// the store cannot be reached is no loss.
	Lost() <-chan struct{}

	// Close ends the registration and waits for what it had running. The
	// holder may be taken for dead at once. After an error the registration
	// ends by itself within its time to live; Close may be called again.
	Close(ctx context.Context) error
}
