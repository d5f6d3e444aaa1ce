package document

import (
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// required checks a text that must say something.
func (c *check) required(at pointer, s string, most int) {
	if s == "" {
		c.missing(at.String(), "is required")
		return
	}
	if strings.TrimSpace(s) == "" {
		c.fail(at.String(), "is required")
		return
	}
	c.text(at, s, most)
}

// text checks that s can be stored and printed: valid UTF-8, not too long, no
// control characters but tabs and line breaks. (Postgres cannot store NUL.)
func (c *check) text(at pointer, s string, most int) {
	if s == "" {
		return
	}
	if !utf8.ValidString(s) {
		c.fail(at.String(), "is no valid UTF-8")
		return
	}
	for i := range len(s) {
		if b := s[i]; b < 0x20 && b != '\t' && b != '\n' && b != '\r' {
			c.fail(at.String(), "has the control character U+%04X at byte %d; leave it out", b, i)
			return
		}
	}
	if len(s) > most && utf8.RuneCountInString(s) > most {
		c.fail(at.String(), "has %d characters; at most %d are allowed", utf8.RuneCountInString(s), most)
	}
}

// decimal reads a decimal string: digits, perhaps a minus before and a point
// within. No plus, no exponent, no spaces.
func (c *check) decimal(at pointer, s string) decimal.Decimal {
	if s == "" {
		c.missing(at.String(), "is required: a decimal string, such as \"12.50\"")
		return decimal.Decimal{}
	}
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if !digitsOnly(whole) || point && !digitsOnly(fraction) {
		c.fail(at.String(), "is no decimal number: want a string of digits such as \"12.50\", without exponent, plus or spaces")
		return decimal.Decimal{}
	}
	if len(whole) > MaxIntegerDigits || len(fraction) > MaxFractionDigits {
		c.fail(at.String(), "has too many digits: at most %d before the point and %d after it", MaxIntegerDigits, MaxFractionDigits)
		return decimal.Decimal{}
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		c.fail(at.String(), "is no decimal number")
	}
	return d
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// tax checks a category of EN 16931 and its rate.
func (c *check) tax(at pointer, t Tax) taxKey {
	switch t.Category {
	case "S":
		if t.Rate == "" {
			c.missing(at.to("/rate").String(), "is required for category S: the rate in percent, such as \"19\"")
			return taxKey{}
		}
	case "Z", "E", "AE", "K", "G", "O":
		if t.Rate == "" {
			return taxKey{category: t.Category, printed: "0"}
		}
	case "":
		c.missing(at.to("/category").String(), "is required: one of S, Z, E, AE, K, G, O (EN 16931)")
		if t.Rate != "" {
			c.rate(at.to("/rate"), t.Rate)
		}
		return taxKey{}
	default:
		c.fail(at.to("/category").String(), "must be one of S, Z, E, AE, K, G, O (EN 16931)")
		return taxKey{}
	}
	var rate decimal.Decimal
	if t.Category == "S" {
		rate = c.rate(at.to("/rate"), t.Rate)
	} else if rate = c.decimal(at.to("/rate"), t.Rate); !rate.IsZero() || strings.HasPrefix(t.Rate, "-") {
		c.fail(at.to("/rate").String(), "must be 0 for category %s; only S has another rate", t.Category)
	}
	return taxKey{category: t.Category, rate: rate, printed: t.Rate}
}

// rate reads a rate in percent.
func (c *check) rate(at pointer, text string) decimal.Decimal {
	rate := c.decimal(at, text)
	whole, _, _ := strings.Cut(text, ".") // with two digits it is less than 100
	if strings.HasPrefix(text, "-") || len(whole) > 2 && rate.GreaterThan(decimal.New(100, 0)) {
		c.fail(at.String(), "must be from 0 to 100 percent")
	}
	return rate
}

// adjustments checks discounts or charges. Those of a line share the line's tax.
func (c *check) adjustments(at pointer, all []Adjustment, ofDocument bool) []adjustment {
	if len(all) > MaxAdjustments && !c.issued {
		c.fail(at.String(), "has %d entries; at most %d are allowed", len(all), MaxAdjustments)
		return nil
	}
	var parsed []adjustment
	for i := range all {
		parsed = append(parsed, c.adjustment(at.nth(i), &all[i], ofDocument))
	}
	return parsed
}

func (c *check) adjustment(at pointer, a *Adjustment, ofDocument bool) adjustment {
	c.text(at.to("/reason"), a.Reason, MaxReason)
	var p adjustment
	switch {
	case a.Percent == "" && a.Amount == "":
		c.missing(at.String(), "must have exactly one of percent and amount")
	case a.Percent != "" && a.Amount != "":
		c.fail(at.String(), "must have exactly one of percent and amount")
	case a.Percent != "":
		p.isPercent = true
		if p.value = c.decimal(at.to("/percent"), a.Percent); p.value.Abs().GreaterThan(decimal.New(maxPercent, 0)) {
			c.fail(at.to("/percent").String(), "must be from -%d to %d percent", maxPercent, maxPercent)
		}
	default:
		p.value = c.decimal(at.to("/amount"), a.Amount)
	}
	if a.Tax == nil {
		return p
	}
	if !ofDocument {
		c.fail(at.to("/tax").String(), "is not allowed here: a line's discounts share the line's tax")
		return p
	}
	tax := c.tax(at.to("/tax"), *a.Tax)
	p.tax = &tax
	return p
}
