package contender

import (
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strconv"
)

var ids = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// idOf is an id as folio makes it: the key of the row with a checksum.
func idOf(tenant, series, period string, n int64) string {
	plain := []byte(tenant + "/" + series + "/" + period + "/" + strconv.FormatInt(n, 10))
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(plain))
	return "inv_" + ids.EncodeToString(append(plain, sum[:2]...))
}
