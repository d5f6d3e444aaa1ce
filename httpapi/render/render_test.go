package render

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"folio/invoices"
	"folio/invoices/document"

	"go.uber.org/goleak"
	"golang.org/x/net/html"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// issued is a draft as it is once it was issued.
func issued(t *testing.T, kind string, d document.Draft) invoices.Invoice {
	t.Helper()
	draft, totals, err := document.Complete(d, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return invoices.Invoice{
		ID: "inv_abc", Kind: kind, Status: "issued", Period: "2026", Number: 57, PrintedNumber: "INV-2026-000057",
		Draft: draft, Totals: totals,
		Seller: &document.Party{Name: "Muster & Söhne GmbH", TaxID: "ATU12345678", Address: &document.Address{
			Street: "Mariahilfer Straße 1", PostalCode: "1060", Locality: "Wien", Country: "AT"}},
	}
}

// realDrafts are the drafts of ../../invoices/document/testdata.
func realDrafts(t *testing.T) []document.Draft {
	t.Helper()
	f, err := os.Open("../../invoices/document/testdata/invoices.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var drafts []document.Draft
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one struct{ Draft document.Draft }
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		drafts = append(drafts, one.Draft)
	}
	if err := lines.Err(); err != nil || len(drafts) == 0 {
		t.Fatalf("%d drafts, %v", len(drafts), err)
	}
	return drafts
}

func pageOf(t *testing.T, inv invoices.Invoice) string {
	t.Helper()
	var out bytes.Buffer
	if err := HTML(&out, inv); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// text is what a person reads on a page.
func text(t *testing.T, page string) string {
	t.Helper()
	var out strings.Builder
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			return out.String()
		case html.TextToken:
			out.Write(z.Text())
			out.WriteByte(' ')
		}
	}
}

func TestThePageOfEveryRealDocumentShowsItsPartsAndTotals(t *testing.T) {
	for i, d := range realDrafts(t) {
		inv := issued(t, "invoice", d)
		got := html.UnescapeString(text(t, pageOf(t, inv)))
		want := []string{inv.PrintedNumber, inv.Customer.Name, inv.Totals.Net, inv.Totals.Gross, inv.Seller.Name, inv.IssueDate}
		for _, l := range inv.Lines {
			want = append(want, l.Description, l.UnitPrice)
		}
		for _, tax := range inv.Totals.Taxes {
			want = append(want, tax.Base, tax.Amount)
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("document %d: no %q on its page", i+1, w)
			}
		}
	}
}

func TestWhatACustomerWroteIsTextAndNothingElse(t *testing.T) {
	d := realDrafts(t)[0]
	d.Customer.Name = `<script>alert(1)</script>`
	d.Note = `"><img src=x onerror=alert(1)>`
	d.Lines[0].Description = `{{.Seller}} <b>`
	page := pageOf(t, issued(t, "invoice", d))
	for _, bad := range []string{"<script", "<img", "<b>"} {
		if strings.Contains(page, bad) {
			t.Errorf("%s came through", bad)
		}
	}
	if got := html.UnescapeString(text(t, page)); !strings.Contains(got, d.Customer.Name) || !strings.Contains(got, d.Note) || !strings.Contains(got, d.Lines[0].Description) {
		t.Error("the text is not shown as it was written")
	}
}

func TestAPageLoadsNothing(t *testing.T) {
	page := pageOf(t, issued(t, "credit_note", realDrafts(t)[0]))
	for _, bad := range []string{"http://", "https://", "src=", "url(", "@import", "<link"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if !strings.Contains(page, "Credit note") {
		t.Error("a credit note is not called one")
	}
}

// ublOrder is the order of a UBL 2.1 document's elements, as far as UBL writes
// them (OASIS UBL-Invoice-2.1.xsd, UBL-CreditNote-2.1.xsd).
var ublOrder = []string{
	"ID", "IssueDate", "DueDate", "InvoiceTypeCode", "CreditNoteTypeCode", "Note", "DocumentCurrencyCode", "BillingReference",
	"AccountingSupplierParty", "AccountingCustomerParty", "AllowanceCharge", "TaxTotal", "LegalMonetaryTotal", "InvoiceLine", "CreditNoteLine",
}

// read is a UBL document as another program reads it.
type read struct {
	XMLName  xml.Name
	Children []struct {
		XMLName xml.Name
	} `xml:",any"`
}

type readTotals struct {
	ID       string   `xml:"ID"`
	Net      string   `xml:"LegalMonetaryTotal>TaxExclusiveAmount"`
	Gross    string   `xml:"LegalMonetaryTotal>PayableAmount"`
	Tax      string   `xml:"TaxTotal>TaxAmount"`
	Customer string   `xml:"AccountingCustomerParty>Party>PartyLegalEntity>RegistrationName"`
	Invoiced []string `xml:"InvoiceLine>InvoicedQuantity"`
	Credited []string `xml:"CreditNoteLine>CreditedQuantity"`
	Credits  string   `xml:"BillingReference>InvoiceDocumentReference>ID"`
}

// An invoice that was moved in may have neither lines nor a breakdown of its tax.
func TestADocumentOfWhichOnlyTheSumsAreKnownIsShown(t *testing.T) {
	draft, totals, err := document.CompleteRecorded(
		document.Draft{IssueDate: "2025-03-01", Currency: "EUR", Customer: document.Customer{Name: "Ada"}},
		document.Totals{Net: "100.00", Tax: "20.00"}, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"invoice", "credit_note"} {
		inv := invoices.Invoice{Kind: kind, PrintedNumber: "OLD/5", Draft: draft, Totals: totals}
		read := text(t, pageOf(t, inv))
		for _, want := range []string{"OLD/5", "Net 100.00", "Tax 20.00", "Total EUR 120.00"} {
			if !strings.Contains(read, want) {
				t.Errorf("the page of a %s has no %q:\n%s", kind, want, read)
			}
		}
		var out bytes.Buffer
		if err := UBL(&out, inv); err != nil {
			t.Fatal(err)
		}
		if want := `<cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>`; !strings.Contains(out.String(), want) {
			t.Errorf("the UBL of a %s has no %s:\n%s", kind, want, out.String())
		}
	}
}

func TestThePageOfACreditNoteNamesItsInvoiceByThePrintedNumber(t *testing.T) {
	note := issued(t, "credit_note", realDrafts(t)[0])
	note.Credits, note.CreditsPrinted = "inv_of", "INV-2026-000057"
	if page := pageOf(t, note); !strings.Contains(page, "INV-2026-000057") || strings.Contains(page, "inv_of") {
		t.Error("the page names the invoice otherwise")
	}
}

func TestEveryRealDocumentAsUBLIsReadBackWithItsTotals(t *testing.T) {
	for i, d := range realDrafts(t) {
		for kind, root := range map[string]string{"invoice": "Invoice", "credit_note": "CreditNote"} {
			inv := issued(t, kind, d)
			inv.Credits = map[string]string{"credit_note": "inv_of"}[kind]
			inv.CreditsPrinted = map[string]string{"credit_note": "INV-2026-000057"}[kind]
			var out bytes.Buffer
			if err := UBL(&out, inv); err != nil {
				t.Fatal(err)
			}
			var r read
			var got readTotals
			if err := xml.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatalf("document %d: %v\n%s", i+1, err, out.String())
			}
			if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if want := ublNamespace + root + "-2"; r.XMLName.Space != want || r.XMLName.Local != root {
				t.Errorf("document %d is a %v, want %s", i+1, r.XMLName, want)
			}
			inOrder(t, r)
			if got.ID != inv.PrintedNumber || got.Net != inv.Totals.Net || got.Gross != inv.Totals.Gross || got.Tax != inv.Totals.Tax || got.Customer != inv.Customer.Name {
				t.Errorf("document %d was read back as %+v", i+1, got)
			}
			quantities := map[string][]string{"invoice": got.Invoiced, "credit_note": got.Credited}[kind]
			if len(quantities) != len(inv.Lines) || got.Credits != inv.CreditsPrinted {
				t.Errorf("document %d: %d lines and reference %q", i+1, len(quantities), got.Credits)
			}
		}
	}
}

func inOrder(t *testing.T, r read) {
	t.Helper()
	at := 0
	for _, c := range r.Children {
		for at < len(ublOrder) && ublOrder[at] != c.XMLName.Local {
			at++
		}
		if at == len(ublOrder) {
			t.Fatalf("%s does not stand in its place", c.XMLName.Local)
		}
		if !strings.HasPrefix(c.XMLName.Space, ublNamespace+"Common") {
			t.Errorf("%s is of %q", c.XMLName.Local, c.XMLName.Space)
		}
	}
}

// TestPagesToLookAt writes pages into the folder that PAGES names, for a person
// to look at in a browser; without it the pages are made and thrown away.
func TestPagesToLookAt(t *testing.T) {
	dir := os.Getenv("PAGES")
	if dir == "" {
		dir = t.TempDir()
	}
	drafts := realDrafts(t)
	greek := drafts[0]
	greek.Currency = "EUR"
	greek.Customer = document.Customer{Name: "Καφενείο Η Ωραία Ελλάς Α.Ε.", TaxID: "EL123456789", Address: &document.Address{
		Street: "Οδός Ερμού 42", PostalCode: "105 63", Locality: "Αθήνα", Country: "GR"}}
	greek.Lines = []document.Line{{Description: "Υπηρεσίες μετάφρασης (Ιανουάριος)", Quantity: "12", Unit: "ώρες", UnitPrice: "45.50", Tax: document.Tax{Category: "S", Rate: "24"}}}
	greek.Discounts, greek.Charges, greek.Note = nil, nil, "Ευχαριστούμε για τη συνεργασία. Πληρωτέο εντός 30 ημερών."
	arabic := greek
	arabic.Customer = document.Customer{Name: "شركة النور للتجارة", Address: &document.Address{Street: "شارع الملك فهد ١٢", Locality: "الرياض", Country: "SA"}}
	arabic.Lines = []document.Line{{Description: "خدمات الترجمة (عقد 7/2026)", Quantity: "3", UnitPrice: "80.00", Tax: document.Tax{Category: "S", Rate: "15"}}}
	arabic.Note = "شكراً لتعاملكم معنا."
	long := greek
	long.Customer = document.Customer{Name: "日本翻訳株式会社", Email: "keiri@example.com"}
	long.Lines = nil
	for i := range 50 {
		long.Lines = append(long.Lines, document.Line{
			Description: fmt.Sprintf("Position %d: %s", i+1, strings.Repeat("a part that is described at length ", i%4+1)),
			Quantity:    fmt.Sprint(i + 1), Unit: "pcs", UnitPrice: "19.99", Tax: document.Tax{Category: "S", Rate: "20"},
			Discounts: []document.Adjustment{{Percent: "5", Reason: "loyal customer"}},
		})
	}
	long.Discounts = []document.Adjustment{{Percent: "10", Reason: "annual agreement"}}
	long.Charges = []document.Adjustment{{Amount: "12.50", Reason: "shipping"}}
	for name, inv := range map[string]invoices.Invoice{
		"greek": issued(t, "invoice", greek), "arabic": issued(t, "invoice", arabic), "long": issued(t, "invoice", long),
		"credit": issued(t, "credit_note", greek), "real": issued(t, "invoice", drafts[len(drafts)-1]),
	} {
		if name == "credit" {
			inv.PrintedNumber, inv.Credits, inv.CreditsPrinted = "CN-2026-000004", "inv_of", "INV-2026-000057"
		}
		if name == "real" {
			inv.Status, inv.Credited = "cancelled", inv.Totals.Gross
		}
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(pageOf(t, inv)), 0o600); err != nil {
			t.Fatal(err)
		}
		var ubl bytes.Buffer
		if err := UBL(&ubl, inv); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".xml"), ubl.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
