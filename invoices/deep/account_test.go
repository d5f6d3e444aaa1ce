package deep

import (
	"encoding/json"
	"testing"

	"folio/invoices/document"
)

// credited is an invoice of which three notes were issued: two of parts and the
// rest.
func credited(t testing.TB) *Account {
	t.Helper()
	of := stored(t, draft())
	said, err := decode(of.Content)
	if err != nil {
		t.Fatal(err)
	}
	base := document.Invoiced{Draft: said.Draft, Totals: said.Totals, Printed: of.Printed}
	a := &Account{Invoice: &of, Booked: &Booked{Gross: of.Gross, Credited: of.Gross, Notes: 3, Closed: true}}
	for place, want := range [][]document.CreditLine{{{Line: 0, Quantity: "1"}}, {{Line: 0, Quantity: "1"}, {Line: 1, Quantity: "1"}}, nil} {
		n, err := base.Credit(want)
		if err != nil {
			t.Fatal(err)
		}
		d := document.Draft{Series: "credit-note", IssueDate: "2026-04-01", Currency: "EUR", Lines: n.Lines, Discounts: n.Discounts, Charges: n.Charges}
		a.Noted = append(a.Noted, Noted{
			Place: int64(place) + 1, Note: "credit-note/2026/1", Lines: encoded(t, n.Taken), Totals: encoded(t, n.Totals), Linked: true,
			Row: &Row{Kind: "credit_note", Content: encoded(t, content{Draft: d, Totals: n.Totals})},
		})
		base.Earlier = append(base.Earlier, document.Credited{Lines: n.Taken, Totals: n.Totals})
	}
	return a
}

func encoded(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAnAccountThatAgreesHasNoFault(t *testing.T) {
	t.Parallel()
	if faults := credited(t).Check(); len(faults) > 0 {
		t.Error(faults)
	}
	opened := credited(t)
	opened.Noted, opened.Booked.Notes, opened.Booked.Credited, opened.Booked.Closed = nil, 0, "0", false
	if faults := opened.Check(); len(faults) > 0 {
		t.Errorf("opened, nothing credited: %v", faults)
	}
	// Of a note that was moved in it is not known which lines it took.
	moved := credited(t)
	moved.Noted = moved.Noted[:1]
	moved.Noted[0].Lines, moved.Noted[0].Totals = []byte(`[]`), []byte(`{"net":"10","tax":"0","gross":"10.00","taxes":null}`)
	moved.Noted[0].Row.Content = []byte(`{"totals":{"net":"10","tax":"0","gross":"10.00","taxes":[]}}`)
	moved.Booked.Notes, moved.Booked.Credited, moved.Booked.Closed = 1, "10.00", false
	if faults := moved.Check(); len(faults) > 0 {
		t.Errorf("moved in: %v", faults)
	}
}

func TestEachPlantedFaultOfAnAccountIsNamed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(a *Account){
		"no invoice":                      func(a *Account) { a.Invoice = nil },
		"credits a credit note":           func(a *Account) { a.Invoice.Kind = "credit_note" },
		"no account":                      func(a *Account) { a.Booked = nil },
		"an account of another gross":     func(a *Account) { a.Booked.Gross = "200.00"; a.Booked.Closed = false },
		"a count too high":                func(a *Account) { a.Booked.Notes++ },
		"a sum too low":                   func(a *Account) { a.Booked.Credited, a.Booked.Closed = "100.00", false },
		"more than the gross":             func(a *Account) { a.Booked.Credited = "127.00" },
		"below nothing":                   func(a *Account) { a.Booked.Credited = "-1.00" },
		"closed too early":                func(a *Account) { a.Noted = a.Noted[:2]; a.Booked.Notes = 2 },
		"not closed":                      func(a *Account) { a.Booked.Closed = false },
		"a place left out":                func(a *Account) { a.Noted[2].Place = 4 },
		"a note without a document":       func(a *Account) { a.Noted[1].Row = nil },
		"a document that credits nothing": func(a *Account) { a.Noted[1].Linked = false },
		"a document that is an invoice":   func(a *Account) { a.Noted[1].Row.Kind = "invoice" },
		"other totals noted": func(a *Account) {
			a.Noted[1].Totals = []byte(`{"net":"1.00","tax":"0.00","gross":"1.00","taxes":[]}`)
		},
		"another line noted":     func(a *Account) { a.Noted[0].Lines = []byte(`[{"line":1,"quantity":"1"}]`) },
		"a line of none":         func(a *Account) { a.Noted[0].Lines = []byte(`[{"line":7,"quantity":"1"}]`) },
		"lines that are no list": func(a *Account) { a.Noted[0].Lines = []byte(`"all"`) },
		"other lines in the document": func(a *Account) {
			said, _ := decode(a.Noted[0].Row.Content)
			said.Lines[0].Description = "Something else"
			a.Noted[0].Row.Content = encoded(t, said)
		},
	} {
		a := credited(t)
		if change(a); len(a.Check()) == 0 {
			t.Errorf("%s: no fault", name)
		} else {
			t.Logf("%s: %s", name, a.Check()[0].Text)
		}
	}
}
