package document

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// sums are Totals to reckon with.
type sums struct {
	net, tax, gross decimal.Decimal
	groups          []sum
}

// sum is the base and the tax of one category and rate.
type sum struct {
	tax          taxKey
	base, amount decimal.Decimal
}

func sumsOf(t Totals) (sums, error) {
	var s sums
	var err error
	read := func(text string) decimal.Decimal {
		d, fault := decimal.NewFromString(text)
		if fault != nil && err == nil {
			err = fmt.Errorf("read totals: %w", fault)
		}
		return d
	}
	s.net, s.tax, s.gross = read(t.Net), read(t.Tax), read(t.Gross)
	for _, g := range t.Taxes {
		tax := taxKey{category: g.Category, rate: read(g.Rate), printed: g.Rate}
		s.groups = append(s.groups, sum{tax: tax, base: read(g.Base), amount: read(g.Amount)})
	}
	return s, err
}

func (s sums) clone() sums {
	s.groups = slices.Clone(s.groups)
	return s
}

func (s sums) find(tax taxKey) int {
	return slices.IndexFunc(s.groups, func(g sum) bool {
		return g.tax.category == tax.category && g.tax.rate.Equal(tax.rate)
	})
}

// of returns the sum of a tax, zero if there is none.
func (s sums) of(tax taxKey) sum {
	if i := s.find(tax); i >= 0 {
		return s.groups[i]
	}
	return sum{tax: tax}
}

// subtract takes other off; a tax that s has not becomes one with less than
// nothing.
func (s *sums) subtract(other sums) {
	s.net, s.tax, s.gross = s.net.Sub(other.net), s.tax.Sub(other.tax), s.gross.Sub(other.gross)
	for _, g := range other.groups {
		i := s.find(g.tax)
		if i < 0 {
			i = len(s.groups)
			s.groups = append(s.groups, sum{tax: g.tax})
		}
		s.groups[i].base = s.groups[i].base.Sub(g.base)
		s.groups[i].amount = s.groups[i].amount.Sub(g.amount)
	}
}

// empty reports whether nothing is left under any tax.
func (s sums) empty() bool {
	return !slices.ContainsFunc(s.groups, func(g sum) bool { return !g.base.IsZero() || !g.amount.IsZero() })
}

// keep leaves out the taxes under which nothing is left, but for those of which
// a document with the sums of lines has a line.
func (s *sums) keep(lines sums) {
	s.groups = slices.DeleteFunc(s.groups, func(g sum) bool {
		return g.base.IsZero() && g.amount.IsZero() && lines.find(g.tax) < 0
	})
}

// print writes the sums as they are.
func (s sums) print(digits int32) Totals {
	t := Totals{Net: s.net.StringFixed(digits), Tax: s.tax.StringFixed(digits), Gross: s.gross.StringFixed(digits), Taxes: []TaxTotal{}}
	for _, g := range s.groups {
		t.Taxes = append(t.Taxes, TaxTotal{
			Category: g.tax.category, Rate: g.tax.printed, Base: g.base.StringFixed(digits), Amount: g.amount.StringFixed(digits),
		})
	}
	return t
}
