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
}

// Is reports whether b and other are the same block.
func (b Block) Is(other Block) bool {
	return b.Serial == other.Serial && b.Holder == other.Holder && b.Range == other.Range
}
