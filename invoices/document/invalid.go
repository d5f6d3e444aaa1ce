package document

import (
	"fmt"
	"strings"
)

// FieldError says what is wrong with one field of a draft.
type FieldError struct {
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901) into the body, such as /lines/0/quantity
	Detail  string `json:"detail"`  // what is wrong and what would be right, as a sentence
}

// InvalidError is a draft, or another thing that was sent, that breaks rules; it
// names each bad field.
type InvalidError struct {
	Fields []FieldError
}

func (e *InvalidError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = fmt.Sprintf("%s: %s", f.Pointer, f.Detail)
	}
	return "invalid: " + strings.Join(parts, "; ")
}
