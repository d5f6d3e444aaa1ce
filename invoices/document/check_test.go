package document

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// valid is a draft with every field there is.
func valid() Draft {
	return Draft{
		Series: "invoice", IssueDate: "2026-11-23", DueDate: "2026-12-23", Currency: "EUR", Note: "Thank you\nvery much",
		Customer: Customer{Name: "Ada Lovelace", Email: "ada@example.com", TaxID: "ATU12345678",
			Address: &Address{Street: "Hauptstraße 1", Locality: "Wien", Region: "W", PostalCode: "1010", Country: "AT"}},
		Lines: []Line{{Description: "Translation", Quantity: "3", Unit: "h", UnitPrice: "80.00",
			Discounts: []Adjustment{{Percent: "5", Reason: "friend"}}, Tax: Tax{Category: "S", Rate: "19"}}},
		Discounts: []Adjustment{{Amount: "1.00", Tax: &Tax{Category: "S", Rate: "19"}}},
		Charges:   []Adjustment{{Percent: "1"}},
		Metadata:  map[string]string{"order": "4711", "empty": ""},
	}
}

// pointers completes a draft and returns where it is wrong.
func pointers(t *testing.T, d Draft) []string {
	t.Helper()
	_, _, err := Complete(d, now)
	var invalid *InvalidError
	if err == nil {
		return nil
	}
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v, want *InvalidError", err)
	}
	var at []string
	for _, f := range invalid.Fields {
		at = append(at, f.Pointer)
		if f.Detail == "" {
			t.Errorf("%s: says nothing", f.Pointer)
		}
	}
	return at
}

func TestAValidDraftHasNoFault(t *testing.T) {
	if at := pointers(t, valid()); at != nil {
		t.Fatalf("faults at %v", at)
	}
}

func TestEachFaultIsNamedAtItsField(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Draft)
		at    string
	}{
		"no currency":              {func(d *Draft) { d.Currency = "" }, "/currency"},
		"lower-case currency":      {func(d *Draft) { d.Currency = "eur" }, "/currency"},
		"unknown currency":         {func(d *Draft) { d.Currency = "ZZZ" }, "/currency"},
		"currency across two":      {func(d *Draft) { d.Currency = "R G" }, "/currency"},
		"no customer":              {func(d *Draft) { d.Customer = Customer{} }, "/customer/name"},
		"blank name":               {func(d *Draft) { d.Customer.Name = " \t" }, "/customer/name"},
		"NUL in the name":          {func(d *Draft) { d.Customer.Name = "a\x00b" }, "/customer/name"},
		"escape in the note":       {func(d *Draft) { d.Note = "\x1b[31m" }, "/note"},
		"invalid UTF-8":            {func(d *Draft) { d.Note = "\xff" }, "/note"},
		"long name":                {func(d *Draft) { d.Customer.Name = strings.Repeat("ä", MaxName+1) }, "/customer/name"},
		"email without @":          {func(d *Draft) { d.Customer.Email = "ada" }, "/customer/email"},
		"unknown country":          {func(d *Draft) { d.Customer.Address.Country = "ZZ" }, "/customer/address/country"},
		"lower-case country":       {func(d *Draft) { d.Customer.Address.Country = "at" }, "/customer/address/country"},
		"no lines":                 {func(d *Draft) { d.Lines = nil }, "/lines"},
		"no description":           {func(d *Draft) { d.Lines[0].Description = "" }, "/lines/0/description"},
		"no quantity":              {func(d *Draft) { d.Lines[0].Quantity = "" }, "/lines/0/quantity"},
		"no price":                 {func(d *Draft) { d.Lines[0].UnitPrice = "" }, "/lines/0/unit_price"},
		"no tax":                   {func(d *Draft) { d.Lines[0].Tax = Tax{} }, "/lines/0/tax/category"},
		"unknown category":         {func(d *Draft) { d.Lines[0].Tax.Category = "s" }, "/lines/0/tax/category"},
		"S without a rate":         {func(d *Draft) { d.Lines[0].Tax.Rate = "" }, "/lines/0/tax/rate"},
		"negative rate":            {func(d *Draft) { d.Lines[0].Tax.Rate = "-1" }, "/lines/0/tax/rate"},
		"minus zero as a rate":     {func(d *Draft) { d.Lines[0].Tax.Rate = "-0" }, "/lines/0/tax/rate"},
		"minus zero without S":     {func(d *Draft) { d.Lines[0].Tax = Tax{Category: "Z", Rate: "-0.0"} }, "/lines/0/tax/rate"},
		"email of an @ alone":      {func(d *Draft) { d.Customer.Email = "@" }, "/customer/email"},
		"rate above 100":           {func(d *Draft) { d.Lines[0].Tax.Rate = "100.01" }, "/lines/0/tax/rate"},
		"zero-rated with a rate":   {func(d *Draft) { d.Lines[0].Tax = Tax{Category: "Z", Rate: "1"} }, "/lines/0/tax/rate"},
		"exponent":                 {func(d *Draft) { d.Lines[0].Quantity = "1e400" }, "/lines/0/quantity"},
		"10^400":                   {func(d *Draft) { d.Lines[0].UnitPrice = "1" + strings.Repeat("0", 400) }, "/lines/0/unit_price"},
		"many fraction digits":     {func(d *Draft) { d.Lines[0].UnitPrice = "0.00000000001" }, "/lines/0/unit_price"},
		"plus":                     {func(d *Draft) { d.Lines[0].Quantity = "+1" }, "/lines/0/quantity"},
		"leading point":            {func(d *Draft) { d.Lines[0].Quantity = ".5" }, "/lines/0/quantity"},
		"trailing point":           {func(d *Draft) { d.Lines[0].Quantity = "5." }, "/lines/0/quantity"},
		"comma":                    {func(d *Draft) { d.Lines[0].Quantity = "1,5" }, "/lines/0/quantity"},
		"NaN":                      {func(d *Draft) { d.Lines[0].Quantity = "NaN" }, "/lines/0/quantity"},
		"other digits":             {func(d *Draft) { d.Lines[0].Quantity = "٣" }, "/lines/0/quantity"},
		"minus alone":              {func(d *Draft) { d.Lines[0].Quantity = "-" }, "/lines/0/quantity"},
		"spaces":                   {func(d *Draft) { d.Lines[0].Quantity = " 1" }, "/lines/0/quantity"},
		"percent and amount":       {func(d *Draft) { d.Lines[0].Discounts[0].Amount = "1" }, "/lines/0/discounts/0"},
		"neither":                  {func(d *Draft) { d.Lines[0].Discounts[0].Percent = "" }, "/lines/0/discounts/0"},
		"tax on a line's discount": {func(d *Draft) { d.Lines[0].Discounts[0].Tax = &Tax{Category: "Z"} }, "/lines/0/discounts/0/tax"},
		"percent out of bounds":    {func(d *Draft) { d.Charges[0].Percent = "1001" }, "/charges/0/percent"},
		"bad tax of a discount":    {func(d *Draft) { d.Discounts[0].Tax = &Tax{Category: "X"} }, "/discounts/0/tax/category"},
		"too many discounts":       {func(d *Draft) { d.Discounts = slices.Repeat(d.Discounts, MaxAdjustments+1) }, "/discounts"},
		"no such day":              {func(d *Draft) { d.IssueDate = "2026-02-30" }, "/issue_date"},
		"another way of dates":     {func(d *Draft) { d.IssueDate = "23.11.2026" }, "/issue_date"},
		"a time":                   {func(d *Draft) { d.DueDate = "2026-11-23T00:00:00Z" }, "/due_date"},
		"before 1970":              {func(d *Draft) { d.IssueDate = "1969-12-31" }, "/issue_date"},
		"over a year ahead":        {func(d *Draft) { d.IssueDate = "2027-11-24" }, "/issue_date"},
		"bad series":               {func(d *Draft) { d.Series = "a/b" }, "/series"},
		"series with a hyphen end": {func(d *Draft) { d.Series = "a-" }, "/series"},
		"too much metadata":        {func(d *Draft) { d.Metadata = many(MaxMetadata + 1) }, "/metadata"},
		"empty key":                {func(d *Draft) { d.Metadata[""] = "x" }, "/metadata/"},
		"NUL in a value":           {func(d *Draft) { d.Metadata["a/b~c"] = "\x00" }, "/metadata/a~1b~0c"},
		"sums too large":           {func(d *Draft) { d.Lines[0].Quantity, d.Lines[0].UnitPrice = "999999999999999", "999999999999999" }, "/lines"},
	} {
		d := valid()
		c.spoil(&d)
		if got := pointers(t, d); !slices.Equal(got, []string{c.at}) {
			t.Errorf("%s: faults at %v, want %s", name, got, c.at)
		}
	}
}

func many(n int) map[string]string {
	all := make(map[string]string)
	for i := range n {
		all[strings.Repeat("k", i+1)] = "v"
	}
	return all
}

func TestTheYearAheadIsCountedFromTheTenantsDay(t *testing.T) {
	d := valid()
	d.IssueDate = "2027-11-23"
	if at := pointers(t, d); at != nil {
		t.Fatalf("faults at %v", at)
	}
}

func TestAllFaultsAreNamedTogetherUpToABound(t *testing.T) {
	d := Draft{Lines: make([]Line, 100)}
	got := pointers(t, d)
	if len(got) != maxFieldErrors || got[0] != "/currency" || got[1] != "/customer/name" || got[2] != "/lines/0/description" {
		t.Fatalf("%d faults, the first at %v", len(got), got[:3])
	}
}

func TestDefaultsAreFilledInAndTheCallersDraftIsLeftAlone(t *testing.T) {
	sent := Draft{
		Currency: "EUR", Customer: Customer{Name: "x"},
		Lines:   []Line{{Description: "x", Quantity: "1", UnitPrice: "1", Tax: Tax{Category: "Z"}}},
		Charges: []Adjustment{{Amount: "1", Tax: &Tax{Category: "O"}}},
	}
	before, _ := json.Marshal(sent)
	kiritimati := time.FixedZone("+14", 14*3600)
	got, _, err := Complete(sent, time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC).In(kiritimati))
	if err != nil {
		t.Fatal(err)
	}
	if got.Series != "invoice" || got.IssueDate != "2027-01-01" || got.Lines[0].Tax.Rate != "0" || got.Charges[0].Tax.Rate != "0" {
		t.Errorf("got %+v", got)
	}
	if after, _ := json.Marshal(sent); string(after) != string(before) {
		t.Errorf("the caller's draft became %s", after)
	}
}

func FuzzADraftIsRefusedOrAddsUp(f *testing.F) {
	body, err := json.Marshal(valid())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"currency":"JPY","customer":{"name":"x"},"lines":[{"description":"y","quantity":"-0","unit_price":"0.5","tax":{"category":"O"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var d Draft
		if json.Unmarshal(body, &d) != nil {
			return
		}
		done, totals, err := Complete(d, now)
		if err != nil {
			var invalid *InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if err := addsUp(totals); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(done)
		if err != nil || strings.Contains(string(text), `\u0000`) {
			t.Fatalf("cannot be stored: %s, %v", text, err)
		}
		var back Draft
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(normal(back), normal(done)) {
			t.Fatalf("came back as another draft: %+v, want %+v", back, done)
		}
	})
}

// normal makes empty lists absent, as JSON leaves them out.
func normal(d Draft) string {
	text, _ := json.Marshal(d)
	return string(text)
}
