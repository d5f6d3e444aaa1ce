package document

import (
	"fmt"
	"strconv"
	"strings"
)

// Format is a parsed template of printed numbers, such as INV-{yyyy}-{seq:6}.
type Format struct {
	parts []formatPart
}

// formatPart is a literal, or a placeholder by name.
type formatPart struct {
	literal string
	name    string
	width   int // of {seq:6}
}

// Fields are what a printed number can show beside the number itself.
type Fields struct {
	IssueDate string // YYYY-MM-DD
	Series    string
	Tenant    string
}

// ParseFormat reads a template of literals and {seq}, {seq:6}, {yyyy}, {yy},
// {mm}, {series} and {tenant}. It must have {seq} once.
func ParseFormat(template string) (Format, error) {
	var f Format
	if fault := LineFault(template, MaxFormat); fault != "" {
		return Format{}, fmt.Errorf("format: %s", fault)
	}
	seqs := 0
	for rest := template; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return Format{}, fmt.Errorf("format %q: a } without its {", template)
		}
		if literal != "" {
			f.parts = append(f.parts, formatPart{literal: literal})
		}
		if !found {
			break
		}
		name, next, closed := strings.Cut(after, "}")
		if !closed {
			return Format{}, fmt.Errorf("format %q: a { without its }", template)
		}
		part, err := placeholder(name)
		if err != nil {
			return Format{}, fmt.Errorf("format %q: %w", template, err)
		}
		if part.name == "seq" {
			seqs++
		}
		f.parts = append(f.parts, part)
		rest = next
	}
	if seqs != 1 {
		return Format{}, fmt.Errorf("format %q: want {seq} or {seq:6} exactly once, it is there %d times", template, seqs)
	}
	return f, nil
}

func placeholder(text string) (formatPart, error) {
	switch text {
	case "seq", "yyyy", "yy", "mm", "series", "tenant":
		return formatPart{name: text}, nil
	}
	if digits, ok := strings.CutPrefix(text, "seq:"); ok {
		width, err := strconv.Atoi(digits)
		if err == nil && width >= 1 && width <= maxDigits && strconv.Itoa(width) == digits {
			return formatPart{name: "seq", width: width}, nil
		}
		return formatPart{}, fmt.Errorf("{%s}: want a width from 1 to 16", text)
	}
	return formatPart{}, fmt.Errorf("{%s} is unknown; there are {seq}, {seq:6}, {yyyy}, {yy}, {mm}, {series} and {tenant}", text)
}

// Print writes a number. One that is longer than its width is printed whole.
func (f Format) Print(number int64, of Fields) string {
	var out strings.Builder
	for _, p := range f.parts {
		switch p.name {
		case "":
			out.WriteString(p.literal)
		case "seq":
			fmt.Fprintf(&out, "%0*d", p.width, number)
		case "yyyy":
			out.WriteString(of.IssueDate[:4])
		case "yy":
			out.WriteString(of.IssueDate[2:4])
		case "mm":
			out.WriteString(of.IssueDate[5:7])
		case "series":
			out.WriteString(of.Series)
		case "tenant":
			out.WriteString(of.Tenant)
		}
	}
	return out.String()
}
