package invoices

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// address says where Postgres is, and by whom it is asked. A file is read for each
// new connection, as are the files of certificates and passwords that it names: so
// whoever rotates a secret puts the new one in the place of the old, and restarts
// nothing. Connections that are open go on until their life is over.
type address struct {
	url, file string
	worked    atomic.Pointer[string] // of a file: what the server took last
}

func (a *address) read() (string, error) {
	if a.file == "" {
		return a.url, nil
	}
	text, err := os.ReadFile(a.file)
	if err != nil {
		return "", fmt.Errorf("read the database URL: %w", err)
	}
	found := strings.TrimSpace(string(text))
	if found == "" {
		return "", fmt.Errorf("read the database URL: %s is empty", a.file)
	}
	return found, nil
}

// terms are what connections of one kind are.
type terms struct {
	role             string // owner: whoever the URL names
	statementTimeout string
	silence          time.Duration
}

// connector makes connections of one kind.
type connector struct {
	to *address
	as terms
}

// newConnector tells at once what is wrong with the address.
func newConnector(to *address, as terms) (connector, error) {
	c := connector{to: to, as: as}
	text, err := to.read()
	if err == nil {
		_, err = as.config(text)
	}
	return c, err
}

// Connect implements driver.Connector. A server that refuses what a file says, as the
// file was changed before the server, is told what it took last, and after that the new
// one again, as it may have learnt it in between: so a password can be rotated with no
// moment at which new connections fail. So can a user, though it be let in before its
// rights are granted. What a file says may be right a moment later, so a refusal of it is
// ErrUnavailable.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	text, err := c.to.read()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if c.to.file == "" {
		return c.connect(ctx, text)
	}
	before := c.to.worked.Load()
	if before == nil || *before == text {
		conn, err := c.connect(ctx, text)
		return conn, c.took(text, err, refusesWho(err))
	}
	conn, err := c.introduce(ctx, text)
	if refusesWho(err) || refusesMore(err) {
		if conn, err = c.connect(ctx, *before); err == nil {
			return conn, nil
		}
		conn, err = c.introduce(ctx, text)
	}
	return conn, c.took(text, err, refusesWho(err) || refusesMore(err))
}

// took notes what the server takes, and returns err as it is to be told.
func (c connector) took(text string, err error, refused bool) error {
	switch {
	case err == nil:
		c.to.worked.Store(&text)
	case refused:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// mayTake is what a session has to have of a role to take it: from Postgres 16 on, to be a
// member is not enough.
const mayTake = `case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end`

// introduce connects by a new address, if its user may take each role: one that this
// connection takes the server would refuse by itself, but none of the others.
func (c connector) introduce(ctx context.Context, text string) (driver.Conn, error) {
	conn, err := c.connect(ctx, text)
	if err != nil {
		return nil, err
	}
	lacks, err := askOne(ctx, conn, `
		select coalesce(string_agg(rolname, ', '), '') from pg_roles
		where rolname in ('`+roleWriter+`', '`+roleReader+`', '`+roleSettler+`', '`+roleAuditor+`') and not pg_has_role(session_user, oid, `+mayTake+`)`)
	if err == nil && lacks != "" {
		err = fmt.Errorf("%w: %s", errNoGrants, lacks)
	}
	if err != nil {
		_ = conn.Close() // it was of no use
		return nil, err
	}
	return conn, nil
}

// errNoGrants: a server lets a new user in, who may do nothing.
var errNoGrants = errors.New("the user of the database URL lacks roles")

// Driver implements driver.Connector.
func (connector) Driver() driver.Driver { return &pq.Driver{} }

func (c connector) connect(ctx context.Context, text string) (driver.Conn, error) {
	cfg, err := c.as.config(text)
	if err != nil {
		return nil, err
	}
	one, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	one.Dialer(dialer{silence: c.as.silence})
	return one.Connect(ctx)
}

// refusesWho reports whether a server does not believe who is there, or has no place
// for him.
func refusesWho(err error) bool {
	answer := pq.As(err)
	return answer != nil && answer.Code.Class() == "28"
}

// refusesMore reports whether a server lets in who is there, and not to what he wants.
func refusesMore(err error) bool {
	answer := pq.As(err)
	return errors.Is(err, errNoGrants) || answer != nil && answer.Code == pqerror.InsufficientPrivilege
}

// config is what the driver is told. What the URL says itself is kept, but for the
// role; everything else is set here, for every session.
func (s terms) config(text string) (pq.Config, error) {
	cfg, err := pq.NewConfig(text)
	if err != nil {
		return cfg, fmt.Errorf("read the database URL: %w", withoutSecret(err))
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	if cfg.ApplicationName == "" {
		cfg.ApplicationName = "folio"
	}
	if len(cfg.Multi) > 0 && cfg.TargetSessionAttrs == "" {
		cfg.TargetSessionAttrs = pq.TargetSessionAttrsPrimary
	}
	cfg = cfg.Clone()
	for name, value := range map[string]string{
		"TimeZone":                            "UTC",
		"statement_timeout":                   s.statementTimeout,
		"lock_timeout":                        lockTimeout,
		"idle_in_transaction_session_timeout": "5000",
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "2",
		"tcp_user_timeout":                    "10000",
	} {
		if _, set := cfg.Runtime[name]; !set {
			cfg.Runtime[name] = value
		}
	}
	if s.role != owner {
		cfg.Runtime["role"] = s.role
	}
	// In binary a statement is one round trip, and a []byte is no text: the reader's are a
	// key's hash, those of the others arrays as text.
	cfg.BinaryParameters = s.role == roleReader
	return cfg, nil
}

// errNoAddress is told instead of errors that repeat the text they could not read: it
// has a password in it, as a rule.
var errNoAddress = errors.New("want postgres://user:password@host:port/database, where : / ? # [ ] @ % in a user or password are written %3A %2F …, or key=value settings")

func withoutSecret(err error) error {
	if whole := (*url.Error)(nil); errors.As(err, &whole) || strings.Contains(err.Error(), "connection") {
		return errNoAddress
	}
	return err
}
