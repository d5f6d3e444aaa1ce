package etcd

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
)

// scheme is that of the members' addresses for clients.
func (t *TLS) scheme() string {
	if t == nil {
		return "http"
	}
	return "https"
}

// way returns how to ask a member over HTTP; for each question a new connection.
func (t *TLS) way() (http.RoundTripper, error) {
	if t == nil {
		return &http.Transport{DisableKeepAlives: true}, nil
	}
	own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("read etcd's certificate: %w", err)
	}
	text, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, fmt.Errorf("read who signs etcd's certificates: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", t.CA)
	}
	return &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: roots}}, nil
}
