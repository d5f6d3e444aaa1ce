// Package statements holds the test of what a statement promises: taken while
// everything moves, on real stores, it accounts for every number.
package statements

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"folio/internal/devcluster"
	"folio/internal/devcluster/etcd"
	"folio/internal/devcluster/postgres"
)

// Where the stores of all tests of this package are.
var (
	etcdEndpoints []string
	postgresURL   string
)

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	end, err := startStores()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := errors.Join(end(), goleak.Find()); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func startStores() (end func() error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "folio-statements-")
	if err != nil {
		return nil, err
	}
	books, err := etcd.Start(ctx, etcd.Config{Dir: filepath.Join(dir, "etcd"), Fast: true})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	rows, err := postgres.Start(ctx, postgres.Config{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		return nil, errors.Join(err, books.Close(ctx), os.RemoveAll(dir))
	}
	etcdEndpoints, postgresURL = books.Endpoints(), rows.URL("postgres")
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return errors.Join(rows.Stop(ctx), books.Close(ctx), devcluster.RemoveData(dir), os.RemoveAll(dir))
	}, nil
}
