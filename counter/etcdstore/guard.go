package etcdstore

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// everything is the beginning of all keys of folio's.
const everything = "/folio/"

// root is the user and the role that etcd asks for before it asks everybody who
// they are.
const root = "root"

// Guard has etcd ask everybody who they are, and lets user touch /folio/ and nothing
// else. Neither user nor root gets a password: both are who a certificate names, so
// etcd must ask its clients for certificates first, and the client given must show
// root's. What is there already stays as it is; Guard may run again, and goes on where
// an earlier one was stopped.
func Guard(ctx context.Context, client *clientv3.Client, user string) error {
	if user == root || !isName(user) {
		return fmt.Errorf("guard etcd: %q cannot be folio's user; want lower-case letters, digits and hyphens, and not %s", user, root)
	}
	noPassword := &clientv3.UserAddOptions{NoPassword: true}
	for _, step := range []struct {
		doing string
		do    func() error
		done  error // what etcd says where the step was made before
	}{
		{"make the role root", func() error { _, err := client.RoleAdd(ctx, root); return err }, rpctypes.ErrRoleAlreadyExist},
		{"make the user root", func() error { _, err := client.UserAddWithOptions(ctx, root, "", noPassword); return err }, rpctypes.ErrUserAlreadyExist},
		{"give root its role", func() error { _, err := client.UserGrantRole(ctx, root, root); return err }, nil},
		{"make the role " + user, func() error { _, err := client.RoleAdd(ctx, user); return err }, rpctypes.ErrRoleAlreadyExist},
		{"let it touch " + everything, func() error {
			_, err := client.RoleGrantPermission(ctx, user, everything, clientv3.GetPrefixRangeEnd(everything), clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		}, nil},
		{"make the user " + user, func() error { _, err := client.UserAddWithOptions(ctx, user, "", noPassword); return err }, rpctypes.ErrUserAlreadyExist},
		{"give it its role", func() error { _, err := client.UserGrantRole(ctx, user, user); return err }, nil},
		{"ask everybody who they are", func() error { _, err := client.AuthEnable(ctx); return err }, nil},
	} {
		if err := step.do(); err != nil && (step.done == nil || !errors.Is(err, step.done)) {
			return fmt.Errorf("guard etcd: %s: %w", step.doing, err)
		}
	}
	return nil
}
