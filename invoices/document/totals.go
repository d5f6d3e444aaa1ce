package document

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"
)

// rate is a tax category and rate that keeps the rules.
type rate struct {
	Tax                    // as sent, or with the default filled in
	percent decimal.Decimal
	key     money // percent × 10^maxFractionDigits: two rates are one if category and key are equal
}

// base is what one category and rate is of.
type base struct {
	rate
	sum money
}

// bases are the bases of a document in the order of their first use, with the
// sum of all of them. The zero value is ready.
type bases struct {
	all []base
	net money
}

// add puts m to the base of r, opening it if need be. It returns false, and
// adds nothing, if a sum gets too many digits.
func (b *bases) add(r rate, m money) bool {
	at := slices.IndexFunc(b.all, func(x base) bool { return x.key == r.key && x.Category == r.Category })
	if at < 0 {
		at = len(b.all)
		b.all = append(b.all, base{rate: r})
	}
	sum, net := b.all[at].sum+m, b.net+m
	if !bounded(sum) || !bounded(net) {
		return false
	}
	b.all[at].sum, b.net = sum, net
	return true
}

// only returns the tax that is the only one so far, or nil.
func (b *bases) only() *rate {
	if len(b.all) != 1 {
		return nil
	}
	return &b.all[0].rate
}

// totals computes the taxes and prints all sums, ordered by category and then by
// rate. It returns false if a sum has too many digits.
func (b *bases) totals(minor int32) (Totals, bool) {
	slices.SortFunc(b.all, func(x, y base) int {
		return cmp.Or(cmp.Compare(x.Category, y.Category), cmp.Compare(x.key, y.key))
	})
	t := Totals{Taxes: make([]TaxTotal, len(b.all))}
	var tax money
	for i, x := range b.all {
		amount, ok := share(x.sum, x.percent)
		tax += amount
		if !ok || !bounded(tax) {
			return Totals{}, false
		}
		t.Taxes[i] = TaxTotal{Category: x.Category, Rate: x.Rate, Base: x.sum.text(minor), Amount: amount.text(minor)}
	}
	gross := b.net + tax
	t.Net, t.Tax, t.Gross = b.net.text(minor), tax.text(minor), gross.text(minor)
	return t, bounded(gross)
}
