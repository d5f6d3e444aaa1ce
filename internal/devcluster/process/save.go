package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteWhole writes a file so that a reader sees the old one or the new one,
// never a part.
func WriteWhole(path string, content []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Saved returns what an earlier run saved in path, or makes it anew and saves
// it: such as the ports of a cluster.
func Saved[T any](path string, make func() (T, error)) (T, error) {
	var value T
	text, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(text, &value); err != nil {
			return value, fmt.Errorf("read %s (remove it to begin anew): %w", path, err)
		}
		return value, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return value, err
	}
	if value, err = make(); err != nil {
		return value, err
	}
	if text, err = json.Marshal(value); err != nil {
		return value, err
	}
	return value, WriteWhole(path, text, 0o600)
}
