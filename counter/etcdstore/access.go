package etcdstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Access says how a client proves to etcd who it is, and how it knows etcd. The
// zero Access speaks in the clear and names no user.
//
// All fields but User and Password are paths of files. They are read for each new
// connection, and user and password for each new token, so that whoever rotates them
// puts the new ones in the place of the old and restarts nothing: connections
// that are open go on as they are. A file that is missing or damaged fails the
// attempt to connect, and the next attempt reads it again.
type Access struct {
	CA           string // PEM: who may have signed etcd's certificate; the system's roots if empty
	Cert, Key    string // PEM: the client's own; where etcd has no user given it is the certificate's common name
	User         string
	UserFile     string // instead of User
	Password     string
	PasswordFile string // instead of Password; blanks and line ends around either do not count
}

// errHalfAccess: parts were given that mean nothing without others.
var errHalfAccess = errors.New("give what is missing, or neither")

// check refuses what can only be a mistake, and reads every file once, so that a
// wrong path is told at the start. Endpoints that pass bear no secret, and may be shown.
func (a Access) check(endpoints []string) error {
	user := slices.ContainsFunc(endpoints, func(e string) bool { return strings.Contains(e, "@") })
	clear := slices.IndexFunc(endpoints, func(e string) bool { return strings.HasPrefix(e, "http://") })
	switch {
	case user: // it is not repeated: what is before the @ may be a password, and is used by nobody
		return errors.New("etcd: an endpoint has a user or a password in it (there is an @); give host:port only, and the user and the password by themselves")
	case clear >= 0 && a.secured():
		return fmt.Errorf("etcd: %s is spoken to in the clear, but a CA or a certificate is given; write https:// or leave them out", endpoints[clear])
	case (a.Cert == "") != (a.Key == ""):
		return fmt.Errorf("etcd: a client's certificate %q and its key %q belong together: %w", a.Cert, a.Key, errHalfAccess)
	case a.Password != "" && a.PasswordFile != "":
		return errors.New("etcd: a password and a file of it are given; give one of them")
	case a.User != "" && a.UserFile != "":
		return errors.New("etcd: a user and a file of it are given; give one of them")
	case !a.named() != (a.Password == "" && a.PasswordFile == ""):
		return fmt.Errorf("etcd: a user and a password belong together: %w", errHalfAccess)
	}
	if _, err := a.config(); err != nil {
		return err
	}
	_, _, err := a.who()
	return err
}

// named reports whether a user is named.
func (a Access) named() bool { return a.User != "" || a.UserFile != "" }

// secured reports whether connections are to be made with TLS.
func (a Access) secured() bool { return a.CA != "" || a.Cert != "" }

// config reads the files anew.
func (a Access) config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CA != "" {
		text, err := os.ReadFile(a.CA)
		if err != nil {
			return nil, fmt.Errorf("read who signs etcd's certificates: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read who signs etcd's certificates: %s has no certificate in PEM", a.CA)
		}
	}
	if a.Cert != "" {
		own, err := tls.LoadX509KeyPair(a.Cert, a.Key)
		if err != nil {
			return nil, fmt.Errorf("read the certificate for etcd: %w", err)
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	return cfg, nil
}

// who reads user and password anew.
func (a Access) who() (user, password string, err error) {
	user, err = orFile("user", a.User, a.UserFile)
	if err == nil {
		password, err = orFile("password", a.Password, a.PasswordFile)
	}
	return user, password, err
}

func orFile(what, value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the %s for etcd: %w", what, err)
	}
	value = strings.TrimSpace(string(text))
	if value == "" {
		return "", fmt.Errorf("read the %s for etcd: %s is empty", what, file)
	}
	return value, nil
}

// options are what gRPC is told of it.
func (a Access) options() []grpc.DialOption {
	var opts []grpc.DialOption
	if a.secured() {
		opts = append(opts, grpc.WithTransportCredentials(handshakes{TransportCredentials: credentials.NewTLS(nil), of: a}))
	}
	if a.named() {
		opts = append(opts, grpc.WithChainUnaryInterceptor((&tokens{of: a}).intercept))
	}
	return opts
}

// tokens stands before the client's requests for tokens.
type tokens struct {
	of     Access
	dialed atomic.Bool // the first request was seen
	have   atomic.Bool // a token was given
	worked atomic.Pointer[pb.AuthenticateRequest]
}

// intercept answers the first request for a token itself, with none: etcd's client
// asks for one before it has a connection, and would not come into being while etcd
// is away. The first call is then told that it lacks one, upon which the client asks
// again. Into these requests go the present user and password; the client would send
// those of the start for ever.
func (t *tokens) intercept(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	_, ok := req.(*pb.AuthenticateRequest)
	switch {
	case ok && !t.dialed.Swap(true):
		return nil
	case !ok && !t.have.Load():
		return rpctypes.ErrGRPCUserEmpty
	case !ok:
		return call(ctx, method, req, reply, conn, opts...)
	}
	user, password, err := t.of.who()
	if err != nil {
		return err
	}
	now := &pb.AuthenticateRequest{Name: user, Password: password}
	err = call(ctx, method, now, reply, conn, opts...)
	if before := t.worked.Load(); before != nil && refusesWho(err) && (before.Name != user || before.Password != password) {
		// The files were changed before etcd was.
		err = call(ctx, method, &pb.AuthenticateRequest{Name: before.Name, Password: before.Password}, reply, conn, opts...)
		if refusesWho(err) { // it has learnt of it in between
			err = call(ctx, method, now, reply, conn, opts...)
		} else {
			now = before
		}
	}
	if err == nil {
		t.worked.Store(now)
	}
	if err == nil || errors.Is(rpctypes.Error(err), rpctypes.ErrAuthNotEnabled) {
		t.have.Store(true) // an etcd that asks nobody needs none
	}
	return err
}

func refusesWho(err error) bool { return errors.Is(rpctypes.Error(err), rpctypes.ErrAuthFailed) }

// handshakes reads an Access' files for each connection.
type handshakes struct {
	credentials.TransportCredentials
	of Access
}

// ClientHandshake implements credentials.TransportCredentials.
func (h handshakes) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	cfg, err := h.of.config()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(cfg).ClientHandshake(ctx, authority, conn)
}

// Clone implements credentials.TransportCredentials.
func (h handshakes) Clone() credentials.TransportCredentials { return h }
