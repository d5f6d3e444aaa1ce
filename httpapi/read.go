package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"folio/invoices"
)

// list is the answer of GET /v1/invoices.
type list struct {
	Invoices   []invoices.Invoice `json:"invoices"`
	NextCursor *string            `json:"next_cursor"` // null on the last page
}

// listInvoices is GET /v1/invoices.
func (a *api) listInvoices(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	values, err := parameters(r, "series", "period", "number", "printed_number", "request_id", "status", "kind",
		"customer_name", "customer_tax_id", "issue_date_from", "issue_date_to", "created_from", "created_to", "limit", "cursor")
	if err != nil {
		return err
	}
	q, err := query(values)
	if err != nil {
		return err
	}
	page, err := a.cfg.Invoices.List(r.Context(), who.Tenant, q)
	if err != nil {
		return asMalformed(err)
	}
	answer := list{Invoices: page.Invoices, NextCursor: linkNext(w, "/v1/invoices", values, page.NextCursor)}
	if answer.Invoices == nil {
		answer.Invoices = []invoices.Invoice{}
	}
	writeJSON(w, "application/json", http.StatusOK, answer)
	return nil
}

// linkNext names the next page of a list; nil if there is none.
func linkNext(w http.ResponseWriter, path string, values url.Values, cursor string) *string {
	if cursor == "" {
		return nil
	}
	values.Set("cursor", cursor)
	w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, path, values.Encode()))
	return &cursor
}

// parameters reads the query string, which may have the known names, each once.
// An empty value counts as absent.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed("", "the query string is not well-formed")
	}
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			return nil, malformed(name, "is no parameter of this path")
		case len(given) > 1:
			return nil, malformed(name, "is given twice")
		case !utf8.ValidString(given[0]) || strings.ContainsRune(given[0], 0):
			return nil, malformed(name, "is no text: want valid UTF-8 without NUL")
		case given[0] == "":
			values.Del(name)
		}
	}
	return values, nil
}

var (
	isPeriod = regexp.MustCompile(`^[0-9]{4}(-(0[1-9]|1[0-2]))?$`)
	isSeries = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
)

func query(values url.Values) (invoices.Query, error) {
	q := invoices.Query{Series: values.Get("series"), Cursor: values.Get("cursor")}
	if q.Series != "" && !isSeries.MatchString(q.Series) {
		return q, malformed("series", "must be the name of a series: lower-case letters, digits and hyphens")
	}
	var err error
	if q.Period, err = periodOf(values); err != nil {
		return q, err
	}
	if q.Number, err = number(values, "number", 1, 1<<53-1); err != nil {
		return q, err
	}
	if q.Limit, err = limit(values); err != nil {
		return q, err
	}
	return q, filters(values, &q)
}

func limit(values url.Values) (int, error) {
	n, err := number(values, "limit", 1, 100)
	return int(n), err
}

// periodOf reads the period; nil if it is absent.
func periodOf(values url.Values) (*string, error) {
	period := values.Get("period")
	switch {
	case period == "":
		return nil, nil
	case period == "-":
		period = ""
	case !isPeriod.MatchString(period):
		return nil, malformed("period", `must be a year ("2026"), a month ("2026-11"), or "-" for series that never restart`)
	}
	return &period, nil
}

// number reads a whole number between two bounds; 0 if it is absent.
func number(values url.Values, name string, least, most int64) (int64, error) {
	text := values.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most || strconv.FormatInt(n, 10) != text {
		return 0, malformed(name, fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
	return n, nil
}
