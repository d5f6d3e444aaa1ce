package main

import (
	"context"
	"fmt"
)

// What a grown database takes: of each invoice, with its indexes, and besides.
const (
	rowBytes  = 1100
	besidesGB = 4 // WAL, and what is sorted for indexes
)

// enough fails if so many invoices do not find room in a folder where so many GB are
// free.
func enough(rows int, free float64, dir string) error {
	wanted := float64(rows)*rowBytes/1e9 + besidesGB
	if free >= wanted {
		return nil
	}
	return fmt.Errorf("a database of %s invoices wants about %.1f GB (%.1f kB for each, %d GB for WAL and sorting), but %.1f GB are free in %s: "+
		"free some, take fewer --grown-rows, or another folder (TMPDIR or --keep)", count(float64(rows)), wanted, rowBytes/1e3, besidesGB, free, dir)
}

// room is how many GB are free where Postgres has its data; nil: the system does not tell.
func (s *stack) room(ctx context.Context) (gb *float64, dir string, err error) {
	dir, err = s.server.Folder(ctx)
	return room(dir), dir, err
}

// makeRoom sees to it that there is room for the grown database, for which the
// contenders' go: they have grown, too, and who needs one finds a new one.
func (b *bench) makeRoom(ctx context.Context) error {
	if err := b.stack.dropCloned(ctx); err != nil {
		return err
	}
	free, dir, err := b.stack.room(ctx) // the grown one's is beside it
	if err != nil || free == nil {
		return err
	}
	return enough(b.flags.GrownRows, *free, dir)
}
