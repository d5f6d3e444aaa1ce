package document

// The bounds of a draft. Lengths are in characters. openapi.yaml says the same;
// a test of package httpapi compares the two.
const (
	MaxLines       = 1000
	MaxAdjustments = 100 // discounts or charges of one line or document
	MaxName        = 500
	MaxEmail       = 320
	MaxTaxID       = 100
	MaxStreet      = 500
	MaxLocality    = 200
	MaxRegion      = 200
	MaxPostalCode  = 50
	MaxDescription = 4000
	MaxUnit        = 50
	MaxReason      = 1000
	MaxNote        = 10000
	MaxMetadata    = 50 // keys
	MaxKey         = 100
	MaxValue       = 1000
	MaxSeriesName  = 63
	MaxNumbers     = 1000 // external numbers that one request takes
	MaxReference   = 200  // of external numbers

	MaxIntegerDigits  = 15 // of a decimal, before the point
	MaxFractionDigits = 10 // of a decimal, after it
	maxTotalDigits    = 18 // of a total, before the point
	maxPercent        = 1000
	maxFieldErrors    = 50 // told at a time
	MaxFormat         = 200
	MaxNumber         = 1<<53 - 1   // the highest there is, as of counter.MaxNumber
	maxDigits         = 16          // of it
	MaxReuseWithin    = 315_360_000 // seconds: ten years of 365 days

	firstDate = "1970-01-01"
	lastDate  = "2999-12-31"
	firstYear = 1970 // of firstDate
	lastYear  = 2999 // of lastDate
)
