package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"folio/counter"
	"folio/invoices"
)

type auditCmd struct {
	database
	etcd
	Series string `arg:"" optional:"" help:"tenant, tenant/series or tenant/series/period; all if not given."`
	JSON   bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// errFindings makes the exit status 1; the findings are printed by then.
var errFindings = errors.New("not every number is accounted for")

// Run accounts for every number.
func (c *auditCmd) Run(cmd command) error {
	filter, err := auditFilter(c.Series)
	if err != nil {
		return err
	}
	client, store, err := c.open(cmd.ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return c.withDB(func(db *invoices.DB) error {
		accounts, err := invoices.Audit(cmd.ctx, db, store, filter)
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(cmd, accountsJSON(accounts))
		} else {
			printAccounts(cmd.stdout, accounts)
		}
		return errors.Join(err, verdict(accounts))
	})
}

func auditFilter(path string) (invoices.AuditFilter, error) {
	parts := strings.Split(path, "/")
	if len(parts) > 3 {
		return invoices.AuditFilter{}, fmt.Errorf("%q: want tenant, tenant/series or tenant/series/period", path)
	}
	f := invoices.AuditFilter{Tenant: parts[0]}
	if len(parts) > 1 {
		f.Series = parts[1]
	}
	if len(parts) > 2 {
		period := strings.TrimPrefix(parts[2], "-") // "-" stands for no period
		f.Period = &period
	}
	return f, nil
}

func verdict(accounts []invoices.Account) error {
	for _, a := range accounts {
		if !a.Clean() {
			return errFindings
		}
	}
	return nil
}

func printAccounts(w io.Writer, accounts []invoices.Account) {
	var sum invoices.Account
	for _, a := range accounts {
		if a.Strict {
			fmt.Fprintf(w, "%-50s mark %d = %d issued + %d void, strict\n", a.Series, a.Mark, a.Issued, a.Void)
		} else {
			fmt.Fprintf(w, "%-50s mark %d = %d issued + %d void + %d held + %d free\n", a.Series, a.Mark, a.Issued, a.Void, a.Held, a.Free)
		}
		for _, r := range a.Missing {
			fmt.Fprintf(w, "  MISSING   %s\n", r)
		}
		for _, f := range a.Findings {
			fmt.Fprintf(w, "  FINDING   %s\n", f)
		}
		sum.Mark += a.Mark
		sum.Issued += a.Issued
		sum.Void += a.Void
		sum.Held += a.Held
		sum.Free += a.Free
		sum.Missing = append(sum.Missing, a.Missing...)
		sum.Findings = append(sum.Findings, a.Findings...)
	}
	fmt.Fprintf(w, "%s, %d numbers: %d issued, %d void, %d held, %d free, %s, %s\n",
		plural(int64(len(accounts)), "series", "series"), sum.Mark, sum.Issued, sum.Void, sum.Held, sum.Free,
		plural(count(sum.Missing), "missing", "missing"), plural(int64(len(sum.Findings)), "finding", "findings"))
}

func count(ranges []counter.Range) (n int64) {
	for _, r := range ranges {
		n += r.Len()
	}
	return n
}

// accountJSON is an account as programs read it.
type accountJSON struct {
	Series   string          `json:"series"`
	Strict   bool            `json:"strict"`
	Mark     int64           `json:"mark"`
	Issued   int64           `json:"issued"`
	Void     int64           `json:"void"`
	Held     int64           `json:"held"`
	Free     int64           `json:"free"`
	Missing  []counter.Range `json:"missing"`
	Findings []string        `json:"findings"`
}

func accountsJSON(accounts []invoices.Account) []accountJSON {
	all := make([]accountJSON, len(accounts))
	for i, a := range accounts {
		all[i] = accountJSON{
			Series: a.Series.String(), Strict: a.Strict, Mark: a.Mark, Issued: a.Issued, Void: a.Void, Held: a.Held, Free: a.Free,
			Missing: append([]counter.Range{}, a.Missing...), Findings: append([]string{}, a.Findings...),
		}
	}
	return all
}
