package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// play sends load for the whole time, more in its middle, and kills replicas: one after a
// third by SIGKILL, one after half by SIGTERM, one after two thirds by SIGKILL. foliodev starts each
// of them again. Every promise must hold, as hammer judges.
func (s *stage) play(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	load := func(series string, begin, long time.Duration, rate int) {
		parts.Go(func() error {
			if err := pause(ctx, begin); err != nil {
				return err
			}
			return s.hammer(ctx, series, long, rate)
		})
	}
	load("invoice", 0, s.Long*9/10, 150)
	load("till", s.Long/10, s.Long*7/10, 200)
	load("card", s.Long*3/10, s.Long*3/10, 350)
	parts.Go(func() error {
		for i, at := range []struct {
			when   time.Duration
			signal syscall.Signal
		}{{s.Long / 3, syscall.SIGKILL}, {s.Long / 6, syscall.SIGTERM}, {s.Long / 6, syscall.SIGKILL}} {
			if err := pause(ctx, at.when); err != nil {
				return err
			}
			if err := s.kill(i, at.signal); err != nil {
				return err
			}
		}
		return nil
	})
	parts.Go(func() error { return pause(ctx, s.Long) })
	return parts.Wait()
}

func (s *stage) hammer(ctx context.Context, series string, long time.Duration, rate int) error {
	cmd := s.command(ctx, "hammer", "--series", series, "--duration", long.String(), "--rate", strconv.Itoa(rate), "--connections", "64",
		"--history", fmt.Sprintf("%s/%s.jsonl", s.work, series))
	out, err := cmd.CombinedOutput()
	fmt.Fprintf(os.Stderr, "hammer in %s:\n%s\n", series, out)
	if err != nil {
		return fmt.Errorf("hammer in %s: %w", series, err)
	}
	return nil
}

// kill signals the i-th replica, as foliodev lists them at this moment.
func (s *stage) kill(i int, signal syscall.Signal) error {
	if err := s.readEnv(); err != nil {
		return err
	}
	pids := strings.Fields(s.env["FOLIO_PIDS"])
	pid, err := strconv.Atoi(pids[i%len(pids)])
	if err != nil {
		return fmt.Errorf("read the replicas' processes: %w", err)
	}
	fmt.Fprintf(os.Stderr, "%s to replica %d\n", signal, i)
	return syscall.Kill(pid, signal)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
