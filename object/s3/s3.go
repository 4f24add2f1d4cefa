// Package s3 keeps blobs in a bucket of any store that speaks S3: radosgw, a
// public cloud, an appliance. The bucket belongs to this driver alone; the
// objects in it are named by the blobs' keys.
package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

// partSize is how much of an upload of unknown size is held in memory. The
// protocol allows 10,000 parts.
const partSize = 8 << 20

// Config says which bucket. Endpoint, Bucket and both keys must be given.
type Config struct {
	Endpoint  string // host:port, without a scheme
	Bucket    string // is made by Start when it is not there
	Prefix    string // of the blobs' names in the bucket; empty for none
	Region    string // empty asks the store
	AccessKey string
	SecretKey string
	Insecure  bool              // plain HTTP
	Transport http.RoundTripper // nil for a sensible one
}

// Driver is an object.Driver over a bucket.
type Driver struct {
	cfg    Config
	client *minio.Client
}

// New returns the Driver of cfg.Bucket. It does no I/O; a Config that cannot be
// right is fault.Invalid.
func New(cfg Config) (*Driver, error) {
	if cfg.Bucket == "" || cfg.AccessKey == "" || cfg.SecretKey == "" {
		return nil, fault.Invalid.Errorf("s3: bucket, access key and secret key must be given")
	}
	client, err := minio.New(cfg.Endpoint, &minio.Options{
		Creds:     credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""),
		Secure:    !cfg.Insecure,
		Region:    cfg.Region,
		Transport: cfg.Transport,
	})
	if err != nil {
		return nil, fault.Invalid.Errorf("s3: endpoint %q: %w", cfg.Endpoint, err)
	}
	return &Driver{cfg: cfg, client: client}, nil
}

// Start implements object.Starter: it makes the bucket when it is not there.
func (d *Driver) Start(ctx context.Context) error {
	exists, err := d.client.BucketExists(ctx, d.cfg.Bucket)
	if err == nil && !exists {
		err = d.client.MakeBucket(ctx, d.cfg.Bucket, minio.MakeBucketOptions{Region: d.cfg.Region})
		if minio.ToErrorResponse(err).Code == minio.BucketAlreadyOwnedByYou {
			err = nil
		}
	}
	return d.explain(err, "find the bucket")
}

// Put implements object.Driver.
func (d *Driver) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (int64, error) {
	if err := check(key); err != nil {
		return 0, err
	}
	in := &input{r: r}
	opts := minio.PutObjectOptions{PartSize: partSize, ContentType: "application/octet-stream", DisableMultipart: size >= 0 && size <= partSize}
	first, err := in.peek()
	if err != nil {
		return 0, d.explain(err, "store blob "+string(key))
	}
	if first == 0 && size <= 0 {
		size, opts.DisableContentSha256 = 0, true // some stores reckon the signed stream of nothing wrongly
	}
	info, err := d.client.PutObject(ctx, d.cfg.Bucket, d.name(key), in, max(size, -1), opts)
	switch {
	case in.err != nil:
		err = in.err
	case in.ended && size >= 0 && in.n != size, err == nil && size >= 0 && info.Size != size:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, d.explain(err, "store blob "+string(key))
	}
	return info.Size, nil
}

// Open implements object.Driver.
func (d *Driver) Open(ctx context.Context, key object.Key, r object.Range) (io.ReadCloser, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	opts := minio.GetObjectOptions{}
	if r.Offset < 0 || r.Length < 0 {
		return nil, fault.Invalid.Errorf("range from %d of blob %s", r.Offset, key)
	}
	if r != (object.Range{}) {
		last := r.Offset + r.Length - 1
		if r.Length == 0 || last < r.Offset {
			last = 0 // up to the end
		}
		if err := opts.SetRange(r.Offset, last); err != nil {
			return nil, fault.Invalid.Errorf("range of blob %s: %w", key, err)
		}
		if r.Offset == 0 && last == 0 {
			opts.Set("Range", "bytes=0-0")
		}
	}
	body, _, _, err := minio.Core{Client: d.client}.GetObject(ctx, d.cfg.Bucket, d.name(key), opts)
	if err != nil {
		return nil, d.explain(err, "open blob "+string(key))
	}
	return body, nil
}

// Delete implements object.Driver.
func (d *Driver) Delete(ctx context.Context, key object.Key) error {
	if err := check(key); err != nil {
		return err
	}
	err := d.client.RemoveObject(ctx, d.cfg.Bucket, d.name(key), minio.RemoveObjectOptions{})
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil
	}
	return d.explain(err, "delete blob "+string(key))
}

// Walk implements object.Driver.
func (d *Driver) Walk(ctx context.Context, f func(object.Blob) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing when f does
	for o := range d.client.ListObjects(ctx, d.cfg.Bucket, minio.ListObjectsOptions{Prefix: d.cfg.Prefix, Recursive: true}) {
		if o.Err != nil {
			return d.explain(o.Err, "walk")
		}
		key := object.Key(strings.TrimPrefix(o.Key, d.cfg.Prefix))
		if err := f(object.Blob{Key: key, Size: o.Size, Modified: o.LastModified}); err != nil {
			return err
		}
	}
	return nil
}

// Sweep implements object.Sweeper: it aborts uploads in parts that nobody ended.
func (d *Driver) Sweep(ctx context.Context, before time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for u := range d.client.ListIncompleteUploads(ctx, d.cfg.Bucket, d.cfg.Prefix, true) {
		if u.Err != nil {
			return d.explain(u.Err, "sweep")
		}
		if u.Initiated.Before(before) {
			err := minio.Core{Client: d.client}.AbortMultipartUpload(ctx, d.cfg.Bucket, u.Key, u.UploadID)
			if err := d.explain(err, "sweep"); err != nil && !errors.Is(err, fault.NotFound) {
				return err
			}
		}
	}
	return nil
}

func (d *Driver) name(key object.Key) string { return d.cfg.Prefix + string(key) }

func check(key object.Key) error {
	if key == "" || key == "." || key == ".." || strings.ContainsAny(string(key), "/\x00") {
		return fault.Invalid.Errorf("blob key %q cannot be an object's name", key)
	}
	return nil
}

// explain gives an error of the store its kind.
func (d *Driver) explain(err error, what string) error {
	if err == nil {
		return nil
	}
	kind := fault.Unavailable
	switch r := minio.ToErrorResponse(err); {
	case r.Code == minio.NoSuchKey, r.Code == "NoSuchUpload":
		kind = fault.NotFound
	case r.Code == minio.InvalidRange, r.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		kind = fault.Invalid
	case r.Code == "QuotaExceeded", r.Code == "XMinioStorageFull", r.StatusCode == http.StatusInsufficientStorage:
		kind = fault.Exhausted
	case r.Code == minio.AccessDenied, r.Code == "SignatureDoesNotMatch", r.Code == "InvalidAccessKeyId":
		kind = fault.Internal // the operator's keys are wrong, not the caller's
	}
	return kind.Wrap(err, "s3 bucket %s at %s: %s", d.cfg.Bucket, d.cfg.Endpoint, what)
}

// input remembers how the caller's reader ended: the client reports it as text.
type input struct {
	r     io.Reader
	n     int64
	ended bool
	err   error
}

// peek returns how many of the first byte there are, and leaves it to be read.
func (i *input) peek() (int, error) {
	var b [1]byte
	n, err := io.ReadFull(i.r, b[:])
	if errors.Is(err, io.EOF) {
		err = nil
	}
	i.r = io.MultiReader(bytes.NewReader(b[:n]), i.r)
	return n, err
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	i.n += int64(n)
	if errors.Is(err, io.EOF) {
		i.ended = true
	} else if err != nil {
		i.err = err
	}
	return n, err
}

var (
	_ object.Driver  = (*Driver)(nil)
	_ object.Starter = (*Driver)(nil)
	_ object.Sweeper = (*Driver)(nil)
)
