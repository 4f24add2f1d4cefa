package image

import (
	"crypto/md5" //nolint:gosec // the API's "checksum" is an MD5; trust rests on SHA-512
	"crypto/sha512"
	"encoding/hex"
	"hash"
)

// A Digest computes what identifies an image's bytes while they stream past:
// it is an io.Writer for io.TeeReader or io.MultiWriter.
type Digest struct {
	md5, sha512 hash.Hash
	size        int64
}

// A Sum identifies an image's bytes. Digests are in lower-case hexadecimal.
type Sum struct {
	Size   int64 // bytes
	MD5    string
	SHA512 string
}

// NewDigest returns the Digest of no bytes.
func NewDigest() *Digest {
	return &Digest{md5: md5.New(), sha512: sha512.New()} //nolint:gosec // as above
}

// Write adds p to the digest. It never fails.
func (d *Digest) Write(p []byte) (int, error) {
	d.md5.Write(p)
	d.sha512.Write(p)
	d.size += int64(len(p))
	return len(p), nil
}

// Sum returns the digest of all bytes written so far.
func (d *Digest) Sum() Sum {
	return Sum{
		Size:   d.size,
		MD5:    hex.EncodeToString(d.md5.Sum(nil)),
		SHA512: hex.EncodeToString(d.sha512.Sum(nil)),
	}
}
