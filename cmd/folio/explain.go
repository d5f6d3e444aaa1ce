package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"folio/counter"
	"folio/invoices"
)

type explainCmd struct {
	database
	etcd
	Number string `arg:"" help:"tenant/series/period/number; - is the period of a series that never restarts."`
	JSON   bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run tells what became of a number. One that is unaccounted for makes the exit
// status 1.
func (c *explainCmd) Run(cmd command) error {
	s, n, err := parseNumber(c.Number)
	if err != nil {
		return err
	}
	client, store, err := c.open(cmd.ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return c.withDB(func(db *invoices.DB) error {
		books := &invoices.Books{DB: db, Ledgers: store}
		who, err := books.Operator(cmd.ctx, s.Tenant)
		if err != nil {
			return err
		}
		e, err := books.Explain(cmd.ctx, who, s.Name, &s.Period, n)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Number, err)
		}
		if c.JSON {
			err = printJSON(cmd, e)
		} else {
			printExplanation(cmd.stdout, s, e)
		}
		if err == nil && e.State == "unaccounted" {
			err = errUnaccounted
		}
		return err
	})
}

// errUnaccounted makes the exit status 1; what is known is printed by then.
var errUnaccounted = errors.New("the number is unaccounted for; see folio audit")

// parseNumber reads tenant/series/period/number.
func parseNumber(path string) (counter.Series, int64, error) {
	i := max(strings.LastIndexByte(path, '/'), 0)
	s, err := parseSeries(path[:i])
	n, wrong := strconv.ParseInt(strings.TrimPrefix(path[i:], "/"), 10, 64)
	if err != nil || wrong != nil || n < 1 || n > counter.MaxNumber {
		return s, 0, fmt.Errorf("%q: want tenant/series/period/number, with - for the period of a series that never restarts", path)
	}
	return s, n, nil
}

// unknown stands for what is not known: nothing is guessed.
const unknown = "unknown"

func printExplanation(w io.Writer, s counter.Series, e invoices.Explanation) {
	fmt.Fprintf(w, "%s number %d: %s\n  %s\n", s, e.Number, strings.ReplaceAll(e.State, "_", " "), e.Summary)
	say := func(what, format string, args ...any) {
		fmt.Fprintf(w, "  %-10s %s\n", what, fmt.Sprintf(format, args...))
	}
	switch {
	case e.Issued != nil:
		printIssue(say, e.Issued)
	case e.Void != nil:
		printVoid(say, e.Void)
	case e.Held != nil:
		say("since", "%s", e.Held.Since.Format(time.RFC3339))
		printBlock(say, e.Held.Block)
		if e.Held.Registered != nil && !*e.Held.Registered {
			say("", "the holder is not registered any more: its block is about to be settled")
		}
	case e.Free != nil:
		say("since", "%s", e.Free.Since.Format(time.RFC3339))
	}
	if e.First != nil && e.Mark != nil {
		say("series", "first %d, mark %d, as of %s", *e.First, *e.Mark, e.AsOf.Format(time.RFC3339))
	} else {
		say("series", "first and mark unknown: the ledger could not be read")
	}
}

type sayFunc func(what, format string, args ...any)

func printIssue(say sayFunc, i *invoices.ExplainedIssue) {
	say("document", "%s of %s, %s %s", strings.ReplaceAll(i.Kind, "_", " "), i.IssueDate, i.Status, i.Invoice)
	if i.Reference != "" {
		say("reference", "%s", i.Reference)
	}
	if i.Credits != "" {
		say("credits", "%s", i.Credits)
	}
	for _, note := range i.CreditNotes {
		say("credited", "by %s", note)
	}
	say("key", "%s", cmp.Or(i.KeyID, unknown))
	say("request", "%s", requestText(i.Request))
	switch i.Source {
	case "strict":
		say("block", "none: the series is strict, its numbers come from Postgres")
	case "import":
		say("block", "none: it was moved in with its number")
	default:
		printBlock(say, i.Block)
	}
}

func requestText(r invoices.ExplainedRequest) string {
	switch r.Origin {
	case "client":
		return r.ID + ", the client's"
	case "server":
		return r.ID + ", made up, as the client sent none"
	case "draft":
		return "the issue of draft " + r.ID
	case "cancellation":
		return "the cancellation of " + r.ID
	case "import":
		return "import " + r.ID
	}
	return unknown
}

func printBlock(say sayFunc, b *invoices.ExplainedBlock) {
	if b == nil {
		return
	}
	reserved, revision := unknown, unknown
	if b.ReservedAt != nil {
		reserved = b.ReservedAt.Format(time.RFC3339)
	}
	if b.EtcdRevision != nil {
		revision = strconv.FormatInt(*b.EtcdRevision, 10)
	}
	say("block", "%d, %s, reserved %s, at etcd revision %s", b.Serial, counter.Range{First: b.First, Last: b.Last}, reserved, revision)
	say("holder", "%s, pod %s", cmp.Or(b.Holder, unknown), cmp.Or(b.Pod, unknown))
}

func printVoid(say sayFunc, v *invoices.ExplainedVoid) {
	say("reason", "%s", v.Reason)
	say("void since", "%s", v.VoidedAt.Format(time.RFC3339))
	by := v.By.Kind
	switch by {
	case "key":
		by = "key " + v.By.KeyID
	case "replica":
		by = "replica " + v.By.Holder
	}
	say("by", "%s", by)
	say("known", "%s", cmp.Or(v.Known, "nothing more"))
	if v.PrintedNumber != "" {
		say("printed", "%s", v.PrintedNumber)
	}
	printBlock(say, v.Block)
}
