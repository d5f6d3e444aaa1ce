package register

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

var head = Head{
	Owner: "Ada <b>& Sons</b>", Series: "invoice", Period: "2026", First: 1, Mark: 6,
	AsOf: AsOf{At: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), EtcdRevision: 812},
}

// hostile are lines with what clients may have written.
func hostile() []Line {
	lines := []Line{
		{Number: 1, PrintedNumber: "=cmd|' /C calc'!A0", Date: "2026-03-14", Kind: "invoice", Status: "issued", Currency: "EUR", Gross: "12.50"},
		{Number: 2, PrintedNumber: "-2+3", Date: "2026-03-14", Kind: "credit_note", Status: "cancelled", Currency: "EUR", Gross: "-12.50"},
		{Number: 3, Date: "2026-03-14", Status: "void", Reason: "@SUM(1,2)", Explanation: "The reason given: @SUM(1,2)"},
		{Number: 4, Status: Held}, {Number: 5, Status: Free},
	}
	for i, text := range []string{"a \"quoted\", part", "two\r\nlines", "\ttab", "+1", "<script>alert(1)</script>", "\u2028é👩‍👩‍👧", "|x", "%0A"} {
		lines = append(lines, Line{Number: int64(6 + i), Status: "void", Reason: text, Explanation: text})
	}
	return lines
}

// written writes the lines in pages of two.
func written(t *testing.T, format string, lines []Line, end bool) string {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, format)
	if err != nil {
		t.Fatal(err)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(w.Begin(head))
	for rest := lines; len(rest) > 0; rest = rest[min(2, len(rest)):] {
		do(w.Lines(rest[:min(2, len(rest))]))
	}
	if end {
		do(w.End())
	}
	return out.String()
}

func TestTheTableHasAHeaderAndRunsNoFormula(t *testing.T) {
	lines := hostile()
	rows, err := csv.NewReader(strings.NewReader(written(t, CSV, lines, true))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(lines)+1 || strings.Join(rows[0], " ") != "number printed_number date kind status currency gross reason explanation" {
		t.Fatalf("%d rows, header %q", len(rows), rows[0])
	}
	for i, row := range rows[1:] {
		l := lines[i]
		for at, want := range []string{fmt.Sprint(l.Number), l.PrintedNumber, l.Date, l.Kind, l.Status, l.Currency, l.Gross, l.Reason, l.Explanation} {
			got := row[at]
			amount := at == 6
			if got != "" && !amount && strings.ContainsAny(got[:1], "=+-@\t\r|%") {
				t.Errorf("a spreadsheet would run %q", got)
			}
			// What encoding/csv reads has \n for \r\n.
			if strings.TrimPrefix(got, "'") != strings.ReplaceAll(want, "\r\n", "\n") || amount && got != want {
				t.Errorf("row %d, column %d: %q, want %q", i+1, at, got, want)
			}
		}
	}
}

func TestTheObjectIsWholeOrDoesNotParse(t *testing.T) {
	lines := hostile()
	var got struct {
		Series  string `json:"series"`
		Period  string `json:"period"`
		First   int64  `json:"first"`
		Mark    int64  `json:"mark"`
		AsOf    AsOf   `json:"as_of"`
		Numbers []Line `json:"numbers"`
	}
	if err := json.Unmarshal([]byte(written(t, JSON, lines, true)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Series != "invoice" || got.Period != "2026" || got.First != 1 || got.Mark != 6 || got.AsOf != head.AsOf || len(got.Numbers) != len(lines) {
		t.Errorf("%+v", got)
	}
	for i, l := range got.Numbers {
		if l != lines[i] {
			t.Errorf("line %d: %+v, want %+v", i, l, lines[i])
		}
	}
	for _, cut := range []int{0, 1, 5, len(lines)} {
		if text := written(t, JSON, lines[:cut], false); json.Valid([]byte(text)) {
			t.Errorf("cut after %d lines it passes for the whole: %s", cut, text)
		}
	}
	if text := written(t, JSON, nil, true); !strings.Contains(text, `"numbers":[]`) || !json.Valid([]byte(text)) {
		t.Errorf("without a number: %s", text)
	}
}

func TestThePageEscapesWhatClientsWroteAndHasAnEnd(t *testing.T) {
	text := written(t, HTML, hostile(), true)
	for _, want := range []string{
		"Register of invoice 2026", "Every number from 1 to 6, in order.", "2026-11-24 09:00:00", "revision 812", "thead { display: table-header-group; }",
		"@page", "End of the register: 13 numbers.", "&lt;script&gt;", "Ada &lt;b&gt;&amp; Sons&lt;/b&gt;", "credit note",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "<b>") || strings.Contains(text, "src=") {
		t.Error("the page has an element that a client wrote")
	}
	if strings.Contains(written(t, HTML, hostile(), false), "End of the register") {
		t.Error("a page that was cut has an end")
	}
	empty := head
	empty.Mark = 0
	var out bytes.Buffer
	w, _ := NewWriter(&out, HTML)
	if err := w.Begin(empty); err != nil || !strings.Contains(out.String(), "No number was given yet.") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// broken fails after some bytes.
type broken struct{ left int }

var errBroken = errors.New("broken")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestAWriteThatFailsIsTold(t *testing.T) {
	for _, format := range Formats() {
		for _, left := range []int{0, 8000} {
			w, err := NewWriter(&broken{left}, format)
			if err != nil {
				t.Fatal(err)
			}
			err = w.Begin(head)
			for range 200 {
				if err == nil {
					err = w.Lines(hostile())
				}
			}
			if !errors.Is(err, errBroken) {
				t.Errorf("%s: %v", format, err)
			}
		}
	}
	if _, err := NewWriter(io.Discard, "xls"); err == nil {
		t.Error("a format that there is not has a writer")
	}
}
