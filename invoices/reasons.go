package invoices

import "strings"

// Reasons that the counter gives, and an operator's tools.
const (
	reasonSeek         = "seek"          // see counter.Allocator.Seek
	reasonReleasedLate = "released_late" // see counter.Rules.ReuseWithin
	reasonOperator     = "operator"      // an operator voided it by hand
)

// ReasonSentence says in a sentence why a number is void: of the reasons that folio
// gives itself, what they mean; of any other, which is somebody's own words, these
// words. It is the one place that knows: explanations, registers and statements
// agree.
func ReasonSentence(reason string) string {
	switch reason {
	case reasonReplicaLost:
		return "The replica that held it was lost before a document bore it, and the series does not use such numbers again."
	case reasonReleasedLate:
		return "It was freed without a document, and not used again within the time that the series allows."
	case reasonRangeExpired:
		return "It belongs to the rest of an authorised range that was not used."
	case reasonOutOfRange:
		return "It lies before the authorised range of the series."
	case reasonSeek:
		return "The series was moved forward past it."
	case reasonRestore:
		return "A store was restored to an earlier state: the number may have been given in the time that was lost, so it is not given again."
	case reasonFailover:
		return "Postgres failed over to another server: a document with it may have been lost, so it is not given again."
	case reasonImport:
		return "It lies among numbers that were moved in from another system, where no document bore it."
	case reasonPrintedClash:
		return "As it would be printed it is the number of another document already."
	case reasonOperator:
		return "An operator declared it void."
	case "":
		return "The reason is not known."
	}
	return "The reason given: " + strings.TrimSpace(reason)
}

// OwnReason reports whether folio gives the reason itself: any other is somebody's
// own words.
func OwnReason(reason string) bool {
	switch reason {
	case reasonReplicaLost, reasonReleasedLate, reasonRangeExpired, reasonOutOfRange, reasonSeek, reasonRestore,
		reasonFailover, reasonImport, reasonPrintedClash, reasonOperator:
		return true
	}
	return false
}

// annulledSentence is the reason of an external number whose document was never
// made: always somebody's own words.
func annulledSentence(reason string) string {
	return "The document that it was given to was never made. The reason given: " + strings.TrimSpace(reason)
}
