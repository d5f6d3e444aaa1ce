package invoices

import (
	"encoding/hex"
	"strconv"
	"time"
)

// array is a Postgres array in its text form, as it is made; see "Array Input and
// Output Syntax" in Postgres' manual. Invoices are written by arrays of columns, so
// that most of a batch goes through here: [pq.Array] looks at each element's type by
// reflection and copies it several times, which was a seventh of the CPU of a busy
// replica. The zero array is empty; one is used again after end.
type array struct{ text []byte }

// next begins an element.
func (a *array) next() {
	c := byte(',')
	if len(a.text) == 0 {
		c = '{'
	}
	a.text = append(a.text, c)
}

func (a *array) null() {
	a.next()
	a.text = append(a.text, "NULL"...)
}

// add adds an element of text.
func (a *array) add(s string) {
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

func (a *array) whole(n int64) {
	a.next()
	a.text = strconv.AppendInt(a.text, n, 10)
}

// bytes adds an element of bytea, in its hex form.
func (a *array) bytes(b []byte) {
	a.next()
	a.text = append(a.text, `"\\x`...)
	a.text = hex.AppendEncode(a.text, b)
	a.text = append(a.text, '"')
}

// timeText is how a time is sent: to the microsecond, as Postgres keeps it.
const timeText = "2006-01-02T15:04:05.999999Z07:00"

func (a *array) time(t time.Time) {
	a.next()
	a.text = append(a.text, '"')
	a.text = t.AppendFormat(a.text, timeText)
	a.text = append(a.text, '"')
}

// end returns the array; the next one begins.
func (a *array) end() string {
	if len(a.text) == 0 {
		return "{}"
	}
	text := string(append(a.text, '}'))
	a.text = a.text[:0]
	return text
}
