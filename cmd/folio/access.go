package main

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter/etcdstore"
)

// etcdAccess are the flags that say who folio is to etcd, and how it knows etcd. All
// files are read for each new connection, so that they can be rotated in place.
type etcdAccess struct {
	EtcdCA           string `name:"etcd-ca" help:"PEM file: who signs etcd's certificates." env:"FOLIO_ETCD_CA"`
	EtcdCert         string `help:"PEM file: folio's own certificate; where no user is given its common name is the user." env:"FOLIO_ETCD_CERT"`
	EtcdKey          string `help:"PEM file: the key of that certificate." env:"FOLIO_ETCD_KEY"`
	EtcdUser         string `help:"User of etcd, if not the certificate's." env:"FOLIO_ETCD_USER"`
	EtcdUserFile     string `help:"File with that user, instead." env:"FOLIO_ETCD_USER_FILE"`
	EtcdPassword     string `help:"That user's password; a file is better." env:"FOLIO_ETCD_PASSWORD"`
	EtcdPasswordFile string `help:"File with that user's password." env:"FOLIO_ETCD_PASSWORD_FILE"`
}

func (a etcdAccess) dial(ctx context.Context, endpoints []string) (*clientv3.Client, error) {
	return a.access().Dial(ctx, endpoints)
}

func (a etcdAccess) access() etcdstore.Access {
	return etcdstore.Access{
		CA: a.EtcdCA, Cert: a.EtcdCert, Key: a.EtcdKey,
		User: a.EtcdUser, UserFile: a.EtcdUserFile, Password: a.EtcdPassword, PasswordFile: a.EtcdPasswordFile,
	}
}
