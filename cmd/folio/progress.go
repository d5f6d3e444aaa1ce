package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"folio/invoices"
)

// progress shows how far an import or an audit is: as a bar where a person looks on, else as
// lines of a log, one per step and per tenth of the file.
type progress struct {
	out      io.Writer
	terminal bool
	begun    time.Time
	last     string // the line shown last
	drawn    bool   // a bar stands on the present line
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, terminal: isTerminal(out), begun: time.Now()}
}

// isTerminal reports whether out is a character device, as terminals are, and not the
// one where nobody looks.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

func (p *progress) show(at invoices.ImportProgress) {
	text := at.Doing + " …"
	if at.Doing == "stage" {
		text = fmt.Sprintf("stage: %s", plural(at.Rows, "row", "rows"))
	}
	if p.terminal {
		p.draw(at.Bytes, at.Size, text)
		return
	}
	if at.Doing == "stage" && at.Size > 0 {
		text = fmt.Sprintf("stage: %d %%", at.Bytes*100/at.Size/10*10)
	}
	if text != p.last {
		fmt.Fprintf(p.out, "folio: %s\n", text)
		p.last = text
	}
}

// showAudit is called only where a person looks on: an audit says nothing else.
func (p *progress) showAudit(at invoices.AuditProgress) {
	p.draw(at.Series, at.All, fmt.Sprintf("%d of %s, %s", at.Series, plural(at.All, "series", "series"), plural(at.Rows, "row", "rows")))
}

// showDeep is showAudit for the content of documents.
func (p *progress) showDeep(at invoices.DeepProgress) {
	p.draw(at.Checked, at.Of, fmt.Sprintf("%d of %s checked", at.Checked, plural(at.Of, "document", "documents")))
}

// draw puts a bar over the one before.
func (p *progress) draw(done, all int64, text string) {
	const width = 40
	full := 0
	if all > 0 {
		full = int(min(done, all) * width / all)
	}
	fmt.Fprintf(p.out, "\r[%s%s] %-32s %4.0f s", strings.Repeat("#", full), strings.Repeat(".", width-full), text, time.Since(p.begun).Seconds())
	p.drawn = true
}

// end leaves the last bar standing.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprintln(p.out)
	}
}
