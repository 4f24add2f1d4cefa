package object

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// verify returns nil when s was made with a key of the account or the container.
// Whatever is wrong, the answer is the same.
func (m *Manager) verify(ctx context.Context, s Signature, id ContainerID) error {
	denied := fault.Unauthenticated.Errorf("the signed URL is wrong, has expired, or was signed with a key that is no longer set")
	sum, err := hex.DecodeString(s.Sum)
	if err != nil || s.Expires < m.now().Unix() {
		return denied
	}
	newHash, ok := map[int]func() hash.Hash{sha256.Size: sha256.New, sha512.Size: sha512.New}[len(sum)]
	if !ok {
		return denied
	}
	a, err := loadAccount(ctx, m.db.Read(), id.ProjectID)
	if err != nil {
		return err
	}
	c, err := loadContainer(ctx, m.db.Read(), id)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	for _, key := range []string{a.Metadata[metaKey], a.Metadata[metaKey2], c.Metadata[metaKey], c.Metadata[metaKey2]} {
		for _, method := range s.Methods {
			for _, path := range s.Paths {
				mac := hmac.New(newHash, []byte(key))
				fmt.Fprintf(mac, "%s\n%d\n%s", method, s.Expires, path)
				if key != "" && hmac.Equal(mac.Sum(nil), sum) {
					return nil
				}
			}
		}
	}
	return denied
}
