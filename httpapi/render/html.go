package render

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"folio/invoices"
	"folio/invoices/document"
)

//go:embed page.html
var pageText string

// page is what page.html is filled with.
type page struct {
	invoices.Invoice
	Title string
	Parts document.Breakdown
}

// HTML writes inv as a page that prints on A4. It loads nothing and runs no
// script. Text of any script is set in its own direction.
func HTML(w io.Writer, inv invoices.Invoice) error {
	parts, err := document.BreakDown(inv.Draft, inv.Totals)
	if err != nil {
		return fmt.Errorf("render %s: %w", inv.PrintedNumber, err)
	}
	tmpl, err := template.New("page").Funcs(template.FuncMap{"lines": addressLines, "negated": negated}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("render %s: %w", inv.PrintedNumber, err)
	}
	return tmpl.Execute(w, page{Invoice: inv, Title: title(inv), Parts: parts})
}

func title(inv invoices.Invoice) string {
	if inv.Kind == "credit_note" {
		return "Credit note"
	}
	return "Invoice"
}

// negated is an amount taken off.
func negated(amount string) string {
	if rest, negative := strings.CutPrefix(amount, "-"); negative {
		return rest
	}
	return "-" + amount
}

// addressLines are the lines of an address as they stand on a letter; none of
// none.
func addressLines(a *document.Address) []string {
	if a == nil {
		return nil
	}
	var lines []string
	for _, l := range []string{a.Street, strings.TrimSpace(a.PostalCode + " " + a.Locality), a.Region, a.Country} {
		if l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}
