package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"folio/internal/devcluster"
	"folio/internal/devcluster/process"
)

const (
	startTimeout = 5 * time.Minute
	stopTimeout  = time.Minute
	demo         = "demo" // the tenant
)

// develop runs until ctx ends.
func develop(ctx context.Context, f flags, out io.Writer) (err error) {
	folio, err := besides("folio")
	if err != nil {
		return err
	}
	release, err := claim(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	d := &session{flags: f, out: out}
	if err := d.removeEnv(); err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	d.cluster, err = devcluster.Start(starting, devcluster.Config{
		Dir: f.State, Folio: folio, Replicas: f.Replicas, EtcdMembers: f.EtcdMembers,
		Progress: func(doing string) { fmt.Fprintf(out, "%s …\n", doing) }, OnRestart: d.restarted,
	})
	if ctx.Err() != nil {
		fmt.Fprintln(out, "interrupted while starting")
		return d.stop()
	}
	if err != nil {
		return err
	}
	err = d.welcome(starting)
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, d.stop())
}

// session is one run.
type session struct {
	flags   flags
	out     io.Writer
	cluster *devcluster.Cluster
	key     string
}

// welcome makes the demo tenant, writes the file for scripts and prints what a
// person needs.
func (d *session) welcome(ctx context.Context) error {
	key, err := d.demoKey(ctx)
	if err != nil {
		return err
	}
	d.key = key
	if err := d.writeEnv(); err != nil {
		return err
	}
	d.print()
	return nil
}

// demoKey returns the key of the demo tenant, which is made at the first run and
// kept beside the data.
func (d *session) demoKey(ctx context.Context) (string, error) {
	path := filepath.Join(d.flags.State, "api-key")
	key, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(key)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	made, err := d.makeKey(ctx)
	if err != nil {
		return "", err
	}
	return made, process.WriteWhole(path, []byte(made+"\n"), 0o600)
}

// makeKey makes the tenant; if an interrupted run made it and lost its key, it
// makes another key.
func (d *session) makeKey(ctx context.Context) (string, error) {
	text, err := d.cluster.Run(ctx, "tenant", "create", demo, "--json")
	if err != nil {
		var again error
		if text, again = d.cluster.Run(ctx, "key", "create", demo, "--json"); again != nil {
			return "", err
		}
	}
	var made struct {
		Key string `json:"api_key"`
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Key == "" {
		return "", fmt.Errorf("make the demo tenant: folio printed no key: %q", text)
	}
	return made.Key, nil
}

// restarted tells that a replica died and what came of starting it again.
func (d *session) restarted(err error) {
	if err != nil {
		fmt.Fprintf(d.out, "a replica died and did not come back: %v\n", err)
		return
	}
	fmt.Fprintln(d.out, "a replica died and was started again")
	if d.key == "" {
		return // not all is up yet; the file comes later
	}
	if err := d.writeEnv(); err != nil {
		fmt.Fprintf(d.out, "%v\n", err)
	}
}

func (d *session) stop() error {
	fmt.Fprintln(d.out, "stopping …")
	err := d.removeEnv()
	if d.cluster == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return errors.Join(err, d.cluster.Close(ctx))
}

// besides returns the program that stands beside this one.
func besides(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("find folio beside this program (make build makes both): %w", err)
	}
	return path, nil
}

// claim makes the state folder and keeps others out of it until release.
func claim(f flags) (release func() error, err error) {
	if err := os.MkdirAll(f.State, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(f.State, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("another foliodev runs in %s; end it, or give another folder with --state", f.State), lock.Close())
	}
	if !f.Fresh {
		return lock.Close, nil
	}
	return lock.Close, empty(f.State, "lock")
}

// empty removes what an earlier run left in a state folder, but for one file.
func empty(state, keep string) error {
	if err := devcluster.RemoveData(state); err != nil {
		return err
	}
	entries, err := os.ReadDir(state)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != keep {
			if err := os.RemoveAll(filepath.Join(state, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
