package invoices

import (
	"errors"

	"folio/invoices/document"
)

// pointers returns the fields that an InvalidError names.
func pointers(err error) (all []string) {
	var bad *document.InvalidError
	if errors.As(err, &bad) {
		for _, f := range bad.Fields {
			all = append(all, f.Pointer)
		}
	}
	return all
}
