package objecttest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Sign returns the sum of a signed URL, as clients make it.
func Sign(key, method, path string, expires int64) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s\n%d\n%s", method, expires, path)
	return hex.EncodeToString(mac.Sum(nil))
}
