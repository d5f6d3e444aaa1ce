package render

import (
	"encoding/xml"
	"fmt"
	"io"

	"folio/invoices"
	"folio/invoices/document"
)

// UBL writes inv in the shape of a UBL 2.1 Invoice or CreditNote (OASIS, 2013),
// its elements in the order of the schema, its codes those of EN 16931. It is
// UBL-shaped: whether it is a valid e-invoice in some country depends on facts
// that folio does not ask for, such as a seller's bank account.
func UBL(w io.Writer, inv invoices.Invoice) error {
	parts, err := document.BreakDown(inv.Draft, inv.Totals)
	if err != nil {
		return fmt.Errorf("render %s: %w", inv.PrintedNumber, err)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	doc := ublDocument(inv, parts)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("render %s: %w", inv.PrintedNumber, err)
	}
	return enc.Close()
}

// amount is a sum of money with its currency.
type amount struct {
	Currency string `xml:"currencyID,attr"`
	Value    string `xml:",chardata"`
}

type ublDoc struct {
	XMLName     xml.Name
	CAC         string         `xml:"xmlns:cac,attr"`
	CBC         string         `xml:"xmlns:cbc,attr"`
	ID          string         `xml:"cbc:ID"`
	IssueDate   string         `xml:"cbc:IssueDate"`
	DueDate     string         `xml:"cbc:DueDate,omitempty"` // a credit note has none
	InvoiceType string         `xml:"cbc:InvoiceTypeCode,omitempty"`
	CreditType  string         `xml:"cbc:CreditNoteTypeCode,omitempty"`
	Note        string         `xml:"cbc:Note,omitempty"`
	Currency    string         `xml:"cbc:DocumentCurrencyCode"`
	Credits     *ublReference  `xml:"cac:BillingReference"`
	Seller      ublParty       `xml:"cac:AccountingSupplierParty>cac:Party"`
	Customer    ublParty       `xml:"cac:AccountingCustomerParty>cac:Party"`
	Adjustments []ublAllowance `xml:"cac:AllowanceCharge"`
	TaxTotal    ublTaxTotal    `xml:"cac:TaxTotal"`
	Totals      ublTotals      `xml:"cac:LegalMonetaryTotal"`
	Lines       []ublLine      `xml:"cac:InvoiceLine"`
	CreditLines []ublLine      `xml:"cac:CreditNoteLine"`
}

type ublReference struct {
	ID string `xml:"cac:InvoiceDocumentReference>cbc:ID"`
}

type ublParty struct {
	Address *ublAddress `xml:"cac:PostalAddress"`
	TaxID   *ublTaxID   `xml:"cac:PartyTaxScheme"`
	Name    string      `xml:"cac:PartyLegalEntity>cbc:RegistrationName"`
	Email   *ublContact `xml:"cac:Contact"`
}

type ublTaxID struct {
	ID     string `xml:"cbc:CompanyID"`
	Scheme string `xml:"cac:TaxScheme>cbc:ID"`
}

type ublContact struct {
	Email string `xml:"cbc:ElectronicMail"`
}

type ublAddress struct {
	Street     string      `xml:"cbc:StreetName,omitempty"`
	Locality   string      `xml:"cbc:CityName,omitempty"`
	PostalCode string      `xml:"cbc:PostalZone,omitempty"`
	Region     string      `xml:"cbc:CountrySubentity,omitempty"`
	Country    *ublCountry `xml:"cac:Country"`
}

type ublCountry struct {
	Code string `xml:"cbc:IdentificationCode"`
}

type ublAllowance struct {
	Charge  bool         `xml:"cbc:ChargeIndicator"`
	Reason  string       `xml:"cbc:AllowanceChargeReason,omitempty"`
	Percent string       `xml:"cbc:MultiplierFactorNumeric,omitempty"`
	Amount  amount       `xml:"cbc:Amount"`
	Tax     *ublCategory `xml:"cac:TaxCategory"`
}

type ublCategory struct {
	ID     string `xml:"cbc:ID"`
	Rate   string `xml:"cbc:Percent"`
	Scheme string `xml:"cac:TaxScheme>cbc:ID"`
}

type ublTaxTotal struct {
	Amount amount        `xml:"cbc:TaxAmount"`
	Taxes  []ublSubtotal `xml:"cac:TaxSubtotal"`
}

type ublSubtotal struct {
	Base     amount      `xml:"cbc:TaxableAmount"`
	Amount   amount      `xml:"cbc:TaxAmount"`
	Category ublCategory `xml:"cac:TaxCategory"`
}

type ublTotals struct {
	Lines      amount  `xml:"cbc:LineExtensionAmount"`
	Net        amount  `xml:"cbc:TaxExclusiveAmount"`
	Gross      amount  `xml:"cbc:TaxInclusiveAmount"`
	Allowances *amount `xml:"cbc:AllowanceTotalAmount"`
	Charges    *amount `xml:"cbc:ChargeTotalAmount"`
	Payable    amount  `xml:"cbc:PayableAmount"`
}

type ublLine struct {
	ID        int            `xml:"cbc:ID"`
	Quantity  *ublQuantity   `xml:"cbc:InvoicedQuantity"`
	Credited  *ublQuantity   `xml:"cbc:CreditedQuantity"`
	Net       amount         `xml:"cbc:LineExtensionAmount"`
	Discounts []ublAllowance `xml:"cac:AllowanceCharge"`
	Item      ublItem        `xml:"cac:Item"`
	Price     amount         `xml:"cac:Price>cbc:PriceAmount"`
}

type ublQuantity struct {
	Unit  string `xml:"unitCode,attr,omitempty"`
	Value string `xml:",chardata"`
}

type ublItem struct {
	Description string      `xml:"cbc:Description"`
	Name        string      `xml:"cbc:Name"`
	Tax         ublCategory `xml:"cac:ClassifiedTaxCategory"`
}
