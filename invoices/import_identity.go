package invoices

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// lock makes sure that no other run works on the same file: by the session, so that
// a run that was killed leaves no lock. The server looks each second, even in the
// middle of a long statement, whether this run is still there.
func (r *importing) lock() error {
	// Series by series the counter's books are read in the midst of a transaction.
	if _, err := r.conn.ExecContext(r.ctx, `set idle_in_transaction_session_timeout = '60s'`); err != nil {
		return cutShort("lock the import", err)
	}
	// Where the system cannot tell it such a thing, a server refuses.
	_, _ = r.conn.ExecContext(r.ctx, `set client_connection_check_interval = '1s'`)
	var mine bool
	const query = `select pg_try_advisory_lock(hashtextextended('folio import ' || $1, 0))`
	for try := 0; !mine; try++ {
		if try == 20 {
			return errors.New("another run moves the same file in just now; wait for its end")
		}
		pause(r.ctx, try)
		if err := r.conn.GetContext(r.ctx, &mine, query, r.name); err != nil {
			return cutShort("lock the import", err)
		}
	}
	return nil
}

// unlock ends the lock, as would the end of the session, and gives the connection up.
func (r *importing) unlock() {
	_, _ = r.conn.ExecContext(context.WithoutCancel(r.ctx), `select pg_advisory_unlock_all()`)
	_ = r.conn.Close()
}

// identify finds the tenant and the name of the import, which is that of its
// contents: the same file for the same tenant goes on where it stopped.
func (r *importing) identify() error {
	if r.Format != "csv" && r.Format != "jsonl" {
		return fmt.Errorf("format %q: use csv or jsonl", r.Format)
	}
	r.tenant = r.Tenant
	if head, ok := beginsWithHead(r.file.first); ok && r.Format == "jsonl" {
		r.head = &head
		if head.Version != exportVersion {
			return fmt.Errorf("the export has version %d; this program reads version %d", head.Version, exportVersion)
		}
		if r.tenant == "" {
			r.tenant = head.Tenant
		}
	}
	switch {
	case r.tenant == "":
		return errors.New("whose documents are they? name the tenant; only an export does so itself")
	case !validName(r.tenant):
		return fmt.Errorf("%q is no name for a tenant; use 1 to 63 lower-case letters, digits and inner hyphens", r.tenant)
	case r.CreateTenant && r.head == nil:
		return errors.New("only an export says how to make its tenant; make it first (folio tenant create)")
	}
	sum := sha256.Sum256([]byte(r.tenant + "\n" + r.Format + "\n" + r.file.sum))
	r.name = hex.EncodeToString(sum[:16])
	return nil
}

// importFile is the file, of which nothing is in memory.
type importFile struct {
	in    io.Reader
	seek  io.Seeker // nil: it can be read once only
	first []byte    // its first line, or a part of it
	sum   string    // SHA-256 of its contents, or random if it can be read once only
	size  int64     // 0: unknown
}

// readImportFile reads a file that can seek through, once, to know it.
func readImportFile(in io.Reader, tell func(string, int64)) (*importFile, error) {
	f := &importFile{}
	seeker, ok := in.(io.ReadSeeker)
	if !ok {
		buffered := bufio.NewReaderSize(in, 64<<10)
		peeked, err := buffered.Peek(4 << 10)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("read the file: %w", err)
		}
		f.in, f.sum = buffered, rand.Text()
		f.first, _, _ = bytes.Cut(bytes.Clone(peeked), []byte("\n"))
		return f, nil
	}
	tell("read", 0)
	sum := sha256.New()
	head := &firstBytes{}
	size, err := io.Copy(io.MultiWriter(sum, head), seeker)
	if err == nil {
		_, err = seeker.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	f.in, f.seek, f.size, f.sum = seeker, seeker, size, hex.EncodeToString(sum.Sum(nil))
	f.first, _, _ = bytes.Cut(head.kept, []byte("\n"))
	return f, nil
}

// firstBytes keeps the beginning of what is written.
type firstBytes struct{ kept []byte }

func (f *firstBytes) Write(p []byte) (int, error) {
	f.kept = append(f.kept, p[:min(len(p), 4<<10-len(f.kept))]...)
	return len(p), nil
}

// seekTo goes on at an offset.
func (f *importFile) seekTo(offset int64) error {
	if f.seek == nil {
		return errors.New("a stream cannot be taken up again")
	}
	if _, err := f.seek.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("go on in the file: %w", err)
	}
	return nil
}
