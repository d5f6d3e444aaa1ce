package httpapi

import (
	"net/url"
	"slices"
	"time"

	"folio/invoices"
	"folio/invoices/document"
)

// filters reads the parameters that select invoices, beyond their place.
func filters(values url.Values, q *invoices.Query) error {
	q.PrintedNumber, q.RequestID = values.Get("printed_number"), values.Get("request_id")
	q.CustomerName, q.CustomerTaxID = values.Get("customer_name"), values.Get("customer_tax_id")
	var err error
	if q.Status, err = oneOf(values, "status", "issued", "cancelled"); err != nil {
		return err
	}
	if q.Kind, err = oneOf(values, "kind", "invoice", "credit_note"); err != nil {
		return err
	}
	if q.IssuedFrom, err = date(values, "issue_date_from"); err != nil {
		return err
	}
	if q.IssuedTo, err = date(values, "issue_date_to"); err != nil {
		return err
	}
	if q.CreatedFrom, err = moment(values, "created_from"); err != nil {
		return err
	}
	q.CreatedTo, err = moment(values, "created_to")
	return err
}

// oneOf reads one of two words; "" if it is absent.
func oneOf(values url.Values, name, one, other string) (string, error) {
	text := values.Get(name)
	if !slices.Contains([]string{"", one, other}, text) {
		return "", malformed(name, "must be "+one+" or "+other)
	}
	return text, nil
}

// date reads a day; "" if it is absent.
func date(values url.Values, name string) (string, error) {
	text := values.Get(name)
	if text != "" && !document.IsDate(text) {
		return "", malformed(name, "must be a day of the calendar, YYYY-MM-DD, from 1970 to 2999")
	}
	return text, nil
}

// moment reads a time of RFC 3339; the zero time if it is absent.
func moment(values url.Values, name string) (time.Time, error) {
	text := values.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 || t.Year() > 2999 {
		return time.Time{}, malformed(name, "must be a moment of RFC 3339 from 1970 to 2999, such as 2026-11-24T12:00:00Z; a + is written %2B")
	}
	return t, nil
}
