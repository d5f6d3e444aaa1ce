package document

import (
	"math/bits"
	"strconv"

	"github.com/shopspring/decimal"
)

// money is an amount in minor units of the draft's currency, of at most
// maxAmountDigits digits. Two of them can be added without overflow; the sum
// must pass bounded before it is used further.
type money int64

// moneyBound is the least magnitude that no amount may have.
const moneyBound = 1_000_000_000_000_000_000

func bounded(m money) bool { return -moneyBound < m && m < moneyBound }

// product returns a × b rounded to minor digits, or false if that has too many
// digits.
func product(a, b decimal.Decimal, minor int32) (money, bool) {
	return nearest(a.Mul(b), minor)
}

// share returns percent hundredths of m, rounded, or false if that has too many
// digits.
func share(m money, percent decimal.Decimal) (money, bool) {
	return nearest(decimal.New(int64(m), -2).Mul(percent), 0)
}

// nearest returns d × 10^places rounded half away from zero, or false if that
// has more than maxAmountDigits digits.
func nearest(d decimal.Decimal, places int32) (money, bool) {
	if d.NumDigits() > maxAmountDigits {
		d = d.Round(places).Shift(places)
		return money(d.CoefficientInt64()), d.NumDigits() <= maxAmountDigits
	}
	return scale(d.CoefficientInt64(), d.Exponent()+places)
}

// scale returns c × 10^exp rounded half away from zero; c is an amount.
func scale(c int64, exp int32) (money, bool) {
	switch {
	case c == 0 || exp < -maxAmountDigits:
		return 0, true
	case exp > maxAmountDigits:
		return 0, false
	case exp >= 0:
		return enlarge(c, power(exp))
	}
	p := power(-exp)
	whole, rest := c/p, c%p
	switch {
	case rest >= p-rest:
		whole++
	case -rest >= p+rest:
		whole--
	}
	return money(whole), true
}

func enlarge(c, p int64) (money, bool) {
	high, low := bits.Mul64(uint64(max(c, -c)), uint64(p))
	if high > 0 || low >= moneyBound {
		return 0, false
	}
	return money(c * p), true
}

// power returns 10^n for n up to maxAmountDigits.
func power(n int32) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// text prints m with exactly minor digits behind the point. A zero has no sign.
func (m money) text(minor int32) string {
	var room [24]byte
	digits := strconv.AppendInt(room[:0], int64(max(m, -m)), 10)
	out := make([]byte, 0, 26)
	if m < 0 {
		out = append(out, '-')
	}
	whole := len(digits) - int(minor)
	if whole <= 0 {
		out = append(out, '0')
	} else {
		out = append(out, digits[:whole]...)
	}
	if minor == 0 {
		return string(out)
	}
	out = append(out, '.')
	for ; whole < 0; whole++ {
		out = append(out, '0')
	}
	return string(append(out, digits[whole:]...))
}
