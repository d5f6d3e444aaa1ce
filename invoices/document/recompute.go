package document

import "fmt"

// Recompute returns the totals that [Complete] gave a document at its issue, from
// what it says now. Nothing depends on the present moment. It fails if d was never
// completed.
func Recompute(d Draft) (Totals, error) {
	digits, known := MinorDigits(d.Currency)
	if !known {
		return Totals{}, fmt.Errorf("%q is no currency of ISO 4217", d.Currency)
	}
	c := &check{issued: true}
	p := c.figures(&d, digits)
	if err := c.err(); err != nil {
		return Totals{}, err
	}
	return p.totals()
}
