package document

import "time"

// CheckNumbers checks a wish for numbers of documents that live elsewhere. The
// error is an *InvalidError that names each bad field.
func CheckNumbers(count int, issueDate, reference string, now time.Time) error {
	c := &check{now: now}
	if count < 1 || count > MaxNumbers {
		c.fail("/count", "is %d; want 1 to %d", count, MaxNumbers)
	}
	c.issueDate(issueDate)
	c.text(root("/reference"), reference, MaxReference)
	return c.err()
}

// CheckReason checks why a number is void; a reason has to say something.
func CheckReason(reason string) error {
	c := &check{}
	c.required(root("/reason"), reason, MaxReason)
	return c.err()
}

func (c *check) err() error {
	if len(c.bad) == 0 {
		return nil
	}
	return &InvalidError{Fields: c.bad}
}
