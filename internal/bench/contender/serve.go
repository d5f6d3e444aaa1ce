package contender

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"folio/httpapi"
	"folio/internal/garbage"
	"folio/invoices"
)

// Config is what one replica of a contender is told.
type Config struct {
	Way         string
	DatabaseURL string
	Etcd        []string
	Redis       string // host:port
	Listen      string
	OpsListen   string
	Connections int  // to Postgres
	LookFirst   bool // for what a request led to before, as folio does
	Replica     int  // from 0
	Replicas    int
}

// Way is a contender's name and what it needs to be told.
type Way struct {
	Name   string
	Is     string // for people
	Stores bool   // leaves a row for each number
	Redis  bool   // needs it

	make func(Config) (way, error)
}

// Ways are the contenders, but for folio itself.
func Ways() []Way {
	return []Way{
		{Name: "max", Is: "MAX(number) + 1 under an advisory lock", Stores: true, make: newMaximum},
		{Name: "row-lock", Is: "a counter's row, locked in a transaction", Stores: true, make: newRowLock},
		{Name: "cte", Is: "the same as one statement", Stores: true, make: newCTE},
		{Name: "sequence", Is: "a Postgres sequence", Stores: true, make: newSequence},
		{Name: "redis", Is: "Redis INCR, then an insert", Stores: true, Redis: true, make: newIncrements},
		{Name: "etcd", Is: "a compare-and-swap in etcd for every number, then an insert", Stores: true, make: newSwaps},
		{Name: "insert", Is: "a number that costs nothing, and an insert for each row", Stores: true, make: newInsert},
		{Name: "none", Is: "the same handler without a database", make: newNone},
	}
}

// env tells a re-executed binary that it is a contender's replica, and which.
const env = "FOLIO_BENCH_CONTENDER"

// Env is the environment of a process that is to be the replica c.
func (c Config) Env() (string, error) {
	text, err := json.Marshal(c)
	return env + "=" + string(text), err
}

// RunIfReplica runs this process as a contender's replica, and never returns, if it was
// started as one.
func RunIfReplica() {
	text := os.Getenv(env)
	if text == "" {
		return
	}
	garbage.CollectSeldom() // as folio does
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var c Config
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		err = c.Serve(ctx)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "contender %s: %v\n", c.Way, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Serve serves until ctx ends.
func (c Config) Serve(ctx context.Context) (err error) {
	i := slices.IndexFunc(Ways(), func(w Way) bool { return w.Name == c.Way })
	if i < 0 {
		return fmt.Errorf("there is no contender %q", c.Way)
	}
	w, err := Ways()[i].make(c)
	if err != nil {
		return err
	}
	db, err := invoices.Open(c.rooms())
	if err != nil {
		return errors.Join(err, w.close())
	}
	keys := &invoices.Keys{DB: db}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	public := httpapi.NewServer(c.Listen, httpapi.New(httpapi.Config{
		Issuer: issuer{w, c.LookFirst}, Numbers: bareNumbers{&strides{by: int64(c.Replicas), replica: int64(c.Replica)}}, Keys: keys, Registry: registry,
	}))
	ops := httpapi.NewServer(c.OpsListen, httpapi.NewOps(httpapi.OpsConfig{Ready: func() error { return nil }, Gatherer: registry}))
	parts, ended := errgroup.WithContext(ctx)
	parts.Go(func() error { return keys.Run(ended) })
	parts.Go(func() error { return (&invoices.Listener{DB: db}).Run(ended) })
	for _, s := range []*http.Server{public, ops} {
		parts.Go(func() error {
			if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		parts.Go(func() error {
			<-ended.Done()
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return s.Shutdown(ending)
		})
	}
	return errors.Join(parts.Wait(), w.close(), db.Close())
}

// rooms is what a contender uses of folio's own connections: those that look up API keys,
// as many as folio has. Its rows go through its table's.
func (c Config) rooms() invoices.DBConfig { return invoices.DBConfig{URL: c.DatabaseURL, Batches: 1} }

// nowIn is the present moment where the tenant is.
func nowIn(who invoices.Identity) time.Time { return time.Now().In(who.Zone) }
