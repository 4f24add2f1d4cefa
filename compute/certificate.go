package compute

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the API's fingerprint of a certificate is a SHA-1
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Types of keypairs. The public half of an X509 pair is a certificate, by which
// Windows knows who logs in.
const (
	KeySSH  = "ssh"
	KeyX509 = "x509"
)

// keyType tells what kind of key a server was given.
func keyType(public string) string {
	if strings.HasPrefix(public, "-----BEGIN CERTIFICATE-----") {
		return KeyX509
	}
	return KeySSH
}

// certificateFingerprint returns the SHA-1 of a certificate in PEM.
func certificateFingerprint(name, text string) (string, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return "", fault.Invalid.Errorf("keypair %s: the public key is not a certificate in PEM", name)
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return "", fault.Invalid.Errorf("keypair %s: the certificate cannot be read: %w", name, err)
	}
	sum := sha1.Sum(block.Bytes) //nolint:gosec // as above
	return pairs(sum[:]), nil
}

// certify makes a key and a certificate of it that lets its user log in to Windows.
func (k *Keypair) certify() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fault.Internal.Wrap(err, "generate keypair %s", k.Name)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fault.Internal.Wrap(err, "generate keypair %s", k.Name)
	}
	upn, err := principal(k.UserID + "@localhost")
	if err != nil {
		return fault.Internal.Wrap(err, "generate keypair %s", k.Name)
	}
	plan := x509.Certificate{
		SerialNumber: big.NewInt(k.ID + 1), Subject: pkix.Name{CommonName: k.UserID},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		ExtraExtensions: []pkix.Extension{upn},
	}
	public, err := x509.CreateCertificate(rand.Reader, &plan, &plan, &key.PublicKey, key)
	if err != nil {
		return fault.Internal.Wrap(err, "generate keypair %s", k.Name)
	}
	k.PublicKey = strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})))
	k.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	return nil
}

// principal is the subject alternative name in which Windows looks for a user.
func principal(name string) (pkix.Extension, error) {
	type otherName struct {
		Type asn1.ObjectIdentifier
		Name string `asn1:"tag:0,explicit,utf8"`
	}
	value, err := asn1.Marshal(struct {
		Other otherName `asn1:"tag:0"`
	}{otherName{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}, name}})
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: value}, err
}
