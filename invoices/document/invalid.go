package document

import (
	"strings"
)

// FieldError says what is wrong with one field of a draft.
type FieldError struct {
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901) into the body, such as /lines/0/quantity
	Detail  string `json:"detail"`  // what is wrong and what would be right, to be read after the pointer
}

// InvalidError is a draft that breaks rules. It names each bad field, in the
// order of the fields of [Draft]; of more than 50 it names the first 50.
type InvalidError struct {
	Fields []FieldError
}

func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("invalid invoice: ")
	for i, f := range e.Fields {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Pointer)
		b.WriteString(": ")
		b.WriteString(f.Detail)
	}
	return b.String()
}
