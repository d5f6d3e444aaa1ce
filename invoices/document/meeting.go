package document

import (
	"fmt"
	"strconv"
)

// meeting is the question whether two formats print one text, both laid out in
// cells of the same length. Variables that stand at the same place are one.
type meeting struct {
	leader [2 * variables]int  // of each variable: the one it is the same as
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
	seen := make(map[int]bool)
	for _, ofDate := range []bool{true, false} {
		for _, c := range append(f[:len(f):len(f)], g...) {
			if c.variable < 0 || (c.variable%variables < numberAt) != ofDate || seen[m.find(c.variable)] {
				continue
			}
			seen[m.find(c.variable)] = true
			m.shown = append(m.shown, m.find(c.variable))
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

// solve gives the open variables from m.shown[i] on their digits.
func (m *meeting) solve(i int) bool {
	if i == len(m.shown) {
		return true
	}
	v := m.shown[i]
	if m.digit[v] >= 0 {
		return m.solve(i + 1)
	}
	for _, d := range m.choices(v) {
		m.digit[v] = d
		if m.possible() && m.solve(i+1) {
			return true
		}
	}
	m.digit[v] = -1
	return false
}

// choices are the digits that a variable has to be tried with. What is in no date
// is in numbers only: there a digit above 1 can do nothing that 1 cannot.
func (m *meeting) choices(v int) []int8 {
	const ofOurTime = "202611" // is tried first: the text is for people
	for of := range 2 {
		for i := range numberAt {
			if m.find(of*variables+i) == v {
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
	if m.fits(of, yearAt, "2026") {
		return 2026
	}
	for y := firstYear; y <= lastYear; y++ {
		if m.fits(of, yearAt, strconv.Itoa(y)) {
			return y
		}
	}
	return 0
}

func (m *meeting) month(of int) int {
	for month := 1; month <= 12; month++ {
		if m.fits(of, monthAt, fmt.Sprintf("%02d", month)) {
			return month
		}
	}
	return 0
}

func (m *meeting) fits(of, first int, digits string) bool {
	for i := range len(digits) {
		if d := m.digit[m.find(of*variables+first+i)]; d >= 0 && d != int8(digits[i]-'0') {
			return false
		}
	}
	return true
}

// countable reports whether the digits given so far can be a number from 1 to
// MaxNumber, printed as it is printed.
func (m *meeting) countable(of int) bool {
	rule, zero, bounded := m.number[of], true, true
	highest := strconv.FormatInt(MaxNumber, 10)
	for i := range rule.digits {
		d := m.digit[m.find(of*variables+numberAt+i)]
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
		n = 10*n + int64(m.digit[m.find(of*variables+numberAt+i)])
	}
	return n
}
