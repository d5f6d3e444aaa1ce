package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup is a copy of a server's data, as pg_basebackup makes it.
type Backup struct{ dir string }

// Backup copies the data of the running server.
func (s *Server) Backup(ctx context.Context) (Backup, error) {
	dir, err := os.MkdirTemp(s.home, "backup-")
	if err != nil {
		return Backup{}, fmt.Errorf("back up Postgres: %w", err)
	}
	b := Backup{dir: dir}
	return b, errors.Join(s.who.own(dir), s.copyTo(ctx, dir))
}

// copyTo copies the data of the running server to an empty folder of the account.
func (s *Server) copyTo(ctx context.Context, dir string, more ...string) error {
	args := append([]string{"--dbname", s.URL("postgres"), "--pgdata", dir, "--wal-method", "stream", "--checkpoint", "fast", "--no-sync"}, more...)
	if out, err := s.run(ctx, "pg_basebackup", args...); err != nil {
		return explain("copy the data of Postgres", out, err)
	}
	return nil
}

// Timeline says where a server goes on that was restored from a backup.
type Timeline int

const (
	SameTimeline Timeline = iota // as when the snapshot of a volume is put back
	NewTimeline                  // as after a recovery to a point in time
)

// Restore ends the server as a crash does, puts a backup in the place of its data,
// and starts it. What was committed since is gone.
func (s *Server) Restore(ctx context.Context, b Backup, on Timeline) error {
	if err := s.end(ctx, Immediate); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(s.data()), s.who.own(s.data())); err != nil {
		return fmt.Errorf("restore Postgres: %w", err)
	}
	if out, err := s.who.command(ctx, "cp", "-Rp", b.dir+"/.", s.data()).CombinedOutput(); err != nil {
		return explain("restore Postgres", out, err)
	}
	if on == NewTimeline {
		if err := s.recover(); err != nil {
			return fmt.Errorf("restore Postgres: %w", err)
		}
	}
	return s.start(ctx)
}

// recover has the next start recover what is in the data, and begin a new timeline.
func (s *Server) recover() error {
	settings, err := os.OpenFile(filepath.Join(s.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = settings.WriteString("restore_command = 'false'\n")
	return errors.Join(err, settings.Close(), os.WriteFile(filepath.Join(s.data(), "recovery.signal"), nil, 0o644))
}
