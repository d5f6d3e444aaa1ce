package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"folio/invoices"
	"folio/invoices/document"
	"folio/invoices/register"
)

// Books tell what became of numbers; see invoices.Books.
type Books interface {
	Explain(ctx context.Context, who invoices.Asker, name string, period *string, n int64) (invoices.Explanation, error)
	Statement(ctx context.Context, who invoices.Asker, name string, period *string) (invoices.Statement, error)
	Register(ctx context.Context, who invoices.Asker, name string, period *string, to register.Writer) error
}

// routeBooks registers what there is about what became of numbers.
func (a *api) routeBooks(router *mux.Router) {
	a.route(router, "/v1/series/{name}/numbers/{number}", methods{http.MethodGet: a.tenantOnly(invoices.InvoicesRead, a.explainNumber)})
	a.route(router, "/v1/series/{name}/statement", methods{http.MethodGet: a.tenantOnly(invoices.InvoicesRead, a.stateSeries)})
	a.route(router, "/v1/series/{name}/register", methods{http.MethodGet: a.tenantOnly(invoices.InvoicesRead, a.getRegister)})
}

// explainNumber is GET /v1/series/{name}/numbers/{number}.
func (a *api) explainNumber(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	period, err := periodParameter(r)
	if err != nil {
		return err
	}
	text := mux.Vars(r)["number"]
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > maxNumber || strconv.FormatInt(n, 10) != text {
		return fmt.Errorf("%q is no number: %w", text, invoices.ErrNotFound)
	}
	e, err := a.cfg.Books.Explain(r.Context(), invoices.Asker{Identity: who}, mux.Vars(r)["name"], period, n)
	if err != nil {
		return asMalformed(err)
	}
	writeJSON(w, mediaJSON, http.StatusOK, e)
	return nil
}

// statementsAtOnce is how many statements of a tenant this replica makes at a time: one
// names every range, and where no two neighbours are alike that is a lot of memory.
const statementsAtOnce = 4

// stateSeries is GET /v1/series/{name}/statement.
func (a *api) stateSeries(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	period, err := periodParameter(r)
	if err != nil {
		return err
	}
	if !a.statements.begin(who.Tenant) {
		return errFlood
	}
	defer a.statements.end(who.Tenant)
	said, err := a.cfg.Books.Statement(r.Context(), invoices.Asker{Identity: who}, mux.Vars(r)["name"], period)
	if err != nil {
		return asMalformed(err)
	}
	writeJSON(w, mediaJSON, http.StatusOK, said)
	return nil
}

// mediaCSV is a table for spreadsheets (RFC 4180).
const mediaCSV = "text/csv"

// registersAtOnce is how many registers of a tenant this replica writes at a time.
const registersAtOnce = 4

// registerPatience is how long a client may take for one page of a register, some
// hundred kilobytes. It stands for the server's WriteTimeout, which a long register
// may well exceed.
const registerPatience = 45 * time.Second

// getRegister is GET /v1/series/{name}/register. The bound of a request holds for the
// reading of each page; it rests while a page is written, which has its own.
func (a *api) getRegister(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	w.Header().Set("Vary", "Accept")
	values, err := parameters(r, "period", "format")
	if err != nil {
		return err
	}
	period, err := periodOf(values)
	if err != nil {
		return err
	}
	format, err := registerFormat(r, values.Get("format"))
	if err != nil {
		return err
	}
	if !a.registers.begin(who.Tenant) {
		return errFlood
	}
	defer a.registers.end(who.Tenant)
	to, err := register.NewWriter(w, format)
	if err != nil {
		return err
	}
	answer := &registerAnswer{w: w, r: r, control: http.NewResponseController(w), format: format, to: to}
	err = a.cfg.Books.Register(r.Context(), invoices.Asker{Identity: who}, mux.Vars(r)["name"], period, answer)
	if errors.Is(err, errHeadOnly) {
		return nil
	}
	return asMalformed(err)
}

// registerFormat is the format that a request names, or else the one that it accepts.
func registerFormat(r *http.Request, named string) (string, error) {
	formats := map[string]string{mediaJSON: register.JSON, mediaCSV: register.CSV, mediaHTML: register.HTML}
	if named != "" {
		for _, format := range formats {
			if format == named {
				return format, nil
			}
		}
		return "", malformed("format", "must be csv, json or html")
	}
	media, ok := accepted(r, mediaJSON, mediaCSV, mediaHTML)
	if !ok {
		return "", errNoRegister
	}
	return formats[media], nil
}

// errHeadOnly ends a register of which only the header was asked for.
var errHeadOnly = errors.New("only the header was asked for")

// registerAnswer sends a register as it is written.
type registerAnswer struct {
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	format  string
	to      register.Writer
}

// Begin sends the header of the answer with the head of the register: up to now an
// error could be answered by a problem.
func (a *registerAnswer) Begin(h register.Head) error {
	header := a.w.Header()
	header.Set("Cache-Control", "private, no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	switch a.format {
	case register.CSV:
		header.Set("Content-Type", mediaCSV+"; charset=utf-8; header=present")
		header.Set("Content-Disposition", `attachment; filename="`+registerName(h)+`.csv"`)
	case register.HTML:
		header.Set("Content-Type", mediaHTML+"; charset=utf-8")
		header.Set("Content-Security-Policy", pagePolicy)
	default:
		header.Set("Content-Type", mediaJSON)
	}
	if a.r.Method == http.MethodHead {
		a.w.WriteHeader(http.StatusOK)
		return errHeadOnly
	}
	return a.send(func() error { return a.to.Begin(h) })
}

// registerName is the name of a file with the register; names of series are safe.
func registerName(h register.Head) string {
	return strings.TrimSuffix("register-"+h.Series+"-"+h.Period, "-")
}

func (a *registerAnswer) Lines(lines []register.Line) error {
	return a.send(func() error { return a.to.Lines(lines) })
}

func (a *registerAnswer) End() error { return a.send(a.to.End) }

// send sends what write writes, within registerPatience.
func (a *registerAnswer) send(write func() error) error {
	defer rest(a.r).resume()
	err := a.control.SetWriteDeadline(time.Now().Add(registerPatience))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	err = write()
	if err == nil {
		err = a.control.Flush()
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	return nil
}

// maxNumber is the highest number of a document.
const maxNumber = document.MaxNumber
