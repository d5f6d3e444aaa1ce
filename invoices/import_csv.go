package invoices

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"folio/invoices/document"
)

// csvColumn is a column that a CSV file may have.
type csvColumn struct {
	name    string
	pointer string // of the field that it fills
	set     func(*record, string)
}

// csvColumns are all columns there are. A document of a CSV file has one line at
// most: net of the document, for a description and a tax.
func csvColumns() []csvColumn {
	address := func(r *record) *document.Address {
		if r.Customer.Address == nil {
			r.Customer.Address = &document.Address{}
		}
		return r.Customer.Address
	}
	line := func(r *record) *document.Line {
		if len(r.Lines) == 0 {
			r.Lines = []document.Line{{Quantity: "1"}}
		}
		return &r.Lines[0]
	}
	return []csvColumn{
		{"series", "/series", func(r *record, v string) { r.Series = v }},
		{"number", "/number", func(r *record, v string) { r.Number = wholeNumber(v) }},
		{"printed_number", "/printed_number", func(r *record, v string) { r.PrintedNumber = v }},
		{"kind", "/kind", func(r *record, v string) { r.Kind = v }},
		{"status", "/status", func(r *record, v string) { r.Status = v }},
		{"reason", "/reason", func(r *record, v string) { r.Reason = v }},
		{"reference", "/reference", func(r *record, v string) { r.Reference = v }},
		{"credits", "/credits", func(r *record, v string) { r.Credits = v }},
		{"issue_date", "/issue_date", func(r *record, v string) { r.IssueDate = v }},
		{"due_date", "/due_date", func(r *record, v string) { r.DueDate = v }},
		{"currency", "/currency", func(r *record, v string) { r.Currency = v }},
		{"net", "/totals/net", func(r *record, v string) { r.Totals.Net = v }},
		{"tax", "/totals/tax", func(r *record, v string) { r.Totals.Tax = v }},
		{"gross", "/totals/gross", func(r *record, v string) { r.Totals.Gross = v }},
		{"description", "/lines/0/description", func(r *record, v string) { line(r).Description = v }},
		{"tax_category", "/lines/0/tax/category", func(r *record, v string) { line(r).Tax.Category = v }},
		{"tax_rate", "/lines/0/tax/rate", func(r *record, v string) { line(r).Tax.Rate = v }},
		{"customer_name", "/customer/name", func(r *record, v string) { r.Customer.Name = v }},
		{"customer_email", "/customer/email", func(r *record, v string) { r.Customer.Email = v }},
		{"customer_tax_id", "/customer/tax_id", func(r *record, v string) { r.Customer.TaxID = v }},
		{"customer_street", "/customer/address/street", func(r *record, v string) { address(r).Street = v }},
		{"customer_locality", "/customer/address/locality", func(r *record, v string) { address(r).Locality = v }},
		{"customer_region", "/customer/address/region", func(r *record, v string) { address(r).Region = v }},
		{"customer_postal_code", "/customer/address/postal_code", func(r *record, v string) { address(r).PostalCode = v }},
		{"customer_country", "/customer/address/country", func(r *record, v string) { address(r).Country = v }},
		{"note", "/note", func(r *record, v string) { r.Note = v }},
	}
}

// wholeNumber returns 0, which no number is, for text that is none.
func wholeNumber(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return 0
	}
	return n
}

// csvFile reads a CSV file (RFC 4180) with a header line; the separator is the
// comma, or the semicolon if the header has no comma.
type csvFile struct {
	in      *csv.Reader
	bound   *boundedRecord
	columns []csvColumn // in the order of the file
	base    int64       // the byte at which in began
	before  int64       // the lines before that
	lines   int64
}

// newCSV reads the header and goes on where lines and offset say; seek may be nil
// if both are 0.
func newCSV(in io.Reader, lines, offset int64, seek func(offset int64) error) (*csvFile, error) {
	buffered := bufio.NewReaderSize(in, 256<<10)
	header, err := buffered.ReadString('\n')
	if err != nil && (err != io.EOF || header == "") {
		return nil, &lineError{1, "", "the header is missing: the first line names the columns"}
	}
	f := &csvFile{base: int64(len(header)), before: 1, lines: 1}
	comma, err := f.header(strings.TrimSpace(strings.TrimPrefix(header, "\ufeff")))
	if err != nil {
		return nil, err
	}
	from := io.Reader(buffered)
	if offset > 0 {
		if err := seek(offset); err != nil {
			return nil, err
		}
		from, f.base, f.before, f.lines = in, offset, lines, lines
	}
	f.bound = &boundedRecord{in: from}
	f.in = csv.NewReader(f.bound)
	f.in.Comma, f.in.ReuseRecord, f.in.FieldsPerRecord = comma, true, len(f.columns)
	return f, nil
}

// header finds the column of each name.
func (f *csvFile) header(text string) (comma rune, err error) {
	if comma = ','; !strings.Contains(text, ",") {
		comma = ';'
	}
	in := csv.NewReader(strings.NewReader(text))
	in.Comma = comma
	names, err := in.Read()
	if err != nil {
		return comma, &lineError{1, "", "is no header: " + err.Error()}
	}
	known := csvColumns()
	for i, name := range names {
		at := slices.IndexFunc(known, func(c csvColumn) bool { return c.name == strings.TrimSpace(name) })
		switch {
		case at < 0:
			return comma, &lineError{1, fmt.Sprintf("column %d", i+1), fmt.Sprintf("%q is unknown; there are %s", name, columnNames(known))}
		case slices.ContainsFunc(f.columns, func(c csvColumn) bool { return c.name == known[at].name }):
			return comma, &lineError{1, fmt.Sprintf("column %d", i+1), fmt.Sprintf("%q is there twice", name)}
		}
		f.columns = append(f.columns, known[at])
	}
	return comma, nil
}

func columnNames(columns []csvColumn) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

func (f *csvFile) at() (int64, int64) { return f.lines, f.base + f.in.InputOffset() }

// place names the column that fills a field.
func (f *csvFile) place(pointer string) string {
	if pointer == "/lines/0/unit_price" {
		pointer = "/totals/net"
	}
	for _, c := range csvColumns() {
		if c.pointer == pointer {
			return "column " + c.name
		}
	}
	return pointer
}

// boundedRecord ends a record that has no end: a quote that is never closed would
// have the rest of the file read into memory.
type boundedRecord struct {
	in   io.Reader
	left int
}

func (b *boundedRecord) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a record is longer than %d bytes; is a quote not closed?", maxImportLine)
	}
	n, err := b.in.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (f *csvFile) next() (*fileLine, error) {
	f.bound.left = maxImportLine
	fields, err := f.in.Read()
	if err == io.EOF {
		return nil, io.EOF
	}
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		f.lines = f.before + int64(bad.Line)
		return nil, &lineError{f.before + int64(bad.StartLine), "", fmt.Sprintf("%v; want %d fields", bad.Err, len(f.columns))}
	case err != nil:
		return nil, fmt.Errorf("read on after line %d: %w", f.lines, err)
	}
	first, _ := f.in.FieldPos(0)
	it := &fileLine{line: f.before + int64(first)}
	last, _ := f.in.FieldPos(len(fields) - 1)
	f.lines = f.before + int64(last) + int64(strings.Count(fields[len(fields)-1], "\n"))
	for i, value := range fields {
		if value != "" {
			f.columns[i].set(&it.record, value)
		}
	}
	if len(it.record.Lines) > 0 {
		it.record.Lines[0].UnitPrice = it.record.Totals.Net
	}
	return it, nil
}

// beginsWithHead reports whether a file is an export, and of which tenant.
func beginsWithHead(line []byte) (exportHead, bool) {
	line = bytes.TrimSpace(line)
	if partOf(line) != partExport {
		return exportHead{}, false
	}
	it, err := decodeLine(1, line)
	if err != nil {
		return exportHead{}, false
	}
	head, err := decodePart[exportHead](it)
	return head, err == nil
}
