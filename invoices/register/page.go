package register

import (
	_ "embed"
	"fmt"
	"html"
	"html/template"
	"io"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

// pageWriter writes a page that prints: it loads nothing and runs no script. The
// page is written as it comes; a browser shows it from the first line on.
type pageWriter struct {
	to      io.Writer
	buf     []byte
	numbers int64
}

func (w *pageWriter) Begin(h Head) error {
	tmpl, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("write the register as a page: %w", err)
	}
	return tmpl.Execute(w.to, h)
}

func (w *pageWriter) Lines(lines []Line) error {
	w.buf = w.buf[:0]
	for i := range lines {
		w.line(&lines[i])
	}
	w.numbers += int64(len(lines))
	return w.flush()
}

func (w *pageWriter) line(l *Line) {
	w.buf = append(append(append(w.buf, `<tr class="`...), l.Status...), `"><td class="n">`...)
	w.buf = strconv.AppendInt(w.buf, l.Number, 10)
	w.buf = append(w.buf, `<td dir="auto">`...)
	w.text(l.PrintedNumber)
	w.cell(l.Date)
	w.cell(strings.ReplaceAll(l.Kind, "_", " "))
	w.cell(l.Status)
	w.buf = append(w.buf, `<td class="n">`...)
	w.text(strings.TrimSpace(l.Gross + " " + l.Currency))
	w.buf = append(w.buf, `<td dir="auto">`...)
	w.text(l.Explanation)
	w.buf = append(w.buf, "</tr>\n"...)
}

func (w *pageWriter) cell(s string) {
	w.buf = append(w.buf, `<td>`...)
	w.text(s)
}

func (w *pageWriter) text(s string) { w.buf = append(w.buf, html.EscapeString(s)...) }

func (w *pageWriter) End() error {
	numbers := strconv.FormatInt(w.numbers, 10) + " numbers"
	if w.numbers == 1 {
		numbers = "1 number"
	}
	w.buf = append(w.buf[:0], "</tbody>\n</table>\n<p class=\"end\">End of the register: "+numbers+".</p>\n</body>\n</html>\n"...)
	return w.flush()
}

func (w *pageWriter) flush() error {
	_, err := w.to.Write(w.buf)
	return err
}
