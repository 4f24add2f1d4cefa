package objectapi

import (
	"archive/tar"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

// extract stores the files of an archive as objects. Their paths go on where the
// request's ends, and their first folder is the container when it names none.
func (a *api) extract(r *rest.Request, kind string) (rest.Response, error) {
	p, err := project(r.Param("account"))
	if err != nil {
		return rest.Response{}, err
	}
	if _, err := a.Account(r.Context(), p); err != nil {
		return rest.Response{}, err
	}
	body, err := unpack(kind, r.Body)
	if err != nil {
		return rest.Response{}, err
	}
	out := bulk{Status: "201 Created"}
	files := tar.NewReader(body)
	for len(out.Errors) < maxBulk {
		f, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rest.Response{}, fault.Invalid.Errorf("invalid tar file: %w", err)
		}
		if f.Typeflag != tar.TypeReg {
			continue
		}
		full := path.Join("/", r.Param("container"), r.Param("*"), path.Clean("/"+f.Name)) // a name cannot climb out of where it is unpacked
		container, name, _ := strings.Cut(full[1:], "/")
		id := object.ObjectID{ProjectID: p, Container: object.Name(container), Object: object.Name(name)}
		if err := a.extractFile(r.Context(), id, f.Size, files); err != nil {
			out.failed(full, err)
			continue
		}
		out.Created++
	}
	return out.reply(r)
}

func (a *api) extractFile(ctx context.Context, id object.ObjectID, size int64, body io.Reader) error {
	u := object.UploadSpec{ObjectID: id, Size: size, Body: body}
	u.ContentType = guess(id.Object)
	_, err := a.content.Upload(ctx, u)
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	// The container is missed before a byte is read.
	if _, err := a.CreateContainer(ctx, object.ContainerPatch{ContainerID: id.Parent()}); err != nil {
		return err
	}
	_, err = a.content.Upload(ctx, u)
	return err
}

func unpack(kind string, body io.Reader) (io.Reader, error) {
	switch kind {
	case "tar":
		return body, nil
	case "tar.gz":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, fault.Invalid.Errorf("invalid gzip file: %w", err)
		}
		return z, nil
	case "tar.bz2":
		return bzip2.NewReader(body), nil
	}
	return nil, fault.Invalid.Errorf("unsupported archive format %q; use tar, tar.gz or tar.bz2", kind)
}
