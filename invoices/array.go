package invoices

import (
	"encoding/hex"
	"strconv"
	"time"
)

// arrays are Postgres arrays in their text form, made one behind the other; see "Array
// Input and Output Syntax" in Postgres' manual. Invoices are written by arrays of
// columns, so that most of a batch goes through here: [pq.Array] looks at each element's
// type by reflection and copies it several times, which was a seventh of the CPU of a
// busy replica. The zero arrays are empty.
//
// All arrays of a statement are in one buffer, which the next statement uses again: each
// is good until clear, and the driver has sent it by then. They are bytes because of
// these the driver makes no copy.
type arrays struct {
	text []byte
	from int // where the array that is being made begins
}

// textKept is the largest buffer that is kept for the next statement: a batch of 500
// invoices of two lines takes about 600 kB.
const textKept = 1 << 20

// clear begins anew. Arrays that were made before are of no use any more.
func (a *arrays) clear() {
	if cap(a.text) > textKept {
		a.text = nil
	}
	a.text, a.from = a.text[:0], 0
}

// next begins an element.
func (a *arrays) next() {
	c := byte(',')
	if len(a.text) == a.from {
		c = '{'
	}
	a.text = append(a.text, c)
}

func (a *arrays) null() {
	a.next()
	a.text = append(a.text, "NULL"...)
}

// add adds an element of text.
func (a *arrays) add(s string) {
	a.next()
	a.text = append(a.text, '"')
	from := 0
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			a.text = append(a.text, s[from:i]...)
			a.text = append(a.text, '\\')
			from = i
		}
	}
	a.text = append(a.text, s[from:]...)
	a.text = append(a.text, '"')
}

func (a *arrays) whole(n int64) {
	a.next()
	a.text = strconv.AppendInt(a.text, n, 10)
}

// bytes adds an element of bytea, in its hex form.
func (a *arrays) bytes(b []byte) {
	a.next()
	a.text = append(a.text, `"\\x`...)
	a.text = hex.AppendEncode(a.text, b)
	a.text = append(a.text, '"')
}

// timeText is how a time is sent: to the microsecond, as Postgres keeps it.
const timeText = "2006-01-02T15:04:05.999999Z07:00"

func (a *arrays) time(t time.Time) {
	a.next()
	a.text = append(a.text, '"')
	a.text = t.AppendFormat(a.text, timeText)
	a.text = append(a.text, '"')
}

// end returns the array that was made; the next one begins.
func (a *arrays) end() []byte {
	if len(a.text) == a.from {
		a.text = append(a.text, '{')
	}
	a.text = append(a.text, '}')
	made := a.text[a.from:len(a.text):len(a.text)]
	a.from = len(a.text)
	return made
}
