package document

// Limits of a draft. They are wide enough for real invoices and narrow enough
// for every column, index and page that holds one. Text is counted in
// characters, not bytes.
const (
	maxFaults = 50 // bad fields that one InvalidError names

	maxLines       = 1000
	maxAdjustments = 100 // discounts or charges, each, of one line or of the document

	// A quantity, price, amount, percentage or rate as sent.
	maxIntegerDigits  = 15
	maxFractionDigits = 10
	// An amount as computed, its minor digits included: up to 10^16 euros.
	maxAmountDigits = 18

	maxDiscountPercent = 100
	maxChargePercent   = 1000
	maxRate            = 100

	maxSeries      = 63
	maxName        = 500
	maxEmail       = 320
	maxTaxID       = 100
	maxStreet      = 500
	maxLocality    = 200 // and region
	maxPostalCode  = 50
	maxDescription = 4000
	maxUnit        = 50
	maxReason      = 1000
	maxNote        = 10000

	maxMetadata      = 50 // entries
	maxMetadataKey   = 60
	maxMetadataValue = 1000

	minDate         = "1970-01-01"
	maxYearsAhead   = 1 // of issue_date, after today
	maxFormat       = 100
	maxFormatDigits = 18 // of {seq:N}
)
