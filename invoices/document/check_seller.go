package document

// CheckSeller checks what a tenant says of itself: what its documents print, and
// the currency of drafts that name none. Nothing is required. Pointers are those
// of the tenant: /legal_name, /tax_id, /address/…, /default_currency.
func CheckSeller(p Party, currency string) []FieldError {
	c := &check{}
	c.text(root("/legal_name"), p.Name, MaxName)
	c.text(root("/tax_id"), p.TaxID, MaxTaxID)
	c.address(root("/address"), p.Address)
	if _, ok := MinorDigits(currency); currency != "" && !ok {
		c.fail("/default_currency", "is no currency code of ISO 4217: want three capital letters, such as EUR")
	}
	return c.bad
}
