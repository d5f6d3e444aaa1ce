// Package accounts tells what became of each number of a series, from what the
// ledger and the rows say. It is pure: package invoices reads both.
//
// A number from the series' first to its mark is issued (a row), void (a row with a
// reason), held (in the block of a holder) or free (given next). What is none of the
// four is unaccounted for, and a [Finding].
package accounts
