package accounts

import "folio/counter"

// Finding is something that is wrong with the books of a series.
type Finding struct {
	Kind   Kind
	Series counter.Series  // the zero Series: of none, as a key that names none
	Ranges []counter.Range // the numbers it is about, if it is about numbers
	Text   string          // what is wrong, as a sentence without its series
}

// Kind is what is wrong, as a word that programs know.
type Kind string

// The kinds of findings.
const (
	Unaccounted   Kind = "unaccounted"           // neither issued, void, held nor free
	LedgerMissing Kind = "ledger_missing"        // documents, but no ledger
	LedgerDamaged Kind = "ledger_damaged"        // a ledger that does not parse, or cannot be right
	LedgerBehind  Kind = "ledger_behind"         // documents above the mark
	BelowFirst    Kind = "documents_below_first" // documents below the first number
	UnknownHolder Kind = "unknown_holder"        // a block of a holder that neither store knows
	StrictLedger  Kind = "strict_has_ledger"     // a ledger of a series whose counter is in Postgres
	StrictBehind  Kind = "strict_behind"         // documents above the mark of a strict series
	RowGone       Kind = "row_gone"              // had a row when it was audited before
	ForeignKey    Kind = "foreign_key"           // a key among the ledgers that names no series
)

// Kinds are all kinds, in the order in which they are told.
func Kinds() []Kind {
	return []Kind{Unaccounted, LedgerMissing, LedgerDamaged, LedgerBehind, BelowFirst, UnknownHolder, StrictLedger, StrictBehind, RowGone, ForeignKey}
}
