package invoices

import (
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"folio/internal/devcluster/authority"
)

// certified has the server speak TLS under a new authority, ask the user folio for a
// certificate that it signed, and believe no other.
func (a *asking) certified(t *testing.T) *authority.Authority {
	t.Helper()
	ca, err := authority.New(t.TempDir(), "ca")
	if err == nil {
		err = errors.Join(ca.Sign("server", "postgres", net.IPv4(127, 0, 0, 1)), ca.Sign("folio", "folio"))
	}
	if err != nil {
		t.Fatal(err)
	}
	folder := ask[string](t, a.DB, `show data_directory`) + "/"
	for _, name := range []string{"ca.crt", "server.crt", "server.key"} {
		a.file(t, folder+name, read(t, ca.Path(name)))
	}
	for _, setting := range []string{"ssl = on", "ssl_ca_file = 'ca.crt'", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'"} {
		a.exec(t, `alter system set `+setting)
	}
	a.hba(t, "hostssl", "cert")
	return ca
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Postgres is put under another authority: it believes no certificate of before, and no
// file of before believes it. New files in the place of the old are read by the next
// connection; connections that are open go on.
func TestEveryCertificateRotatesWithoutARestartOfTheReplica(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	names := []string{"ca.crt", "folio.crt", "folio.key"}
	rotate := func(ca *authority.Authority) {
		for _, name := range names {
			a.put(t, name, read(t, ca.Path(name)))
		}
	}
	rotate(a.certified(t))
	folder := url.QueryEscape(a.dir)
	address := strings.Replace(a.address(t, "", ""), "sslmode=disable", "sslmode=verify-full", 1) +
		"&sslrootcert=" + folder + "/ca.crt&sslcert=" + folder + "/folio.crt&sslkey=" + folder + "/folio.key"
	for how, cfg := range map[string]DBConfig{"in the environment": {URL: address}, "in a file": {URLFile: a.put(t, "url", address)}} {
		t.Run(how, func(t *testing.T) {
			db, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			next := a.certified(t)
			if err := db.Ping(t.Context()); err != nil {
				t.Errorf("a connection that was open: %v", err)
			}
			if err := db.reads.PingContext(t.Context()); err == nil {
				t.Error("a server under another authority is believed")
			}
			a.put(t, "ca.crt", read(t, next.Path("ca.crt")))
			if err := db.reads.PingContext(t.Context()); err == nil {
				t.Error("a certificate of the old authority is believed")
			}
			rotate(next)
			if err := db.reads.PingContext(t.Context()); err != nil {
				t.Errorf("with the new files: %v", err)
			}
		})
	}
}
