package archive

import (
	"context"
	"fmt"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

func init() {
	Register(Type{
		Name: "zip",
		Exts: []string{".zip"},
		Magic: func(head []byte) bool {
			return len(head) >= 4 && (le.Uint32(head) == sigLocal || le.Uint32(head) == sigEnd)
		},
		Open: openZip,
	})
}

const (
	methodStore   = 0
	methodDeflate = 8
)

type zipArchive struct {
	*index
	b blob.Blob
}

var _ Indexed = (*zipArchive)(nil)

// openZip reads the tail and the directory, or nothing where the index is kept.
func openZip(ctx context.Context, b blob.Blob, facts blob.Facts, key string) (Archive, error) {
	if key != "" {
		key = "zip:" + key
	}
	if x, ok := load(facts, key, b.Size()); ok {
		return &zipArchive{x, b}, nil
	}
	v := blob.WithContext(ctx, b)
	defer v.Close()
	end, dir, err := readDirectory(v)
	if err != nil {
		return nil, err
	}
	x, err := parseDirectory(end, dir)
	if err != nil {
		return nil, err
	}
	if err := x.save(facts, key, b.Size(), end.off); err != nil {
		x.warn.add("index not kept: %v", err)
	}
	return &zipArchive{x, b}, nil
}

func (z *zipArchive) Members(context.Context) ([]blob.Info, error) { return z.all(), nil }

func (z *zipArchive) Open(ctx context.Context, name string) (blob.Blob, error) {
	m, err := z.find(name)
	if err != nil {
		return nil, err
	}
	if m.meth != methodStore && m.meth != methodDeflate {
		return nil, fmt.Errorf("%s: %w: compression method %d (%s)", name, ErrUnsupported, m.meth, methodName(m.meth))
	}
	return newZipMember(ctx, z.b, name, m), nil
}

// methodName follows APPNOTE 4.4.5.
func methodName(m uint16) string {
	switch m {
	case 1:
		return "shrink"
	case 6:
		return "implode"
	case 9:
		return "deflate64"
	case 12:
		return "bzip2"
	case 14:
		return "lzma"
	case 93:
		return "zstd"
	case 95:
		return "xz"
	case 99:
		return "AES encryption"
	}
	return "unknown"
}
