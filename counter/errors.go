package counter

import "errors"

// The outcomes of a [Store.Swap] that are known, see there.
var (
	// ErrConflict: the ledger was not replaced, it had changed since it was
	// loaded.
	ErrConflict = errors.New("the ledger has changed")

	// ErrLost: the ledger was not replaced, the holder is no longer registered
	// and never will be again under that name.
	ErrLost = errors.New("the holder is no longer registered")
)

// What an [Allocator] and a [Ledger] tell their callers.
var (
	// ErrExhausted: the series has no number left below its limit.
	ErrExhausted = errors.New("no number left in the series")

	// ErrDamaged: the ledger cannot be read or contradicts itself. It is never
	// overwritten; a person has to look at it. Other series go on.
	ErrDamaged = errors.New("the ledger is damaged")

	// ErrTooFar: a seek would skip more numbers than one call may.
	ErrTooFar = errors.New("the seek goes too far")

	// ErrAlive: a holder is registered, so nobody else settles what it has.
	ErrAlive = errors.New("the holder is registered")

	// ErrUnavailable: no number could be had in time; try again later.
	ErrUnavailable = errors.New("no number available in time")

	// ErrClosed: the allocator has been stopped, or was never run.
	ErrClosed = errors.New("the allocator is not running")

	// ErrNoRoom: the ledger has as many free ranges as it may have; the block
	// stays held until some of them are used.
	ErrNoRoom = errors.New("no room for another free range")

	// ErrNotHeld: the block is not, or no longer, held in this ledger.
	ErrNotHeld = errors.New("the block is not held")
)
