package accounts

import (
	"time"

	"folio/counter"
)

// Account is what became of each number of a series, from First to Mark.
type Account struct {
	Series counter.Series
	Strict bool  // its counter is in Postgres: nothing is ever held or free
	First  int64 // where accounting begins
	Mark   int64 // the highest number ever reserved; First-1 if none was, 0 if the ledger cannot be read

	Range counter.Range // that an authority granted; zero: none, or it has expired

	Issued      Numbers // with a document
	Void        Void    // with a reason
	Held        Held    // in the block of a holder
	Free        Numbers // given next
	Unaccounted Numbers // none of the four: there must be none

	// Findings say what is wrong with the books, unaccounted numbers among them.
	Findings []Finding

	AsOf AsOf
}

// Numbers are numbers of one kind. An account that only counts has no ranges of what
// is issued and void.
type Numbers struct {
	Count  int64           `json:"count"`
	Ranges []counter.Range `json:"ranges"` // ascending and apart
}

// Void are the numbers that will never be given.
type Void struct {
	Numbers
	Reasons []Reason // in the order of their names; none in an account that only counts
}

// Reason is why numbers are void.
type Reason struct {
	Reason string
	Numbers
}

// Held are the numbers that holders have.
type Held struct {
	Numbers
	Blocks []Block // in the order in which they were reserved; whose numbers all have a row is not among them
}

// Block is a held block, and those of its numbers that have no row.
type Block struct {
	Block counter.Block
	Numbers
}

// AsOf is the moment of an account: the ledger was read first, at a revision of etcd,
// then the rows, in a snapshot of Postgres. A number of two kinds counts as the first
// of row, held, free.
type AsOf struct {
	Revision int64     // of etcd; 0: unknown
	Snapshot string    // of Postgres, as pg_current_snapshot() writes it
	At       time.Time // when the rows were read, by the clock of Postgres
}

// Clean reports whether every number is accounted for and nothing is wrong.
func (a Account) Clean() bool { return len(a.Findings) == 0 }

// Sum counts the numbers of all kinds. It is that of the numbers from First to Mark,
// unless the ledger cannot be read.
func (a Account) Sum() int64 {
	return a.Issued.Count + a.Void.Count + a.Held.Count + a.Free.Count + a.Unaccounted.Count
}

func numbers(ranges []counter.Range) Numbers { return Numbers{Count: Total(ranges), Ranges: ranges} }
