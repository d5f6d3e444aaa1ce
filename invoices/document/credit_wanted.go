package document

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// wanted checks what is to be credited: for each line of the invoice its
// quantity, nil for none.
func (c *crediting) wanted(want []CreditLine) ([]*decimal.Decimal, error) {
	var bad check
	if len(want) > MaxLines {
		bad.fail("/lines", "has %d entries; at most %d are allowed", len(want), MaxLines)
		return nil, &InvalidError{Fields: bad.bad}
	}
	taken := make([]*decimal.Decimal, len(c.left))
	var over error
	lines := root("/lines")
	for i, w := range want {
		at := lines.nth(i)
		switch {
		case w.Line < 0 || w.Line >= len(c.left):
			bad.fail(at.to("/line").String(), "is no line of the invoice, which has %d; count from 0", len(c.left))
			continue
		case taken[w.Line] != nil:
			bad.fail(at.to("/line").String(), "is given twice")
			continue
		}
		q := c.left[w.Line]
		if w.Quantity != "" {
			q = c.given(&bad, at.to("/quantity"), w)
		}
		taken[w.Line] = &q
		if q.IsZero() && w.Quantity == "" || q.Abs().GreaterThan(c.left[w.Line].Abs()) {
			over = fmt.Errorf("line %d: %w", w.Line, ErrOverCredited)
		}
	}
	if len(bad.bad) > 0 {
		return nil, &InvalidError{Fields: bad.bad}
	}
	return taken, over
}

// given reads a quantity that is given, and says what is wrong with it whatever
// was credited before.
func (c *crediting) given(bad *check, at pointer, w CreditLine) decimal.Decimal {
	before, whole := len(bad.bad), c.quantity[w.Line]
	q := bad.decimal(at, w.Quantity)
	switch {
	case len(bad.bad) > before:
	case q.IsZero():
		bad.fail(at.String(), "must not be 0; leave the line out instead")
	case q.Sign() != whole.Sign():
		bad.fail(at.String(), "must have the sign of the line's quantity, %s", whole)
	case q.Abs().GreaterThan(whole.Abs()):
		bad.fail(at.String(), "is more than the line's quantity, %s", whole)
	}
	return q
}
