package counter

import "context"

// Owner is what the owner of the rows (the place where numbers end up) does
// for an [Allocator]. A counter without an Owner stays unique on its own: what
// a dead holder had left is then forfeited, never given again.
//
// All methods may be called at the same time for the same arguments, by several
// replicas, and again after an error: they must be harmless when repeated.
type Owner interface {
	// Enroll makes holder known as one that may write, and returns the era it
	// may write in. It is called before the holder reserves its first block.
	Enroll(ctx context.Context, holder string) (era string, err error)

	// Floor returns the highest number of s that is known to be spent; 0 if
	// none is.
	Floor(ctx context.Context, s Series) (int64, error)

	// Void records, on behalf of holder, that none of the numbers in ranges will
	// ever be given, for the named reason. A number that has a row already keeps
	// it. It is a write like any other: once holder is fenced it stores nothing
	// and gives an error that wraps ErrLost.
	Void(ctx context.Context, holder string, s Series, ranges []Range, reason string) error

	// Settle decides what became of b, a block of s whose holder is gone (or
	// gives itself up). It first makes sure, durably, that nothing is ever
	// written under b.Holder again, waiting for what is in flight; only then
	// does it read which numbers of b are spent. It returns the numbers that
	// may be given again; all others of b are spent or void from now on. An
	// error means: not settled, leave the block where it is, try again later.
	Settle(ctx context.Context, s Series, b Block) (free []Range, err error)
}
