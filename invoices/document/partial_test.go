package document

import (
	"errors"
	"slices"
	"testing"
)

// partial returns where a draft that is still being written is wrong.
func partial(t *testing.T, d Draft) (at []string) {
	t.Helper()
	err := CheckPartial(d, now)
	var invalid *InvalidError
	if err != nil && !errors.As(err, &invalid) {
		t.Fatalf("got %v, want *InvalidError", err)
	}
	if invalid != nil {
		for _, f := range invalid.Fields {
			at = append(at, f.Pointer)
		}
	}
	return at
}

func TestWhatAPartialDraftDoesNotSayIsNoFault(t *testing.T) {
	for name, d := range map[string]Draft{
		"nothing":          {},
		"everything":       valid(),
		"an empty line":    {Lines: []Line{{}}},
		"an empty charge":  {Charges: []Adjustment{{}}},
		"S without a rate": {Lines: []Line{{Tax: Tax{Category: "S"}}}},
		"a rate alone":     {Lines: []Line{{Tax: Tax{Rate: "20"}}}},
		"an address alone": {Customer: Customer{Address: &Address{Country: "AT"}}},
	} {
		if at := partial(t, d); at != nil {
			t.Errorf("%s: faults at %v", name, at)
		}
	}
}

func TestWhatAPartialDraftSaysIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		d  Draft
		at string
	}{
		"blank name":         {Draft{Customer: Customer{Name: " "}}, "/customer/name"},
		"unknown currency":   {Draft{Currency: "ZZZ"}, "/currency"},
		"bad date":           {Draft{IssueDate: "2026-02-30"}, "/issue_date"},
		"a date too far":     {Draft{IssueDate: "2028-01-01"}, "/issue_date"},
		"bad series":         {Draft{Series: "a/b"}, "/series"},
		"bad quantity":       {Draft{Lines: []Line{{Quantity: "x"}}}, "/lines/0/quantity"},
		"bad rate alone":     {Draft{Lines: []Line{{Tax: Tax{Rate: "101"}}}}, "/lines/0/tax/rate"},
		"percent and amount": {Draft{Charges: []Adjustment{{Percent: "1", Amount: "1"}}}, "/charges/0"},
		"too many lines":     {Draft{Lines: make([]Line, MaxLines+1)}, "/lines"},
		"empty key":          {Draft{Metadata: map[string]string{"": "x"}}, "/metadata/"},
		"NUL":                {Draft{Note: "\x00"}, "/note"},
	} {
		if got := partial(t, c.d); !slices.Equal(got, []string{c.at}) {
			t.Errorf("%s: faults at %v, want %s", name, got, c.at)
		}
	}
}
