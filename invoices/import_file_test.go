package invoices

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// readAll reads a source to its end and returns its lines' numbers, and what was
// wrong.
func readAll(t *testing.T, src source) (items []*fileLine, faults []string) {
	t.Helper()
	for {
		it, err := src.next()
		var bad *lineError
		switch {
		case err == io.EOF:
			return items, faults
		case errors.As(err, &bad):
			faults = append(faults, bad.Error())
		case err != nil:
			t.Fatal(err)
		default:
			items = append(items, it)
		}
	}
}

const oddCSV = "\ufeffnumber;customer_name;note;net\r\n" +
	"1;\"Ada; Countess\";\"two\nlines\";1.00\r\n" +
	"\r\n" +
	"2;Bob;;2.00\r\n" +
	"3;too;few\r\n" +
	"4;\"a \"\"quoted\"\" name\";\"last\nof\nall\";4.00"

func TestACSVFileIsReadAsSpreadsheetsWriteIt(t *testing.T) {
	f, err := newCSV(strings.NewReader(oddCSV), 0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	items, faults := readAll(t, f)
	if len(items) != 3 || items[0].line != 2 || items[1].line != 5 || items[2].line != 7 {
		t.Fatalf("%d items: %+v", len(items), items)
	}
	if r := items[0].record; r.Number != 1 || r.Customer.Name != "Ada; Countess" || r.Note != "two\nlines" || r.Totals.Net != "1.00" {
		t.Errorf("%+v", r)
	}
	if r := items[2].record; r.Customer.Name != `a "quoted" name` || r.Note != "last\nof\nall" {
		t.Errorf("%+v", r)
	}
	if len(faults) != 1 || !strings.HasPrefix(faults[0], "line 6: wrong number of fields") {
		t.Errorf("%q", faults)
	}
}

// From wherever a file was left it is read on, line for line.
func TestAFileIsReadOnFromWhereItWasLeft(t *testing.T) {
	whole := "number,note\n1,a\n2,\"b\nb\"\n\n3,c\n4,d\n"
	lines := `{"number":1}` + "\n\n" + `{"number":2,"note":"` + strings.Repeat("x", 300<<10) + `"}` + "\r\n" + `{"number":3}` + "\n" + `{"number":4}`
	for name, open := range map[string]func(lines, offset int64) (source, error){
		"csv": func(l, offset int64) (source, error) {
			in := strings.NewReader(whole)
			return newCSV(in, l, offset, func(o int64) error { _, err := in.Seek(o, io.SeekStart); return err })
		},
		"jsonl": func(l, offset int64) (source, error) {
			return newJSONL(strings.NewReader(lines[offset:]), l, offset), nil
		},
	} {
		src, err := open(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		all, faults := readAll(t, src)
		if len(all) != 4 || faults != nil {
			t.Fatalf("%s: %d items, %q", name, len(all), faults)
		}
		for left := range 4 {
			src, err := open(0, 0)
			if err != nil {
				t.Fatal(err)
			}
			for range left {
				if _, err := src.next(); err != nil {
					t.Fatal(err)
				}
			}
			at, offset := src.at()
			if left == 0 {
				at, offset = 0, 0
			}
			again, err := open(at, offset)
			if err != nil {
				t.Fatal(err)
			}
			rest, _ := readAll(t, again)
			if len(rest) != 4-left {
				t.Errorf("%s, left after %d: %d items", name, left, len(rest))
				continue
			}
			for i, it := range rest {
				if want := all[left+i]; it.line != want.line || it.record.Number != want.record.Number || it.record.Note != want.record.Note {
					t.Errorf("%s, left after %d: line %d number %d, want line %d number %d", name, left, it.line, it.record.Number, want.line, want.record.Number)
				}
			}
		}
	}
}

func TestALineOfJSONIsReadStrictlyAndAFaultNamesItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		`{"number":1`:                          "line 1: is no valid JSON",
		`{"number":"1"}`:                       "line 1, /number: has the wrong type",
		`{"Number":1}`:                         "line 1, /Number: is not a field",
		`{"totals":{"net":5}}`:                 "line 1, /totals/net: has the wrong type",
		`{"number":1} {"number":2}`:            "line 1",
		`{"customer":{"name":"a","name":"b"}}`: "line 1, /customer/name: is given twice",
		`[]`:                                   "line 1",
	} {
		_, faults := readAll(t, newJSONL(strings.NewReader(text), 0, 0))
		if len(faults) != 1 || !strings.HasPrefix(faults[0], want) {
			t.Errorf("%s: %q, want %q", text, faults, want)
		}
	}
	if _, err := newJSONL(strings.NewReader(strings.Repeat("x", maxImportLine+1)), 0, 0).next(); err == nil {
		t.Error("a line without end is read into memory")
	}
}

func TestAQuoteThatIsNeverClosedDoesNotReadTheFileIntoMemory(t *testing.T) {
	text := "number,note\n1,\"" + strings.Repeat("x\n", maxImportLine)
	f, err := newCSV(strings.NewReader(text), 0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.next(); err == nil || !strings.Contains(err.Error(), "a quote not closed") {
		t.Errorf("%v", err)
	}
}

func FuzzNoFileMakesTheReaderPanic(f *testing.F) {
	f.Add(true, oddCSV)
	f.Add(false, `{"type":"export","version":1,"tenant":"a"}`+"\n"+`{"type":"document","number":1}`)
	f.Fuzz(func(t *testing.T, isCSV bool, text string) {
		var src source = newJSONL(strings.NewReader(text), 0, 0)
		if isCSV {
			c, err := newCSV(strings.NewReader(text), 0, 0, nil)
			if err != nil {
				return
			}
			src = c
		}
		var before int64
		for {
			it, err := src.next()
			var bad *lineError
			if err != nil && !errors.As(err, &bad) {
				return
			}
			if it != nil && it.line <= before && isCSV {
				t.Fatalf("line %d after line %d", it.line, before)
			}
			if it != nil {
				before = it.line
			}
			if _, offset := src.at(); offset > int64(len(text)) {
				t.Fatalf("at byte %d of %d", offset, len(text))
			}
		}
	})
}
