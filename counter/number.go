package counter

// Number is one number taken from an [Allocator]. Whoever took it owes it
// exactly one of Spend, Return and Doubt. A Number is a small handle, to be
// copied freely; what is said of it a second time is ignored.
type Number struct {
	value int64
	from  *stock
}

// Value returns the number itself.
func (n Number) Value() int64 { return n.value }

// Series returns the series the number belongs to.
func (n Number) Series() Series { return n.from.shelf.series }

// Block returns the block it was taken from: with it, a row can say which
// holder gave the number, and in which era.
func (n Number) Block() Block { return n.from.Block }

// Offer says that a write with this number may be about to leave the process.
// It is called before the write is sent. A number once offered is never handed
// back on the holder's word alone: at the end its block is settled, which reads
// what was stored.
func (n Number) Offer() { n.from.shelf.mark(n, offered) }

// Spend says that a row with this number is stored, by whomever.
func (n Number) Spend() { n.from.shelf.mark(n, spent) }

// Return says that this taker certainly stored no row with this number and
// never will: it is the next to be taken from its block.
func (n Number) Return() { n.from.shelf.giveBack(n) }

// Doubt says that nobody can tell yet whether a row with this number is stored.
// Its block stays held until it is settled.
func (n Number) Doubt() { n.from.shelf.mark(n, doubtful) }
