package postgres

import (
	"context"
	"fmt"
	"path/filepath"
)

// StartReplica starts a standby that follows the server asynchronously, and can be
// promoted.
func (s *Server) StartReplica(ctx context.Context) (*Server, error) {
	r, err := prepare(Config{Dir: filepath.Join(s.home, "replica"), NoSync: s.cfg.NoSync, Settings: s.cfg.Settings})
	if err == nil {
		err = r.who.own(r.data())
	}
	if err == nil {
		err = s.copyTo(ctx, r.data(), "--write-recovery-conf")
	}
	if err == nil {
		err = r.start(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("start a replica of Postgres: %w", err)
	}
	return r, nil
}

// StopFollowing cuts a replica off from the server it follows: it lacks what is
// committed from then on.
func (s *Server) StopFollowing(ctx context.Context) error {
	for _, statement := range []string{"alter system set primary_conninfo = ''", "select pg_reload_conf()"} {
		out, err := s.run(ctx, "psql", "--no-psqlrc", "--quiet", "--dbname", s.URL("postgres"), "--command", statement)
		if err != nil {
			return explain("cut the replica of Postgres off", out, err)
		}
	}
	return nil
}

// Promote ends lost, as a crash does, and has s, its replica, take its place: on a
// new timeline, at the same port.
func (s *Server) Promote(ctx context.Context, lost *Server) error {
	if err := lost.end(ctx, Immediate); err != nil {
		return err
	}
	if out, err := s.run(ctx, "pg_ctl", "promote", "--pgdata", s.data()); err != nil {
		return explain("promote the replica of Postgres", out, err)
	}
	if err := s.end(ctx, Fast); err != nil {
		return err
	}
	s.port = lost.port
	return s.start(ctx)
}

// Following reports whether a replica has all that was committed on the server so
// far.
func (s *Server) Following(ctx context.Context, of *Server) (bool, error) {
	at, err := of.run(ctx, "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", of.URL("postgres"), "--command", "select pg_current_wal_flush_lsn()")
	if err != nil {
		return false, explain("ask Postgres how far it has come", at, err)
	}
	out, err := s.run(ctx, "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", s.URL("postgres"), "--command",
		"select coalesce(pg_last_wal_replay_lsn() >= '"+string(at[:len(at)-1])+"', false)")
	if err != nil {
		return false, explain("ask the replica how far it has come", out, err)
	}
	return string(out) == "t\n", nil
}

// Log returns the path of its log.
func (s *Server) Log() string { return filepath.Join(s.cfg.Dir, "postgres.log") }
