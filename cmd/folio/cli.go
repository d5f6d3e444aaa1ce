package main

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"folio/invoices"
)

// cli is the command line. Every flag has an environment variable, which --help
// shows, but those that change a tenant.
type cli struct {
	Serve     serveCmd     `cmd:"" help:"Serve the API until SIGTERM."`
	Doctor    doctorCmd    `cmd:"" help:"Look at everything a replica stands on, from where it stands, and say what to do; exit status 1 if there are faults, or nothing is known of a store."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database schema up to date; several may do so at once."`
	Tenant    tenantCmd    `cmd:"" help:"Make, change, show and list tenants."`
	Key       keyCmd       `cmd:"" help:"Make, list and revoke API keys."`
	Series    seriesCmd    `cmd:"" help:"List, show, make and change the series of a tenant."`
	Ledger    ledgerCmd    `cmd:"" help:"Print the books, or bring them to cover all documents after etcd was restored or lost."`
	Explain   explainCmd   `cmd:"" help:"Tell what became of a number: when, for whom and by whom it was issued, or why it is void; exit status 1 if nobody knows."`
	Register  registerCmd  `cmd:"" help:"Write the register of a series: every number in order, as CSV, JSON or a page."`
	Audit     auditCmd     `cmd:"" help:"Account for every number; the exit status tells whether every one is."`
	Statement statementCmd `cmd:"" help:"State what became of every number of a series, as exact ranges."`
	Repair    repairCmd    `cmd:"" help:"Repair what a report of folio audit lists, as far as it still is so."`
	Import    importCmd    `cmd:"" help:"Move documents in with the numbers they have, from CSV, lines of JSON, or an export; the counter goes on above them."`
	Seek      seekCmd      `cmd:"" help:"Move a series forward on every replica; what is skipped is void."`
	Restored  restoredCmd  `cmd:"" help:"Say that Postgres was restored to an earlier state: a new era begins, in which no number of the time before is given again. Or, with --strict, how strict series go on."`
	Guard     guardCmd     `cmd:"" help:"Have etcd ask everybody who they are, and let folio touch /folio/ only; once, with the certificate of etcd's root."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// database and etcd are the flags of the commands that need them.
type database struct {
	DatabaseURL     string `help:"Postgres, as a URL or key=value settings." env:"FOLIO_DATABASE_URL" required:"" xor:"database"`
	DatabaseURLFile string `name:"database-url-file" help:"File with that, instead; read for each new connection." env:"FOLIO_DATABASE_URL_FILE" required:"" xor:"database"`
}

// config is how to open the database.
func (d database) config() invoices.DBConfig {
	return invoices.DBConfig{URL: d.DatabaseURL, URLFile: d.DatabaseURLFile}
}

type etcd struct {
	EtcdEndpoints []string `help:"etcd, as host:port, separated by commas." env:"FOLIO_ETCD_ENDPOINTS" required:""`
	etcdAccess
}

// parse reads the command line. It returns nil and no error when help was asked
// for: then it is printed.
func parse(args []string, stdout io.Writer) (cmd *kong.Context, err error) {
	printed := false
	parser, err := kong.New(&cli{},
		kong.Name("folio"),
		kong.Description("A multi-tenant invoicing API: no number twice, none lost, every one accounted for."),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { printed = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return nil, err
	}
	cmd, err = parser.Parse(args)
	if printed {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w (see folio --help)", err)
	}
	return cmd, nil
}
