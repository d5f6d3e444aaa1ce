// Package authority signs certificates for a development cluster and its tests.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority signs certificates, which are good for an hour.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New makes an authority, whose own certificate is <name>.crt in dir.
func New(dir, name string) (*Authority, error) {
	is := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := &Authority{dir: dir}
	key, err := a.make(name, is, is, nil)
	if err != nil {
		return nil, fmt.Errorf("make the authority %s: %w", name, err)
	}
	a.key = key
	return a, nil
}

// Path returns where the authority's files are.
func (a *Authority) Path(name string) string { return filepath.Join(a.dir, name) }

// Sign writes <file>.crt and <file>.key for somebody with the given common name, good
// for the given addresses. Files that are there are replaced, each whole.
func (a *Authority) Sign(file, name string, addresses ...net.IP) error {
	is := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: addresses,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if _, err := a.make(file, is, a.cert, a.key); err != nil {
		return fmt.Errorf("sign a certificate of %s: %w", name, err)
	}
	return nil
}

// make writes a certificate and its key; without a signer's key it signs itself.
func (a *Authority) make(file string, is, signer *x509.Certificate, with *ecdsa.PrivateKey) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if with == nil {
		with = key
	}
	is.SerialNumber, is.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, is, signer, key.Public(), with)
	if err != nil {
		return nil, err
	}
	made, errCert := x509.ParseCertificate(der)
	secret, errKey := x509.MarshalECPrivateKey(key)
	err = errors.Join(errCert, errKey, write(a.Path(file+".crt"), "CERTIFICATE", der), write(a.Path(file+".key"), "EC PRIVATE KEY", secret))
	if signer == is {
		a.cert = made
	}
	return key, err
}

func write(path, kind string, der []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return errors.Join(os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path))
}
