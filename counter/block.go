package counter

import "time"

// Block is a range set aside for one holder. Its identity is serial, holder and
// range, all three: less has produced duplicates.
type Block struct {
	Serial int64 `json:"serial"`
	Range
	Holder string    `json:"holder"`
	Era    string    `json:"era"` // the era the holder was enrolled in; opaque here
	At     time.Time `json:"at"`  // when it was reserved; for people, nothing decides by it

	// Revision is the store's revision at which the block was reserved, as its holder
	// was told; 0 if nobody told it. It is no part of the ledger: for people, too.
	Revision int64 `json:"-"`
}

// Is reports whether b and other are the same block.
func (b Block) Is(other Block) bool {
	return b.Serial == other.Serial && b.Holder == other.Holder && b.Range == other.Range
}
