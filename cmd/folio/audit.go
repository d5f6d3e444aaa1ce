package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"folio/counter"
	"folio/invoices"
	"folio/invoices/accounts"
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
		var all []accounts.Account
		audit := &invoices.Audit{DB: db, Ledgers: store, Of: filter}
		if _, err := audit.Run(cmd.ctx, func(a accounts.Account) error { all = append(all, a); return nil }); err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(cmd, accountsJSON(all))
		} else {
			printAccounts(cmd.stdout, all)
		}
		return errors.Join(err, verdict(all))
	})
}

func auditFilter(path string) (counter.Selection, error) {
	parts := strings.Split(path, "/")
	if len(parts) > 3 {
		return counter.Selection{}, fmt.Errorf("%q: want tenant, tenant/series or tenant/series/period", path)
	}
	f := counter.Selection{Tenant: parts[0]}
	if len(parts) > 1 {
		f.Name = parts[1]
	}
	if len(parts) > 2 {
		period := strings.TrimPrefix(parts[2], "-") // "-" stands for no period
		f.Period = &period
	}
	return f, nil
}

func verdict(all []accounts.Account) error {
	for _, a := range all {
		if !a.Clean() {
			return errFindings
		}
	}
	return nil
}

func printAccounts(w io.Writer, all []accounts.Account) {
	var sum accounts.Account
	for _, a := range all {
		if a.Strict {
			fmt.Fprintf(w, "%-50s mark %d = %d issued + %d void, strict\n", a.Series, a.Mark, a.Issued.Count, a.Void.Count)
		} else {
			fmt.Fprintf(w, "%-50s mark %d = %d issued + %d void + %d held + %d free\n", a.Series, a.Mark, a.Issued.Count, a.Void.Count, a.Held.Count, a.Free.Count)
		}
		for _, f := range a.Findings {
			fmt.Fprintf(w, "  FINDING   %s: %s\n", f.Kind, f.Text)
		}
		sum.Mark += a.Mark
		sum.Issued.Count += a.Issued.Count
		sum.Void.Count += a.Void.Count
		sum.Held.Count += a.Held.Count
		sum.Free.Count += a.Free.Count
		sum.Unaccounted.Count += a.Unaccounted.Count
		sum.Findings = append(sum.Findings, a.Findings...)
	}
	fmt.Fprintf(w, "%s, %d numbers: %d issued, %d void, %d held, %d free, %d unaccounted, %s\n",
		plural(int64(len(all)), "series", "series"), sum.Mark, sum.Issued.Count, sum.Void.Count, sum.Held.Count, sum.Free.Count,
		sum.Unaccounted.Count, plural(int64(len(sum.Findings)), "finding", "findings"))
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

func accountsJSON(of []accounts.Account) []accountJSON {
	all := make([]accountJSON, len(of))
	for i, a := range of {
		all[i] = accountJSON{Series: a.Series.String(), Strict: a.Strict, Mark: a.Mark, Issued: a.Issued.Count, Void: a.Void.Count, Held: a.Held.Count, Free: a.Free.Count,
			Missing: append([]counter.Range{}, a.Unaccounted.Ranges...)}
	}
	return all
}
