package document

import (
	"fmt"
	"strconv"
)

// meeting is the question whether two formats print one text, both laid out in
// cells of the same length. Variables that stand at the same place are one.
type meeting struct {
	leader [2 * variables]int  // of each variable: the one it is the same as; after unify its last
	digit  [2 * variables]int8 // of a leader; -1: still open
	shown  []int               // leaders that stand in the text, those of dates first
	number [2]numberRule
}

// numberRule is which digits make a number of a given length.
type numberRule struct {
	digits  int
	leading bool // zeros may lead: the number is padded
}

func numberOf(digits, width int) numberRule {
	return numberRule{digits: digits, leading: digits == width}
}

func newMeeting() *meeting {
	m := &meeting{}
	for i := range m.leader {
		m.leader[i], m.digit[i] = i, -1
	}
	return m
}

func (m *meeting) find(v int) int {
	for m.leader[v] != v {
		v = m.leader[v]
	}
	return v
}

// unify makes both layouts the same, and reports false if some place cannot be.
func (m *meeting) unify(f, g []cell) bool {
	for i := range f {
		if !m.same(f[i], g[i]) {
			return false
		}
	}
	for v := range m.leader {
		m.leader[v] = m.find(v)
	}
	seen := make(map[int]bool)
	for _, ofDate := range []bool{true, false} {
		for _, c := range append(f[:len(f):len(f)], g...) {
			if c.variable < 0 || (c.variable%variables < numberAt) != ofDate || seen[m.leader[c.variable]] {
				continue
			}
			seen[m.leader[c.variable]] = true
			m.shown = append(m.shown, m.leader[c.variable])
		}
	}
	return true
}

func (m *meeting) same(a, b cell) bool {
	switch {
	case a.variable < 0 && b.variable < 0:
		return a.literal == b.literal
	case a.variable < 0:
		return m.set(b.variable, a.literal)
	case b.variable < 0:
		return m.set(a.variable, b.literal)
	}
	one, other := m.find(a.variable), m.find(b.variable)
	if one == other {
		return true
	}
	if m.digit[one] < 0 {
		one, other = other, one
	}
	if m.digit[other] >= 0 && m.digit[other] != m.digit[one] {
		return false
	}
	m.leader[other] = one
	return true
}

// set gives a variable the digit that a literal is, if it is one.
func (m *meeting) set(variable int, literal byte) bool {
	v := m.find(variable)
	if literal < '0' || literal > '9' || m.digit[v] >= 0 && m.digit[v] != int8(literal-'0') {
		return false
	}
	m.digit[v] = int8(literal - '0')
	return true
}

// solve gives the open variables their digits. The one with the fewest choices
// comes first, so that what cannot be is found out early.
func (m *meeting) solve() bool {
	v, choices := m.tightest()
	if v < 0 {
		return true
	}
	for _, d := range choices {
		m.digit[v] = d
		if m.solve() {
			return true
		}
	}
	m.digit[v] = -1
	return false
}

// tightest returns the open variable with the fewest possible digits; -1 if none
// is open.
func (m *meeting) tightest() (tightest int, choices []int8) {
	tightest = -1
	for _, v := range m.shown {
		if m.digit[v] >= 0 {
			continue
		}
		var can []int8
		for _, d := range m.choices(v) {
			m.digit[v] = d
			if m.possible() {
				can = append(can, d)
			}
		}
		m.digit[v] = -1
		if tightest < 0 || len(can) < len(choices) {
			tightest, choices = v, can
		}
		if len(can) == 0 {
			break
		}
	}
	return tightest, choices
}

// choices are the digits that a variable has to be tried with. What is in no date
// is in numbers only: there a digit above 1 can do nothing that 1 cannot.
func (m *meeting) choices(v int) []int8 {
	const ofOurTime = "202611" // is tried first: the text is for people
	for of := range 2 {
		for i := range numberAt {
			if m.leader[of*variables+i] == v {
				return []int8{int8(ofOurTime[i] - '0'), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
			}
		}
	}
	return []int8{0, 1}
}

// possible reports whether the years, months and numbers can all still be some.
func (m *meeting) possible() bool {
	for of := range 2 {
		if m.year(of) == 0 || m.month(of) == 0 || !m.countable(of) {
			return false
		}
	}
	return true
}

// year returns a year that fits the digits given so far; 0 if none does.
func (m *meeting) year(of int) int {
	if m.fits(of, yearAt, 4, 2026) {
		return 2026
	}
	for y := firstYear; y <= lastYear; y++ {
		if m.fits(of, yearAt, 4, y) {
			return y
		}
	}
	return 0
}

func (m *meeting) month(of int) int {
	for month := 1; month <= 12; month++ {
		if m.fits(of, monthAt, 2, month) {
			return month
		}
	}
	return 0
}

// fits reports whether count digits from a variable on can be those of value.
func (m *meeting) fits(of, first, count, value int) bool {
	for i := count - 1; i >= 0; i-- {
		if d := m.digit[m.leader[of*variables+first+i]]; d >= 0 && d != int8(value%10) {
			return false
		}
		value /= 10
	}
	return true
}

// countable reports whether the digits given so far can be a number from 1 to
// MaxNumber, printed as it is printed.
func (m *meeting) countable(of int) bool {
	rule, zero, bounded := m.number[of], true, true
	highest := strconv.FormatInt(MaxNumber, 10)
	for i := range rule.digits {
		d := m.digit[m.leader[of*variables+numberAt+i]]
		if d != 0 {
			zero = false // or can be made more than zero
		}
		if i == 0 && d == 0 && !rule.leading {
			return false
		}
		if rule.digits == len(highest) && bounded {
			most := int8(highest[i] - '0')
			if d > most {
				return false
			}
			bounded = d == most // an open one can be made less, unless that is 0
			bounded = bounded || d < 0 && most == 0
		}
	}
	return !zero
}

// clash tells the solution.
func (m *meeting) clash(f Format, of Names) Clash {
	var c Clash
	for i := range 2 {
		c.Number[i] = m.value(i)
		c.IssueDate[i] = fmt.Sprintf("%04d-%02d-01", m.year(i), m.month(i))
	}
	c.Text = f.Print(c.Number[0], Fields{IssueDate: c.IssueDate[0], Series: of.Series, Tenant: of.Tenant})
	return c
}

func (m *meeting) value(of int) (n int64) {
	for i := range m.number[of].digits {
		n = 10*n + int64(m.digit[m.leader[of*variables+numberAt+i]])
	}
	return n
}
