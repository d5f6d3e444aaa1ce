package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"folio/internal/devcluster/process"
)

func (d *session) envPath() string { return filepath.Join(d.flags.State, "env") }

// writeEnv writes the file that scripts source, whole.
func (d *session) writeEnv() error {
	var text strings.Builder
	export := "export"
	for _, v := range d.variables() {
		fmt.Fprintf(&text, "%s=%s\n", v[0], quote(v[1]))
		export += " " + v[0]
	}
	fmt.Fprintln(&text, export)
	return process.WriteWhole(d.envPath(), []byte(text.String()), 0o600)
}

func (d *session) variables() [][2]string {
	var urls, ops, pids []string
	for _, r := range d.cluster.Replicas {
		urls = append(urls, r.URL())
		ops = append(ops, r.OpsURL())
		pids = append(pids, fmt.Sprint(r.Pid()))
	}
	return [][2]string{
		{"FOLIO_URLS", strings.Join(urls, ",")},
		{"FOLIO_URL", urls[0]},
		{"FOLIO_OPS_URLS", strings.Join(ops, ",")},
		{"FOLIO_API_KEY", d.key},
		{"FOLIO_TENANT", demo},
		{"FOLIO_DATABASE_URL", d.cluster.DatabaseURL()},
		{"FOLIO_ETCD_ENDPOINTS", strings.Join(d.cluster.Etcd.Endpoints(), ",")},
		{"FOLIO_PIDS", strings.Join(pids, " ")},
	}
}

// quote quotes for sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (d *session) removeEnv() error {
	if err := os.Remove(d.envPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
