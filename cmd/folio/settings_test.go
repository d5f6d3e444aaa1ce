package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// started runs folio serve until it has said that it starts, and returns that line. The
// stores are away, which is no reason not to start.
func started(t *testing.T, args ...string) (line string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it stops as soon as it has started
	var log bytes.Buffer
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"}, args...)
	if status := run(ctx, args, &log, &log); status != 0 {
		t.Fatalf("status %d: %s", status, log.String())
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, `"msg":"starting"`) {
			return line
		}
	}
	t.Fatalf("it does not say that it starts: %s", log.String())
	return ""
}

// serveSettings are the settings that the help of serve names.
func serveSettings(t *testing.T) []string {
	t.Helper()
	_, help, _ := folio(t, "serve", "--help")
	var all []string
	for _, m := range regexp.MustCompile(`\$([A-Z_]+)\)`).FindAllStringSubmatch(help, -1) {
		all = append(all, m[1])
	}
	if !slices.Contains(all, "FOLIO_LEASE_TTL") {
		t.Fatalf("the help names %v", all)
	}
	return all
}

func TestTheLineOfTheStartTellsEverySettingAndNoSecret(t *testing.T) {
	noEnvironment(t)
	secret := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const who = "folio:hunter2-url@"
	for how, c := range map[string]struct {
		args []string
		want []string
	}{
		"in settings": {
			[]string{"--database-url", "postgres://" + who + "127.0.0.1:1/books?sslmode=disable&application_name=hunter2-more", "--etcd-endpoints", "http://127.0.0.1:1",
				"--etcd-user", "counter", "--etcd-password", "hunter2-password", "--pod-name", "folio-7c9f-x2x4", "--node-name", "node-a"},
			[]string{`"postgres":"folio@127.0.0.1:1/books, sslmode disable"`, `"etcd":"http://127.0.0.1:1"`, `"FOLIO_ETCD_USER":"counter"`, `"FOLIO_ETCD_PASSWORD":"(given)"`, `"FOLIO_LEASE_TTL":"10s"`,
				`"pod":"folio-7c9f-x2x4"`, `"node":"node-a"`, `"version":"` + buildVersion() + `"`},
		},
		"in key=value settings": {
			[]string{"--database-url", "host=127.0.0.1,127.0.0.2 port=1 user=folio password='hunter2 url' dbname=books sslmode=disable", "--etcd-endpoints", "127.0.0.1:1"},
			[]string{`"postgres":"folio@127.0.0.1:1,127.0.0.2:1/books, sslmode disable"`, `"etcd":"127.0.0.1:1"`},
		},
		"in files": {
			[]string{"--database-url-file", secret("url", "postgres://"+who+"127.0.0.1:1/books?sslmode=disable\n"), "--etcd-endpoints", "127.0.0.1:1,127.0.0.1:2",
				"--etcd-user-file", secret("user", "counter"), "--etcd-password-file", secret("password", "hunter2-password")},
			[]string{`"postgres":"folio@127.0.0.1:1/books, sslmode disable"`, `"FOLIO_DATABASE_URL":""`, `"etcd":"127.0.0.1:1,127.0.0.1:2"`},
		},
	} {
		t.Run(how, func(t *testing.T) {
			line := started(t, c.args...)
			if strings.Contains(line, "hunter2") {
				t.Errorf("it tells a secret: %s", line)
			}
			for _, want := range c.want {
				if !strings.Contains(line, want) {
					t.Errorf("it does not tell %s: %s", want, line)
				}
			}
			var told struct {
				Settings map[string]string `json:"settings"`
			}
			if err := json.Unmarshal([]byte(line), &told); err != nil {
				t.Fatal(err)
			}
			for _, name := range serveSettings(t) {
				if _, ok := told.Settings[name]; !ok {
					t.Errorf("it does not tell %s: %s", name, line)
				}
			}
		})
	}
}

func TestAPasswordInAnEndpointOfEtcdIsRefusedAndNotTold(t *testing.T) {
	noEnvironment(t)
	for _, endpoint := range []string{"http://root:hunter2@127.0.0.1:1", "root:hunter2@127.0.0.1:1", "127.0.0.1:1,https://root:hunter2@127.0.0.1:2"} {
		for _, command := range []string{"serve", "doctor", "doctor --format json", "audit", "ledger show"} {
			args := append(strings.Fields(command), "--database-url", "postgres://127.0.0.1:1/x?sslmode=disable", "--etcd-endpoints", endpoint)
			if strings.HasPrefix(command, "ledger") {
				args = append(args, "a/b/-")
			}
			status, out, stderr := folio(t, args...)
			if status == 0 || !strings.Contains(out+stderr, "an endpoint has a user or a password in it") || strings.Contains(out+stderr, "hunter2") {
				t.Errorf("folio %v: status %d, %s%s", args, status, out, stderr)
			}
		}
	}
}
