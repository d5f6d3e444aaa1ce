package document

import "time"

// PeriodRule says when a series restarts. The period comes from the document's
// date, never from a clock.
type PeriodRule string

// The rules there are.
const (
	PeriodNone  PeriodRule = "none"
	PeriodYear  PeriodRule = "year"
	PeriodMonth PeriodRule = "month"
)

// Period returns the period of an issue date, YYYY-MM-DD: "", "2026" or "2026-11".
func (r PeriodRule) Period(issueDate string) string {
	switch r {
	case PeriodYear:
		return issueDate[:len("2006")]
	case PeriodMonth:
		return issueDate[:len("2006-01")]
	}
	return ""
}

// Fits reports whether period is one of the rule's.
func (r PeriodRule) Fits(period string) bool {
	switch r {
	case PeriodYear:
		_, err := time.Parse("2006", period)
		return err == nil
	case PeriodMonth:
		_, err := time.Parse("2006-01", period)
		return err == nil
	}
	return period == ""
}
