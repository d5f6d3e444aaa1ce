package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ForTests starts a server for one test binary, called from its TestMain. It
// gives the server's URL, and a function that ends it and removes its data.
// Without Postgres on the machine it fails, and says what to install: a test
// that needs a server never skips.
func ForTests() (s *Server, end func() error, err error) {
	dir, err := os.MkdirTemp("", "folio-postgres-")
	if err != nil {
		return nil, nil, fmt.Errorf("start Postgres for tests: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err = Start(ctx, Config{Dir: dir, NoSync: true})
	if err != nil {
		return nil, nil, errors.Join(err, Remove(dir))
	}
	end = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return errors.Join(s.Stop(ctx), Remove(dir))
	}
	return s, end, nil
}
