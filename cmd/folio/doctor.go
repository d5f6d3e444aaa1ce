package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"folio/internal/doctor"
)

type doctorCmd struct {
	database
	etcd
	LeaseTTL               time.Duration `help:"As of serve." env:"FOLIO_LEASE_TTL" default:"10s"`
	PodName                string        `help:"As of serve." env:"POD_NAME"`
	Writers                int           `help:"As of serve." env:"FOLIO_WRITERS" default:"3"`
	RequireSyncReplication bool          `help:"As of serve." env:"FOLIO_REQUIRE_SYNC_REPLICATION"`
	Within                 time.Duration `help:"How long each check may take; all are made at the same time." env:"FOLIO_DOCTOR_WITHIN" default:"5s"`
	Format                 string        `help:"text or json." enum:"text,json" default:"text" env:"FOLIO_DOCTOR_FORMAT"`
}

// Help tells what the exit status means.
func (c *doctorCmd) Help() string {
	return "It changes nothing. Exit status: 0, no fault; there may be warnings, and what could not be found out is unknown; " +
		"1, there are faults, or nothing could be found out about etcd or Postgres; 2, the command was not understood; 3, it was interrupted."
}

// errFaults makes the exit status 1; the faults are printed by then.
var errFaults = errors.New("there are faults; what to do stands below each")

// Run looks at everything a replica stands on.
func (c *doctorCmd) Run(cmd command) error {
	if c.Within <= 0 {
		return statusError{fmt.Errorf("--within is %s; want a length of time", c.Within), statusNotUnderstood}
	}
	postgres := c.config()
	postgres.Batches = c.Writers + 1 // as serve takes them
	report := doctor.Examine(cmd.ctx, doctor.Patient{
		Etcd: c.access(), Endpoints: c.EtcdEndpoints, Postgres: postgres,
		RequireSync: c.RequireSyncReplication, LeaseTTL: c.LeaseTTL, PodName: c.PodName, Within: c.Within,
	})
	if err := cmd.ctx.Err(); err != nil {
		return statusError{fmt.Errorf("interrupted: %w", err), statusUnfinished}
	}
	write := report.WriteText
	if c.Format == "json" {
		write = report.WriteJSON
	}
	if err := write(cmd.stdout); err != nil {
		return err
	}
	return verdict(report)
}

// verdict is nil if there is no fault. That nothing is known of a store is no pass.
func verdict(r doctor.Report) error {
	if r.Count(doctor.Fault) > 0 {
		return errFaults
	}
	if dark := r.Dark(); len(dark) > 0 {
		return fmt.Errorf("nothing could be found out about %s; see what is unknown, and ask again with a longer --within", strings.Join(dark, " and "))
	}
	return nil
}
