package contender

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"folio/internal/devcluster/etcd"
	"folio/internal/devcluster/postgres"
	"folio/invoices"
)

// What the tests of this package stand on.
var (
	server  Server
	members []string
	apiKey  string
)

// testTenant is who all requests are of.
const testTenant = "acme"

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	status, err := standing(func() int { return m.Run() })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func standing(tests func() int) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pg, end, err := postgres.ForTests()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, end()) }()
	dir, err := os.MkdirTemp("", "folio-etcd-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cluster, err := etcd.Start(ctx, etcd.Config{Dir: dir, Fast: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cluster.Close(context.Background())) }()
	members, server = cluster.Endpoints(), Server{URL: pg.URL("%s")}
	if err := errors.Join(pg.EnsureDatabase(ctx, "folio"), fill(ctx)); err != nil {
		return 0, err
	}
	return tests(), nil
}

// fill makes the schema and a tenant in the database that the others are cloned from.
func fill(ctx context.Context) (err error) {
	db, err := invoices.Open(invoices.DBConfig{URL: server.Of("folio")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	_, _, apiKey, err = db.CreateTenant(ctx, invoices.Tenant{Name: testTenant, LegalName: "Acme GmbH", TaxID: "ATU12345675", DefaultCurrency: "EUR"})
	return err
}
