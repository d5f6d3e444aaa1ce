package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// prepare copies what the tests need of the module below source, so that nobody's
// work in it, during the hunt, changes what is judged.
func (s *site) prepare(source string) error {
	to := filepath.Join(s.dir, "module")
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return fmt.Errorf("copy the module: %w", err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			return fmt.Errorf("copy the module: %w", err)
		}
	}
	if err := os.CopyFS(filepath.Join(to, "counter"), os.DirFS(filepath.Join(source, "counter"))); err != nil {
		return fmt.Errorf("copy the module: %w", err)
	}
	return nil
}
