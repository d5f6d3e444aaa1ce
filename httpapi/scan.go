package httpapi

import (
	"bytes"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"folio/invoices/document"
)

// Bounds of a body that is decoded. What is beyond them is told by scan, and no memory is
// taken for it: a million empty lines, of three bytes each, would take a hundred times as much.
const (
	maxDepth   = 32                // a draft is 6 deep
	maxEntries = document.MaxLines // of an array, or members of an object
	maxEmpty   = 10_000            // objects in which nothing is
)

// evident reports whether body has nothing in it that scan would refuse and decoding
// lets pass, if it is JSON at all.
func evident(body []byte) bool {
	var commas [maxDepth + 1]int // of what is open
	depth, empty, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == ',':
			if commas[depth]++; commas[depth] >= maxEntries {
				return false
			}
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false
			}
			commas[depth] = 0
		case c == '}' || c == ']':
			if depth--; depth < 0 {
				return false
			}
			if c == '}' && endsOpen(body[:i]) {
				if empty++; empty > maxEmpty {
					return false
				}
			}
		case c == 'n': // of null, and of nothing else outside of strings
			return false
		}
	}
	return true
}

// endsOpen reports whether an object that ends after body has nothing in it.
func endsOpen(body []byte) bool {
	body = bytes.TrimRight(body, " \t\r\n")
	return len(body) > 0 && body[len(body)-1] == '{'
}

// scan refuses what decoding would let pass: null, which Go takes for an absent field,
// nesting that no draft has, and more than any draft has, see exceeds.
func scan(body []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	var last jsontext.Kind
	for empty := 0; ; {
		token, err := dec.ReadToken()
		if err == io.EOF {
			return nil // that there was exactly one value, decoding checks
		}
		if err != nil {
			return readError(err)
		}
		if token.Kind() == 'n' {
			return malformed(string(dec.StackPointer()), "is null; leave the field out instead")
		}
		if dec.StackDepth() > maxDepth {
			return malformed(string(dec.StackPointer()), "is nested deeper than any field of an invoice")
		}
		if token.Kind() == '}' && last == '{' {
			if empty++; empty > maxEmpty {
				return tooMany(dec.StackPointer(), fmt.Sprintf("is empty, as more than %d others are", maxEmpty))
			}
		}
		last = token.Kind()
		if over, err := exceeds(dec); over || err != nil {
			return err
		}
	}
}

// exceeds looks at where dec is, once what is open there has one entry more than it may.
// Without an error it is something that has no place in a body: there decoding ends.
func exceeds(dec *jsontext.Decoder) (bool, error) {
	kind, n := dec.StackIndex(dec.StackDepth())
	switch {
	case kind == '[' && (n == document.MaxAdjustments+1 || n == maxEntries+1):
	case kind == '{' && n == 2*(maxEntries+1): // a name counts as well as its value
	default:
		return false, nil
	}
	of := dec.StackPointer().Parent()
	switch name := of.LastToken(); {
	case kind == '[' && (name == "discounts" || name == "charges"):
		return true, overfull(dec, of, "entries", n, document.MaxAdjustments)
	case n <= maxEntries:
		return false, nil
	case kind == '[' && name == "lines":
		return true, overfull(dec, of, "lines", n, document.MaxLines)
	case kind == '{' && name == "metadata":
		return true, overfull(dec, of, "keys", n/2, document.MaxMetadata)
	}
	return true, nil
}

// overfull says how much there is of something, in the words of package document. n is what was
// read so far.
func overfull(dec *jsontext.Decoder, of jsontext.Pointer, what string, n int64, most int) error {
	for ; dec.PeekKind() != ']' && dec.PeekKind() != '}'; n++ {
		if what == "keys" {
			if err := dec.SkipValue(); err != nil {
				return readError(err)
			}
		}
		if err := dec.SkipValue(); err != nil {
			return readError(err)
		}
	}
	return tooMany(of, fmt.Sprintf("has %d %s; at most %d are allowed", n, what, most))
}

func tooMany(at jsontext.Pointer, detail string) error {
	return &document.InvalidError{Fields: []document.FieldError{{Pointer: string(at), Detail: detail}}}
}
