package counter

// Number is one number taken from an [Allocator]. Whoever took it owes it
// exactly one of Spend, Return, ReturnProven and Doubt. A Number is a small handle, to be
// copied freely; what is said of it a second time is ignored, and so is whatever
// is said after a return, even if the number was taken again by somebody else.
type Number struct {
	on   *strip
	at   place
	turn uint32 // how often it was given back before it was taken
}

// Value returns the number itself.
func (n Number) Value() int64 { return n.on.from.First + n.at.offset() }

// Series returns the series the number belongs to.
func (n Number) Series() Series { return n.on.from.shelf.series }

// Block returns the block it was taken from: with it, a row can say which
// holder gave the number, and in which era.
func (n Number) Block() Block { return n.on.from.Block() }

// Offer says that a write with this number may be about to leave the process.
// It is called before the write is sent. A number once offered is never handed
// back on the holder's word alone: at the end its block is settled, which reads
// what was stored; but see ReturnProven.
func (n Number) Offer() { n.mark(offered, spent|doubtful) }

// Spend says that a row with this number is stored, by whomever.
func (n Number) Spend() { n.mark(spent, spent) }

// Return says that this taker certainly stored no row with this number and
// never will: it is the next to be taken from its block.
func (n Number) Return() { n.on.from.shelf.giveBack(n, false) }

// ReturnProven is Return on the word of the owner of the rows: what is stored already
// rules out that this taker's row is, or ever will be, whatever was sent. An offer of
// this turn is taken back by it, so that its block can be handed back.
func (n Number) ReturnProven() { n.on.from.shelf.giveBack(n, true) }

// Doubt says that nobody can tell yet whether a row with this number is stored.
// Its block stays held until it is settled.
func (n Number) Doubt() {
	if n.mark(doubtful, spent|doubtful) {
		n.on.from.shelf.life.a.counts.doubtful.Add(1)
	}
}

// mark adds m unless the number has one of unless, or is not its taker's any more.
func (n Number) mark(m, unless marks) bool {
	if n.turn == 0 {
		return n.on.mark(n.at.index(), m, unless|back)
	}
	return n.markAgain(m, unless)
}

// markAgain is mark for a number that was given back before: its turn counts.
func (n Number) markAgain(m, unless marks) bool {
	n.on.from.shelf.mu.Lock()
	defer n.on.from.shelf.mu.Unlock()
	return n.on.from.mine(n) && n.on.mark(n.at.index(), m, unless)
}
