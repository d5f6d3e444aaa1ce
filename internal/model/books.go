package model

import (
	"fmt"
	"strconv"
	"time"

	"folio/counter"
)

// ledgerID names a ledger's whole value: two ids are equal if and only if the
// values are. 0 is the ledger that does not exist.
type ledgerID uint16

// books keeps every ledger that was ever reached, so that a state can name it.
type books struct {
	ledgers []counter.Ledger
	claims  []claims
	ids     map[string]ledgerID
	text    []byte // scratch
}

// claims is what a ledger says of each number.
type claims struct{ covered, held, free numbers }

func newBooks() *books {
	b := &books{ids: make(map[string]ledgerID)}
	b.id(counter.Ledger{})
	return b
}

func (b *books) at(id ledgerID) counter.Ledger { return b.ledgers[id] }

// id names l. A ledger that is damaged is a mistake of the model, or of the
// ledger: there is no way to go on.
func (b *books) id(l counter.Ledger) ledgerID {
	b.text = spell(b.text[:0], l)
	if id, known := b.ids[string(b.text)]; known {
		return id
	}
	if err := l.Check(); err != nil {
		panic(fmt.Sprintf("a transition has made a damaged ledger: %v: %+v", err, l))
	}
	if len(b.ledgers) > 1<<16-1 {
		panic("more ledgers than a state can name: make the world smaller")
	}
	id := ledgerID(len(b.ledgers))
	b.ids[string(b.text)] = id
	b.ledgers = append(b.ledgers, l)
	b.claims = append(b.claims, claim(l))
	return id
}

// spell writes l's whole value, for comparison. All numbers of a small world fit
// in a byte, and so do the names of holders and eras.
func spell(to []byte, l counter.Ledger) []byte {
	to = append(to, byte(l.First), byte(l.Mark), byte(l.Serial), byte(len(l.Held)))
	for _, h := range l.Held {
		to = append(to, byte(h.Serial), byte(h.First), byte(h.Last), h.Holder[0], h.Era[0])
	}
	for _, f := range l.Free {
		to = append(to, byte(f.First), byte(f.Last))
	}
	return to
}

func claim(l counter.Ledger) claims {
	c := claims{covered: span(int(l.Range().First), int(l.Mark))}
	for _, h := range l.Held {
		c.held |= span(int(h.First), int(h.Last))
	}
	for _, f := range l.Free {
		c.free |= span(int(f.First), int(f.Last))
	}
	return c
}

func holderName(life int) string { return string(rune('a' + life)) }

func lifeNamed(holder string) int { return int(holder[0] - 'a') }

func eraName(era uint8) string { return strconv.Itoa(int(era)) }

func eraNamed(text string) uint8 {
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		panic(err)
	}
	return uint8(n)
}

func small(b counter.Block) block {
	return block{serial: uint8(b.Serial), first: uint8(b.First), last: uint8(b.Last)}
}

// large is small turned round, for the holder and era of life.
func (b block) large(life int, era uint8) counter.Block {
	return counter.Block{
		Serial: int64(b.serial), Range: counter.Range{First: int64(b.first), Last: int64(b.last)},
		Holder: holderName(life), Era: eraName(era),
	}
}

func (b block) numbers() numbers { return span(int(b.first), int(b.last)) }

// ranges turns a set of numbers into ascending ranges that are apart.
func (s numbers) ranges() []counter.Range {
	var all []counter.Range
	for n := 1; n <= maxNumber; n++ {
		if !s.has(n) {
			continue
		}
		if k := len(all); k > 0 && all[k-1].Last == int64(n-1) {
			all[k-1].Last = int64(n)
			continue
		}
		all = append(all, counter.Range{First: int64(n), Last: int64(n)})
	}
	return all
}

// never is the time of everything: nothing decides by time.
var never = time.Time{}
