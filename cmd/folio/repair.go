package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
	"folio/invoices/accounts"
)

type repairCmd struct {
	database
	etcd
	FromReport string        `help:"The report: a file that folio audit --format json wrote; - is standard input." required:"" env:"FOLIO_REPAIR_REPORT" placeholder:"FILE"`
	DryRun     bool          `help:"Say what would be done, and do nothing." env:"FOLIO_REPAIR_DRY_RUN"`
	AtMost     int64         `help:"How many numbers of one series may become void." default:"1000000" env:"FOLIO_REPAIR_AT_MOST"`
	By         string        `help:"Who repairs, as the notes of the voids will say; the user of the system if not given." env:"FOLIO_REPAIR_BY"`
	Patience   time.Duration `help:"How long to try." default:"10m" env:"FOLIO_REPAIR_PATIENCE"`
}

// Help tells what is done, and what the exit status means.
func (c *repairCmd) Help() string {
	return "Does only what the report lists, and what still is so when looked at again: numbers that are unaccounted for become void (operator), " +
		"blocks of unknown holders are settled by their rows, ledgers that are missing, behind or damaged are rebuilt. It may be run again. " +
		"Exit status: 0, of what the report lists nothing is left; 1, something is left, which is printed; " +
		"2, the command or the report was not understood; 3, it could not be finished: run it again."
}

// errLeft makes the exit status 1; what is left is printed by then.
var errLeft = errors.New("something of the report is left; see above")

// Run repairs what a report lists.
func (c *repairCmd) Run(cmd command) error {
	text, report, err := c.read()
	if err != nil {
		return statusError{err, statusNotUnderstood}
	}
	if c.AtMost < 1 {
		return statusError{errors.New("--at-most: want 1 or more"), statusNotUnderstood}
	}
	left, err := c.repair(cmd, report, fmt.Sprintf("%x", sha256.Sum256(text)))
	switch {
	case err != nil:
		return statusError{fmt.Errorf("the repair could not be finished; what was told is done, run it again: %w", err), statusUnfinished}
	case left > 0:
		return errLeft
	}
	return nil
}

// read reads the report and refuses one that it does not know.
func (c *repairCmd) read() (text []byte, r accounts.Report, err error) {
	if c.FromReport == "-" {
		text, err = io.ReadAll(os.Stdin)
	} else {
		text, err = os.ReadFile(c.FromReport)
	}
	if err != nil {
		return nil, r, fmt.Errorf("read the report: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err = dec.Decode(&r)
	switch {
	case err != nil:
		return nil, r, fmt.Errorf("read the report: it is none that folio audit --format json wrote: %w", err)
	case dec.More():
		return nil, r, errors.New("read the report: something follows it; want one report")
	case r.Format != accounts.ReportFormat:
		return nil, r, fmt.Errorf("read the report: its format is %q, this program reads %q; audit with this program", r.Format, accounts.ReportFormat)
	}
	return text, r, nil
}

// repair does it, and counts what is left.
func (c *repairCmd) repair(cmd command, report accounts.Report, sum string) (left int, err error) {
	ctx, cancel := context.WithTimeout(cmd.ctx, c.Patience)
	defer cancel()
	cmd.ctx = ctx
	err = c.withDB(func(db *invoices.DB) error {
		return c.withAllocator(cmd, db, "repair", func(a *counter.Allocator, store *etcdstore.Store) error {
			p := &invoices.Repair{
				DB: db, Ledgers: store, AtMost: c.AtMost, DryRun: c.DryRun, Note: c.note(sum, time.Now()),
				Settle: settleBy(a), Rebuild: c.rebuild(cmd),
			}
			outcomes := make(map[invoices.Outcome]int)
			err := p.Run(ctx, report, func(r invoices.Repaired) error {
				outcomes[r.Outcome]++
				of := r.Finding.Series
				if of == "" {
					of = "no series"
				}
				_, err := fmt.Fprintf(cmd.stdout, "%s: %s: %s: %s\n", of, r.Finding.Kind, r.Outcome, r.Did)
				return err
			})
			if left = outcomes[invoices.OutcomeLeft]; err != nil {
				return err
			}
			done := outcomes[invoices.OutcomeDone] + outcomes[invoices.OutcomeWould]
			verb := "repaired"
			if c.DryRun {
				verb = "would be repaired"
			}
			_, err = fmt.Fprintf(cmd.stdout, "%s: %d %s, %d no longer so, %d left\n",
				plural(int64(len(report.Findings)), "finding", "findings"), done, verb, outcomes[invoices.OutcomeGone], left)
			return err
		})
	})
	return left, err
}

// note is what the books will say of each number that became void.
func (c *repairCmd) note(sum string, at time.Time) string {
	by := c.By
	if by == "" {
		by = "an operator"
		if u, err := user.Current(); err == nil && u.Username != "" {
			by = u.Username
		}
	}
	return fmt.Sprintf("It was unaccounted for. Repaired by %s at %s, by the report with the SHA-256 %s.", by, at.UTC().Format(time.RFC3339), sum)
}

// settleBy settles by an allocator, also after its own life has ended.
func settleBy(a *counter.Allocator) func(context.Context, counter.Series, string) error {
	return func(ctx context.Context, s counter.Series, holder string) error {
		for {
			err := a.Settle(ctx, s, holder)
			if !errors.Is(err, counter.ErrUnavailable) {
				return err
			}
			select {
			case <-ctx.Done():
				return err
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
}

// rebuild rebuilds the ledger of one series as folio ledger rebuild does: every holder
// is fenced first, that of this tool too, which goes on under a new name.
func (c *repairCmd) rebuild(cmd command) func(context.Context, counter.Series) (string, error) {
	return func(ctx context.Context, s counter.Series) (string, error) {
		var said bytes.Buffer
		err := (&ledgerRebuildCmd{database: c.database, etcd: c.etcd, Series: s.String(), Patience: time.Minute}).Run(
			command{ctx: ctx, stdout: &said, stderr: cmd.stderr})
		return strings.Join(strings.Split(strings.TrimSpace(said.String()), "\n"), "; "), err
	}
}
