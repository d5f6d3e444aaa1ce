package invoices

import (
	"errors"
	"fmt"

	"folio/invoices/document"
)

// The errors that callers tell apart. Everything else is internal.
var (
	// ErrNotFound: no such thing for this tenant. It is the same error whether
	// the thing does not exist or belongs to another tenant.
	ErrNotFound = errors.New("not found")

	// ErrExists: a thing of that name exists already.
	ErrExists = errors.New("exists already")

	// ErrUnauthorized: the API key is malformed, unknown or revoked; which of
	// them is not told.
	ErrUnauthorized = errors.New("the API key is malformed, unknown or revoked")

	// ErrRequestReused: the request id was used before, with another body.
	ErrRequestReused = errors.New("the idempotency key was used before with another body")

	// ErrUnavailable: nothing was stored; the same request may be sent again
	// after a moment.
	ErrUnavailable = errors.New("temporarily unavailable, nothing was stored; send the request again")

	// ErrOutcomeUnknown: the invoice may or may not have been stored; the same
	// request with the same request id tells, and never makes a second one.
	ErrOutcomeUnknown = errors.New("outcome unknown; send the request again with the same idempotency key")

	// ErrPrintedClash: another document of the tenant bears the printed number that
	// this one would have; its number is void.
	ErrPrintedClash = errors.New("the printed number is taken by another document of the tenant; its number is void, change the format of the series")

	// ErrNotExternal: the number's document is kept here, so its number is never void.
	ErrNotExternal = errors.New("the number belongs to a document that is kept here; cancel that with a credit note")

	// ErrImportInterrupted: an import was cut short; the same file goes on where it
	// stopped.
	ErrImportInterrupted = errors.New("interrupted; run the same command again, it goes on where it stopped")

	// ErrSeriesExhausted: the series has no number left.
	ErrSeriesExhausted = errors.New("the series has no number left")

	// ErrOverCredited: see document.ErrOverCredited.
	ErrOverCredited = document.ErrOverCredited

	// ErrNothingLeft: see document.ErrNothingLeft.
	ErrNothingLeft = document.ErrNothingLeft

	// ErrCreditNote: a credit note is not cancelled by another.
	ErrCreditNote = errors.New("the document is a credit note, which cannot be cancelled; issue an invoice instead")

	// ErrDraftChanged: the draft is at another version than the caller thinks.
	ErrDraftChanged = errors.New("the draft was changed meanwhile; read it again")

	// ErrDraftIssued: the draft is issued, or about to be: it is not changed any
	// more.
	ErrDraftIssued = errors.New("the draft is issued or being issued, it is not changed any more; issue it again to get its invoice")

	// ErrSeriesExpired: the range that the series was granted has expired, or does
	// on the document's issue date.
	ErrSeriesExpired = errors.New("the range that the series was granted has expired, or the issue date lies beyond it")

	// ErrSeriesUsed: the series has numbers, so its numbering and its period stay.
	ErrSeriesUsed = errors.New("the series is in use, so its numbering and its period stay as they are; make a new series instead")

	// ErrNoRange: the series was granted no range of numbers.
	ErrNoRange = errors.New("the series has no range, so there is no rest of one")

	// ErrTooMany: more numbers would become void than one request may make void.
	ErrTooMany = errors.New("more than 10,000,000 numbers would become void; lower the last number of the range, or make a new series")

	// ErrSeriesSuspended: Postgres has failed over or was restored, so that numbers
	// of a strict series that were acknowledged may be lost; an operator has to
	// say how it goes on.
	ErrSeriesSuspended = errors.New("the series is suspended since Postgres failed over or was restored; an operator must say how it goes on (folio restored --strict)")

	// ErrBehind: acknowledged documents are missing from Postgres, or may be, as it
	// was restored from a backup, or another server took its place. Nothing was
	// stored, nor will be, until an operator has said how it goes on. It wraps
	// ErrUnavailable.
	ErrBehind = fmt.Errorf("the database is behind what was seen of it before; an operator must say how it goes on (folio restored): %w", ErrUnavailable)

	// ErrResuming: a restore of Postgres was announced, and what it lost is not
	// accounted for yet. It wraps ErrUnavailable.
	ErrResuming = fmt.Errorf("numbers are being accounted for after a restore (folio restored, which can be run again): %w", ErrUnavailable)

	// ErrLedgerDamaged: the ledger of the series cannot be read and is never
	// overwritten; an operator has to look at it.
	ErrLedgerDamaged = errors.New("the ledger of the series is damaged; an operator must repair it")
)
