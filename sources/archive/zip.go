package archive

import (
	"context"
	"errors"
	"fmt"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register(Type{
		Name: "zip",
		Exts: []string{".zip", renamedZip},
		Magic: func(head []byte) bool {
			return len(head) >= 4 && (le.Uint32(head) == sigLocal || le.Uint32(head) == sigEnd)
		},
		Open: openZip,
	})
}

type zipArchive struct {
	*index
	b   blob.Blob
	env Env
}

var _ Indexed = (*zipArchive)(nil)

// openZip reads the tail and the directory, or nothing where the index is kept.
func openZip(ctx context.Context, b blob.Blob, env Env) (Archive, error) {
	key := env.key("zip")
	if x, ok := load(env.Facts, key, b.Size()); ok {
		return &zipArchive{x, b, env}, nil
	}
	v := blob.WithContext(ctx, b)
	defer v.Close()
	end, dir, err := readDirectory(v, env.Volumes)
	if errors.Is(err, errAlone) {
		return alone(ctx, env, openZip)
	}
	if err != nil {
		return nil, err
	}
	x, err := parseDirectory(end, dir, env.Limits)
	if err != nil {
		return nil, err
	}
	if err := x.save(env.Facts, key, b.Size(), end.off); err != nil {
		x.warn.add("index not kept: %v", err)
	}
	return &zipArchive{x, b, env}, nil
}

func (z *zipArchive) Members(context.Context) ([]blob.Info, error) { return z.all(), nil }

func (z *zipArchive) Open(ctx context.Context, name string) (blob.Blob, error) {
	m, err := z.find(name)
	if err != nil {
		return nil, err
	}
	if _, ok := unpackers[m.meth]; !ok && m.meth != methodStore {
		return nil, fmt.Errorf("%s: %w: compression method %d (%s)", name, ErrUnsupported, m.meth, methodName(m.meth))
	}
	if err := z.env.Limits.member(m.csize, m.size); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return newZipMember(ctx, z.b, name, m, z.env), nil
}
