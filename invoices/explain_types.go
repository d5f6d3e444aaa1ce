package invoices

import "time"

// The states of a number.
const (
	stateIssued      = "issued"       // a document bears it, here or elsewhere
	stateVoid        = "void"         // no document bears it or ever will
	stateHeld        = "held"         // a replica holds it: it is being used now
	stateFree        = "free"         // it was given back, and is used next
	stateUnaccounted = "unaccounted"  // nothing is known of a number that was reserved
	stateNotReserved = "not_reserved" // above the mark
	stateBeforeFirst = "before_first" // below the first number of the series
	stateUnknown     = "unknown"      // the ledger cannot tell
)

// Explanation is what became of one number. What is null or absent in it is not
// known: nothing is guessed.
type Explanation struct {
	Series  string    `json:"series"`
	Period  string    `json:"period"`
	Number  int64     `json:"number"`
	State   string    `json:"state"`
	Summary string    `json:"summary"`         // the state in a sentence
	First   *int64    `json:"first,omitempty"` // of the series, if its books could be read
	Mark    *int64    `json:"mark,omitempty"`  // the highest number that was ever reserved
	AsOf    time.Time `json:"as_of"`

	Issued *ExplainedIssue `json:"issued,omitempty"`
	Void   *ExplainedVoid  `json:"void,omitempty"`
	Held   *ExplainedHold  `json:"held,omitempty"`
	Free   *ExplainedFree  `json:"free,omitempty"`
}

// ExplainedIssue is a number that a document bears.
type ExplainedIssue struct {
	Invoice       string           `json:"invoice,omitempty"` // the id of the document; absent if it lives elsewhere
	Kind          string           `json:"kind"`
	Status        string           `json:"status"` // issued or cancelled
	PrintedNumber string           `json:"printed_number"`
	IssueDate     string           `json:"issue_date"`
	IssuedAt      time.Time        `json:"issued_at"`
	KeyID         string           `json:"key_id"`
	Request       ExplainedRequest `json:"request"`
	Reference     string           `json:"reference,omitempty"`    // of an external number
	Credits       string           `json:"credits,omitempty"`      // of a credit note: the id of the invoice it credits
	CreditNotes   []string         `json:"credit_notes,omitempty"` // the ids of the credit notes of an invoice
	Source        string           `json:"source"`                 // where the number came from: block, strict or import
	Block         *ExplainedBlock  `json:"block"`                  // null unless it came from one
}

// Where a number came from.
const (
	sourceBlock  = "block"
	sourceStrict = "strict" // the counter of a strict series, in the transaction that stored the row
	sourceImport = "import" // it was moved in with its document
)

// ExplainedRequest is what led to a document.
type ExplainedRequest struct {
	Origin string `json:"origin"`       // client, server, draft, cancellation or import
	ID     string `json:"id,omitempty"` // the Idempotency-Key or request_id, the draft, the invoice that is cancelled, the line of the import
}

// ExplainedBlock is the block that a number came from. Names are for operators.
type ExplainedBlock struct {
	Serial       int64      `json:"serial"`
	First        int64      `json:"first"`
	Last         int64      `json:"last"`
	ReservedAt   *time.Time `json:"reserved_at"`   // null: unknown
	EtcdRevision *int64     `json:"etcd_revision"` // at which it was reserved; null: unknown
	Holder       string     `json:"holder,omitempty"`
	Pod          string     `json:"pod,omitempty"`
}

// ExplainedVoid is a number that no document bears.
type ExplainedVoid struct {
	Reason        string          `json:"reason"`
	Explanation   string          `json:"explanation"` // the reason in a sentence
	VoidedAt      time.Time       `json:"voided_at"`
	By            ExplainedVoider `json:"by"`
	Known         string          `json:"known,omitempty"`          // what was known then, as a sentence
	PrintedNumber string          `json:"printed_number,omitempty"` // of an external number whose document was never made
	Block         *ExplainedBlock `json:"block"`                    // null unless it is known to come from one
}

// ExplainedVoider is who made a number void.
type ExplainedVoider struct {
	Kind   string `json:"kind"` // replica, key, operator or unknown
	KeyID  string `json:"key_id,omitempty"`
	Holder string `json:"holder,omitempty"` // for operators
	Pod    string `json:"pod,omitempty"`    // for operators
}

// ExplainedHold is a number that a replica holds.
type ExplainedHold struct {
	Since      time.Time       `json:"since"`
	Block      *ExplainedBlock `json:"block"`
	Registered *bool           `json:"registered,omitempty"` // for operators: whether the holder gives signs of life; false: its block is about to be settled
}

// ExplainedFree is a number that is used next.
type ExplainedFree struct {
	Since time.Time `json:"since"`
}
