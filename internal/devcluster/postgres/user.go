package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is who the server runs as: Postgres refuses root, so root's server
// runs as the user postgres, or nobody.
type account struct {
	name       string
	credential *syscall.Credential // nil: as ourselves
}

func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if errU == nil && errG == nil {
			return account{name: name, credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return account{}, errors.New("run Postgres: root may not, and there is no user postgres or nobody to run it as")
}

// command makes a command that runs as the account, in a folder it may enter.
func (a account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	if a.credential != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential}
	}
	return cmd
}

// own makes dir, with its parents, for the account alone.
func (a account) own(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if a.credential == nil {
		return nil
	}
	return os.Chown(dir, int(a.credential.Uid), int(a.credential.Gid))
}

// home returns where the server's data can live for a state folder: in it, or,
// if the account may not enter there (root's home, say), in a place of its own
// that a later run finds again by the state folder's name.
func (a account) home(state string) (string, error) {
	abs, err := filepath.Abs(state)
	if err != nil {
		return "", err
	}
	if a.credential == nil || a.mayEnter(abs) {
		return abs, nil
	}
	sum := sha256.Sum256([]byte(abs))
	away := fmt.Sprintf("/var/tmp/folio-postgres-%x", sum[:6])
	note := fmt.Sprintf("The user %s may not enter %s, so the data of Postgres is in %s\n", a.name, abs, away)
	return away, errors.Join(a.own(away), os.WriteFile(filepath.Join(abs, "WHERE"), []byte(note), 0o600))
}

// mayEnter asks the system, as the account, whether it may write below dir.
func (a account) mayEnter(dir string) bool {
	return a.command(context.Background(), "test", "-x", filepath.Dir(dir)).Run() == nil && enterable(dir)
}

// enterable makes dir itself passable, for its own part.
func enterable(dir string) bool { return os.Chmod(dir, 0o711) == nil }
