package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"folio/invoices"
)

func oldPostgres(s invoices.Server) Finding {
	if s.Number < 150000 {
		return warning(s.Version+", with which folio is not tested", "upgrade Postgres to 15 or later")
	}
	return ok(s.Version)
}

func standby(s invoices.Server) Finding {
	if s.Standby {
		return fault("this is a standby, or a server that recovers: nothing can be written",
			"name the primary in the database URL, or all servers as host=a,b (then the one that can be written to is found)")
	}
	return ok("this is a primary")
}

// durable makes a check of a setting without which what was acknowledged may be lost.
func durable(name, harm string) func(invoices.Server) Finding {
	return func(s invoices.Server) Finding {
		set := s.Settings[name]
		if set.Value != "off" {
			return ok(set.Value)
		}
		return fault("off ("+set.Source+"): "+harm, turnOn(name, set.Source, s))
	}
}

// turnOn says how a setting is set on where it is set off.
func turnOn(name, source string, s invoices.Server) string {
	switch source {
	case "database":
		return fmt.Sprintf("alter database %s reset %s", s.Database, name)
	case "user":
		return fmt.Sprintf("alter role %s reset %s", s.User, name)
	case "database user":
		return fmt.Sprintf("alter role %s in database %s reset %s", s.User, s.Database, name)
	case "client":
		return "take " + name + " out of the database URL"
	case "command line":
		return "take " + name + " off the command line of the server, and start it again"
	}
	return fmt.Sprintf("set %s = on in postgresql.conf (or alter system), then select pg_reload_conf()", name)
}

func walLevel(s invoices.Server) Finding {
	set := s.Settings["wal_level"]
	if set.Value == "minimal" {
		return warning("minimal ("+set.Source+"): neither a standby nor a backup to a point in time is possible", "set wal_level = replica, and start Postgres again")
	}
	return ok(set.Value)
}

// replication: what a failover may lose.
func (d *postgresSide) replication(ctx context.Context) Finding {
	s, err := d.server(ctx)
	if err != nil {
		return unknown("not asked: " + err.Error())
	}
	names, commit := s.Settings["synchronous_standby_names"].Value, s.Settings["synchronous_commit"].Value
	switch {
	case s.Standby:
		return unknown("not asked of a standby")
	case names == "" && d.p.RequireSync:
		return fault("synchronous_standby_names is empty, and FOLIO_REQUIRE_SYNC_REPLICATION is set", "name the standbys in synchronous_standby_names, or do not require them")
	case names == "":
		return ok("commits wait for no standby: a failover may lose the last of them")
	case d.p.RequireSync && commit == "local":
		return fault("synchronous_commit is local, and FOLIO_REQUIRE_SYNC_REPLICATION is set", turnOn("synchronous_commit", s.Settings["synchronous_commit"].Source, s))
	}
	conn, err := d.connected(ctx)
	if err != nil {
		return unknown("not asked: " + err.Error())
	}
	switch n, known, err := conn.Standbys(ctx); {
	case err != nil:
		return unknown(err.Error())
	case n == 0 && !known:
		return unknown("commits wait for " + names + "; whether one follows may only be seen with pg_read_all_stats")
	case n == 0:
		return fault("commits wait for "+names+", and none of these follows: no commit ends", "start a standby of that name, or change synchronous_standby_names")
	default:
		return ok(fmt.Sprintf("commits wait for %s, %d of these follow", names, n))
	}
}

// connections: a rollout starts a replica before the one it replaces has ended.
func (d *postgresSide) connections(ctx context.Context) Finding {
	conn, err := d.connected(ctx)
	if err != nil {
		return unknown("not asked: " + errNotConnected.Error())
	}
	room, err := conn.Room(ctx)
	if err != nil {
		return unknown(err.Error())
	}
	each := invoices.Connections(d.p.Postgres)
	seen := fmt.Sprintf("%d for replicas, %d in use, %d of these by others; each replica takes up to %d", room.Free(), room.Used, room.Others, each)
	const do = "raise max_connections (and start Postgres again), or the limit of the user or database, or run fewer replicas, or see who else connects"
	if room.Free() < each {
		return fault(seen+": not enough for one", do)
	}
	replicas, err := d.etcd.replicas(ctx)
	if err != nil {
		return unknown(seen + "; how many are registered is not known: " + err.Error())
	}
	seen += fmt.Sprintf(", and %d are registered", replicas)
	if room.Free() < each*(replicas+1) {
		return warning(seen+": not enough for these and one more, as in a rollout", do)
	}
	return ok(seen)
}

// replicas counts those that are registered.
func (e *etcdSide) replicas(ctx context.Context) (int, error) {
	if _, err := e.answered(ctx); err != nil {
		return 0, err
	}
	alive, err := e.client.Store().Alive(ctx)
	return len(alive), err
}

func (d *postgresSide) roles(ctx context.Context) Finding {
	if s, err := d.server(ctx); err == nil && s.Standby {
		return unknown("not asked of a standby")
	}
	conn, err := d.migrated(ctx)
	if err != nil {
		return unknown("not asked: " + err.Error())
	}
	missing, err := conn.MissingRoles(ctx)
	switch {
	case err != nil:
		return unknown(err.Error())
	case len(missing) > 0:
		all := strings.Join(missing, ", ")
		return fault("the user of the database URL may not take "+all, "grant "+all+" to that user; if they do not exist, folio migrate")
	}
	return ok("the user of the database URL may take all of folio's")
}

// standing: whether Postgres is the one that was seen before.
func (d *postgresSide) standing(ctx context.Context) Finding {
	s, err := d.server(ctx)
	if err == nil && s.Standby {
		return unknown("not asked of a standby")
	}
	conn, err := d.migrated(ctx)
	if err == nil {
		_, err = d.etcd.answered(ctx)
	}
	if err != nil {
		return unknown("not asked: " + err.Error())
	}
	noted, err := conn.Standing(ctx, d.etcd.client.Store())
	switch {
	case errors.Is(err, invoices.ErrBehind), errors.Is(err, invoices.ErrResuming):
		return fault(err.Error(), "see docs/operations.md, Postgres was restored from a backup; then folio restored")
	case err != nil:
		return unknown(err.Error())
	case !noted:
		return ok("no replica has noted yet how far Postgres has come")
	}
	return ok("it has everything that was seen of it")
}

// clock: the dates of documents, and the years of their series, are of replicas' clocks.
func (d *postgresSide) clock(ctx context.Context) Finding {
	conn, err := d.connected(ctx)
	if err != nil {
		return unknown("not asked: " + errNotConnected.Error())
	}
	offset, bound, err := conn.Clock(ctx, d.p.Now)
	if err != nil {
		return unknown(err.Error())
	}
	least := max(offset.Abs()-bound, 0) // it is off by so much at least
	seen := fmt.Sprintf("Postgres' clock is %s ahead of this machine's, give or take %s", offset.Round(10*time.Microsecond), bound.Round(10*time.Microsecond))
	if offset < 0 {
		seen = fmt.Sprintf("Postgres' clock is %s behind this machine's, give or take %s", -offset.Round(10*time.Microsecond), bound.Round(10*time.Microsecond))
	}
	const do = "let both machines follow the same time servers: documents are dated by this machine's clock"
	switch {
	case least > time.Minute:
		return fault(seen, do)
	case least > time.Second:
		return warning(seen, do)
	}
	return ok(seen)
}
