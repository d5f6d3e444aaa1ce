package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"folio/internal/devcluster/process"
)

// StandbyName is what a standby calls itself in synchronous_standby_names.
const StandbyName = "pg_receivewal"

// StartStandby starts what a synchronous standby is to the server: it writes the
// server's log to its own disk, and says how far it has come. It ends with the
// server, or by the process that is returned.
func (s *Server) StartStandby(ctx context.Context) (*process.Process, error) {
	dir := filepath.Join(s.home, "standby")
	if err := s.who.own(dir); err != nil {
		return nil, fmt.Errorf("start a standby: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(s.cfg.Dir, "standby.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start a standby: %w", err)
	}
	defer log.Close()
	cmd := s.who.command(context.Background(), tool(s.bin, "pg_receivewal"),
		"--directory", dir, "--dbname", s.URL("postgres"), "--synchronous", "--no-loop")
	cmd.Stdout, cmd.Stderr = log, log
	p, err := process.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("start a standby: %w", err)
	}
	return p, nil
}
