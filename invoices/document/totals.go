package document

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// figures are the numbers of a draft, parsed.
type figures struct {
	digits    int32 // minor digits of the currency
	lines     []lineFigures
	discounts []adjustment
	charges   []adjustment
}

type lineFigures struct {
	quantity, price decimal.Decimal
	discounts       []adjustment
	tax             taxKey
}

type adjustment struct {
	value     decimal.Decimal
	isPercent bool
	tax       *taxKey // nil: none was given
}

// taxKey is a category and rate; printed is the rate as it was sent.
type taxKey struct {
	category string
	rate     decimal.Decimal
	printed  string
}

// group is the base of one category and rate.
type group struct {
	tax  taxKey
	base decimal.Decimal
}

// totals computes the sums. Every amount is rounded to the minor unit, half
// away from zero, where it arises:
//
//	line net    round(quantity × unit price) − Σ round(discount); a percentage is of that product
//	document    a percentage is of the sum of the line nets, not chained
//	tax         round(base × rate), per category and rate
func (p *figures) totals() (Totals, error) {
	var groups []group
	sum := decimal.Zero
	for i := range p.lines {
		net := p.lineNet(&p.lines[i])
		sum = plus(sum, net)
		groups = addTo(groups, p.lines[i].tax, net)
	}
	net := sum
	var ofLines []group // the lines' own bases, whatever is added later
	if len(p.discounts)+len(p.charges) > 0 {
		ofLines = slices.Clone(groups)
	}
	for _, d := range p.discounts {
		amount := p.amount(d, sum).Neg()
		net = net.Add(amount)
		groups = p.allocate(groups, ofLines, d.tax, amount)
	}
	for _, c := range p.charges {
		amount := p.amount(c, sum)
		net = net.Add(amount)
		groups = p.allocate(groups, ofLines, c.tax, amount)
	}
	return p.print(net, groups)
}

func (p *figures) lineNet(l *lineFigures) decimal.Decimal {
	gross := l.quantity.Mul(l.price).Round(p.digits)
	net := gross
	for _, d := range l.discounts {
		net = net.Sub(p.amount(d, gross))
	}
	return net
}

// amount is what an adjustment comes to, given what a percentage is of.
func (p *figures) amount(a adjustment, of decimal.Decimal) decimal.Decimal {
	if a.isPercent {
		return of.Mul(a.value).Shift(-2).Round(p.digits)
	}
	return a.value.Round(p.digits)
}

// addTo adds an amount to the base of a tax; rates are the same by value.
func addTo(groups []group, tax taxKey, amount decimal.Decimal) []group {
	for i := range groups {
		if groups[i].tax.category == tax.category && groups[i].tax.rate.Equal(tax.rate) {
			groups[i].base = groups[i].base.Add(amount)
			return groups
		}
	}
	return append(groups, group{tax: tax, base: amount})
}

// allocate puts an amount of the whole document to the base of its own tax. One
// that names no tax is spread over the taxes of the lines in proportion to
// their bases; what rounding leaves goes to the last. Where the bases differ in
// sign, proportions would make large amounts of a small one: then it goes whole
// to the tax with the largest base. The groups begin with those of ofLines.
func (p *figures) allocate(groups, ofLines []group, tax *taxKey, amount decimal.Decimal) []group {
	if tax != nil {
		return addTo(groups, *tax, amount)
	}
	whole, largest, mixed := survey(ofLines)
	if mixed || whole.IsZero() {
		groups[largest].base = groups[largest].base.Add(amount)
		return groups
	}
	rest := amount
	for i := range ofLines {
		part := rest
		if i < len(ofLines)-1 {
			part = amount.Mul(ofLines[i].base).DivRound(whole, p.digits)
		}
		rest = rest.Sub(part)
		groups[i].base = groups[i].base.Add(part)
	}
	return groups
}

// survey returns the sum of the bases, which of them is the largest regardless
// of sign, and whether their signs differ.
func survey(groups []group) (whole decimal.Decimal, largest int, mixed bool) {
	up, down := false, false
	for i, g := range groups {
		whole = whole.Add(g.base)
		if g.base.Abs().GreaterThan(groups[largest].base.Abs()) {
			largest = i
		}
		up, down = up || g.base.IsPositive(), down || g.base.IsNegative()
	}
	return whole, largest, up && down
}

// print writes the totals with exactly the minor digits of the currency, the
// taxes in the order of their categories and rates, which groups are put into.
func (p *figures) print(net decimal.Decimal, groups []group) (Totals, error) {
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(strings.Compare(a.tax.category, b.tax.category), a.tax.rate.Cmp(b.tax.rate))
	})
	t := Totals{Taxes: make([]TaxTotal, len(groups))}
	tax, tooLarge := decimal.Zero, false
	for i, g := range groups {
		amount := g.base.Mul(g.tax.rate).Shift(-2).Round(p.digits)
		tax = plus(tax, amount)
		t.Taxes[i] = TaxTotal{
			Category: g.tax.category, Rate: g.tax.printed,
			Base: g.base.StringFixed(p.digits), Amount: amount.StringFixed(p.digits),
		}
		tooLarge = tooLarge || isTooLarge(t.Taxes[i].Base)
	}
	t.Net, t.Tax, t.Gross = net.StringFixed(p.digits), tax.StringFixed(p.digits), net.Add(tax).StringFixed(p.digits)
	if tooLarge || isTooLarge(t.Net) || isTooLarge(t.Gross) {
		return Totals{}, &InvalidError{Fields: []FieldError{{
			Pointer: "/lines", Detail: fmt.Sprintf("add up to more than %d digits before the point", maxTotalDigits),
		}}}
	}
	return t, nil
}

// isTooLarge tells by how many digits an amount was printed with.
func isTooLarge(printed string) bool {
	whole, _, _ := strings.Cut(strings.TrimPrefix(printed, "-"), ".")
	return len(whole) > maxTotalDigits
}

// plus is a and b, without the work of adding to nothing.
func plus(a, b decimal.Decimal) decimal.Decimal {
	if a.IsZero() {
		return b
	}
	return a.Add(b)
}
