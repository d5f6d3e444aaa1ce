package document

import "fmt"

// Names are what a format prints of the series it belongs to.
type Names struct {
	Series string
	Tenant string
}

// Clash is a text that two formats can both print, and what each prints it for.
type Clash struct {
	Text      string
	Number    [2]int64
	IssueDate [2]string // YYYY-MM-DD
}

// FindClash decides whether f, of the series a, and g, of the series b, can print
// the same text, for any numbers and issue dates that there can be. It is exact:
// either it returns a text that both print, or no text is printed by both.
//
// A format has one part of variable length, its number. So for each length of
// that there is one length of the text, in which each byte is a literal or a
// certain digit of the number, the year or the month. Two formats print the same
// text if, for some lengths, what stands at each place can be made the same.
func FindClash(f Format, a Names, g Format, b Names) (Clash, bool) {
	for digits := f.shortest(); digits <= maxDigits; digits++ {
		text := f.cells(a, digits, 0)
		others := len(text) - (len(g.cells(b, g.shortest(), 1)) - g.shortest())
		if others < g.shortest() || others > maxDigits {
			continue
		}
		m := newMeeting()
		m.number[0], m.number[1] = numberOf(digits, f.width()), numberOf(others, g.width())
		if m.unify(text, g.cells(b, others, 1)) && m.possible() && m.solve() {
			return m.clash(f, a), true
		}
	}
	return Clash{}, false
}

// Repeats says why a series that follows rule could print a text twice; nil if it
// cannot. {yy} counts as a year: it comes round after a century.
//
// A text can be read back: what stands before and after the number has one
// length. So different numbers, and different dates as far as they are printed,
// give different texts, and all that is needed is that the period is printed.
func (f Format) Repeats(rule PeriodRule) error {
	year, month := f.has("yyyy") || f.has("yy"), f.has("mm")
	switch {
	case rule != PeriodNone && !year:
		return fmt.Errorf("the series restarts each %s, so its numbers would be printed again the next year; put {yyyy} or {yy} into the format, or let the period be none", rule)
	case rule == PeriodMonth && !month:
		return fmt.Errorf("the series restarts each month, so its numbers would be printed again the next month; put {mm} into the format, or let the period be year")
	}
	return nil
}

func (f Format) has(name string) bool {
	for _, p := range f.parts {
		if p.name == name {
			return true
		}
	}
	return false
}

func (f Format) width() int {
	for _, p := range f.parts {
		if p.name == "seq" {
			return p.width
		}
	}
	return 0
}

// shortest is the least number of digits that a number is printed with.
func (f Format) shortest() int { return max(1, f.width()) }

// cell is what stands at one byte of a text: a literal, or a digit of a variable.
type cell struct {
	literal  byte
	variable int // -1: a literal
}

// The variables of one format: the digits of the year, the month, the number.
const (
	yearAt    = 0
	monthAt   = yearAt + 4
	numberAt  = monthAt + 2
	variables = numberAt + maxDigits
)

// cells lays out the texts of f whose number has so many digits. The variables
// of the second format, which is 1, come after those of the first.
func (f Format) cells(of Names, digits, format int) []cell {
	var all []cell
	literal := func(text string) {
		for i := range len(text) {
			all = append(all, cell{literal: text[i], variable: -1})
		}
	}
	digitsOf := func(first, count int) {
		for i := range count {
			all = append(all, cell{variable: format*variables + first + i})
		}
	}
	for _, p := range f.parts {
		switch p.name {
		case "":
			literal(p.literal)
		case "series":
			literal(of.Series)
		case "tenant":
			literal(of.Tenant)
		case "yyyy":
			digitsOf(yearAt, 4)
		case "yy":
			digitsOf(yearAt+2, 2)
		case "mm":
			digitsOf(monthAt, 2)
		case "seq":
			digitsOf(numberAt, digits)
		}
	}
	return all
}
