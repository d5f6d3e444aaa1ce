package register

import (
	"io"
	"strconv"
	"strings"
)

// csvWriter writes RFC 4180 with a header, lines ended by CRLF.
type csvWriter struct {
	to  io.Writer
	buf []byte
}

func (w *csvWriter) Begin(Head) error {
	w.buf = append(w.buf[:0], "number,printed_number,date,kind,status,currency,gross,reason,explanation\r\n"...)
	return w.flush()
}

func (w *csvWriter) Lines(lines []Line) error {
	w.buf = w.buf[:0]
	for i := range lines {
		l := &lines[i]
		w.buf = strconv.AppendInt(w.buf, l.Number, 10)
		w.buf = append(w.buf, ',')
		w.text(l.PrintedNumber)
		w.word(l.Date)
		w.word(l.Kind)
		w.word(l.Status)
		w.word(l.Currency)
		w.word(l.Gross)
		w.text(l.Reason)
		w.text(l.Explanation)
		w.buf = append(w.buf[:len(w.buf)-1], "\r\n"...)
	}
	return w.flush()
}

func (w *csvWriter) End() error { return nil }

func (w *csvWriter) flush() error {
	_, err := w.to.Write(w.buf)
	return err
}

// word appends a cell that is ours: an amount may begin with a minus, and is one.
func (w *csvWriter) word(s string) { w.buf = append(append(w.buf, s...), ',') }

// text appends a cell that somebody else wrote. A spreadsheet would run what begins
// like a formula, so an apostrophe goes before it (OWASP, CSV Injection).
func (w *csvWriter) text(s string) {
	if s != "" && strings.IndexByte("=+-@\t\r\n|%", s[0]) >= 0 {
		s = "'" + s
	}
	if strings.ContainsAny(s, "\",\r\n") {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	w.word(s)
}
