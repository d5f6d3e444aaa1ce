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

	// Register makes h alive until its registration is closed or lost.
	Register(ctx context.Context, h Holder) (Registration, error)

	// Alive returns the names of the registered holders.
	Alive(ctx context.Context) ([]string, error)

	// Holding returns the names of all holders, alive or not, that hold a
	// block of any series.
	Holding(ctx context.Context) ([]string, error)

	// HeldBy returns the series of which holder holds a block.
	HeldBy(ctx context.Context, holder string) ([]Series, error)

	// List returns the series that have a ledger, in order of their names:
	// all, those of one tenant, or of one tenant's series (empty: any).
	List(ctx context.Context, tenant, name string) ([]Series, error)
}

// Registration is a holder's place among the living.
type Registration interface {
	// Lost is closed when the holder is certainly no longer registered. That
	// the store cannot be reached is no loss.
	Lost() <-chan struct{}

	// Close ends the registration and waits for what it had running. The
	// holder may be taken for dead at once. After an error the registration
	// ends by itself within its time to live.
	Close(ctx context.Context) error
}
