package render

import (
	"encoding/xml"
	"unicode/utf8"

	"folio/invoices"
	"folio/invoices/document"
)

const (
	ublNamespace = "urn:oasis:names:specification:ubl:schema:xsd:"
	vat          = "VAT" // the tax scheme

	// Document types of UNTDID 1001.
	commercialInvoice = "380"
	creditNote        = "381"

	maxItemName = 100 // characters of a description that make the item's name
)

func ublDocument(inv invoices.Invoice, parts document.Breakdown) ublDoc {
	money := func(value string) amount { return amount{Currency: inv.Currency, Value: value} }
	kind := "Invoice"
	if inv.Kind == "credit_note" {
		kind = "CreditNote"
	}
	d := ublDoc{
		XMLName: xml.Name{Space: ublNamespace + kind + "-2", Local: kind},
		CAC:     ublNamespace + "CommonAggregateComponents-2", CBC: ublNamespace + "CommonBasicComponents-2",
		ID: inv.PrintedNumber, IssueDate: inv.IssueDate, Note: inv.Note, Currency: inv.Currency,
		Seller: seller(inv.Seller), Customer: customer(inv.Customer),
		Adjustments: append(allowances(inv.Discounts, parts.Discounts, false, money), allowances(inv.Charges, parts.Charges, true, money)...),
		TaxTotal:    taxTotal(inv.Totals, money),
		Totals: ublTotals{
			Lines: money(parts.LinesNet), Net: money(inv.Totals.Net), Gross: money(inv.Totals.Gross), Payable: money(inv.Totals.Gross),
			Allowances: summed(parts.Discounts, parts.DiscountsSum, money), Charges: summed(parts.Charges, parts.ChargesSum, money),
		},
	}
	if kind == "CreditNote" {
		d.CreditType, d.CreditLines = creditNote, lines(inv.Lines, parts, true, money)
		if inv.CreditsPrinted != "" {
			d.Credits = &ublReference{ID: inv.CreditsPrinted}
		}
		return d
	}
	d.InvoiceType, d.DueDate, d.Lines = commercialInvoice, inv.DueDate, lines(inv.Lines, parts, false, money)
	return d
}

func seller(p *document.Party) ublParty {
	if p == nil {
		return ublParty{}
	}
	return ublParty{Address: address(p.Address), TaxID: taxID(p.TaxID), Name: p.Name}
}

func customer(c document.Customer) ublParty {
	p := ublParty{Address: address(c.Address), TaxID: taxID(c.TaxID), Name: c.Name}
	if c.Email != "" {
		p.Email = &ublContact{Email: c.Email}
	}
	return p
}

func taxID(id string) *ublTaxID {
	if id == "" {
		return nil
	}
	return &ublTaxID{ID: id, Scheme: vat}
}

func address(a *document.Address) *ublAddress {
	if a == nil {
		return nil
	}
	out := &ublAddress{Street: a.Street, Locality: a.Locality, PostalCode: a.PostalCode, Region: a.Region}
	if a.Country != "" {
		out.Country = &ublCountry{Code: a.Country}
	}
	return out
}

func category(t document.Tax) ublCategory {
	return ublCategory{ID: t.Category, Rate: t.Rate, Scheme: vat}
}

func allowances(all []document.Adjustment, amounts []string, charge bool, money func(string) amount) []ublAllowance {
	var out []ublAllowance
	for i, a := range all {
		one := ublAllowance{Charge: charge, Reason: a.Reason, Percent: a.Percent, Amount: money(amounts[i])}
		if a.Tax != nil {
			tax := category(*a.Tax)
			one.Tax = &tax
		}
		out = append(out, one)
	}
	return out
}

func taxTotal(t document.Totals, money func(string) amount) ublTaxTotal {
	total := ublTaxTotal{Amount: money(t.Tax)}
	for _, tax := range t.Taxes {
		total.Taxes = append(total.Taxes, ublSubtotal{
			Base: money(tax.Base), Amount: money(tax.Amount), Category: category(document.Tax{Category: tax.Category, Rate: tax.Rate}),
		})
	}
	return total
}

// summed is the sum of amounts; nil if there are none.
func summed(amounts []string, sum string, money func(string) amount) *amount {
	if len(amounts) == 0 {
		return nil
	}
	whole := money(sum)
	return &whole
}

func lines(all []document.Line, parts document.Breakdown, credited bool, money func(string) amount) []ublLine {
	out := make([]ublLine, len(all))
	for i, l := range all {
		line := ublLine{
			ID: i + 1, Net: money(parts.Lines[i].Net), Price: money(l.UnitPrice),
			Discounts: allowances(l.Discounts, parts.Lines[i].Discounts, false, money),
			Item:      ublItem{Description: l.Description, Name: firstOf(l.Description, maxItemName), Tax: category(l.Tax)},
		}
		q := &ublQuantity{Unit: l.Unit, Value: l.Quantity}
		if credited {
			line.Credited = q
		} else {
			line.Quantity = q
		}
		out[i] = line
	}
	return out
}

// firstOf returns at most n characters of s.
func firstOf(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
