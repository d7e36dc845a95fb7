// Package archive looks into archives without reading more of them than their
// format demands:
//
//	zip (split, too), 7z, tar      listed from a directory or from headers alone; a member costs its own
//	                               bytes, of a solid 7z those of its folder
//	tar.gz tar.bz2 tar.xz tar.zst  read once as a stream; then a member is read from the nearest place
//	                               where unpacking can begin, if that is near, else from the spool
//	rar, of several volumes, too   listed from headers; a solid one is unpacked once into the spool
//	gz bz2 xz zst                  a single file; an archive of one member where Env.Unpack says so
//
// An archive type is one file that registers itself. Its index, compact in
// memory (about 60 bytes a member beside the name), is kept in Facts, so that
// a second mount reads nothing.
//
// Names come from strangers. What is listed is a tree that can be shown:
// relative, slash-separated, without "..", unique, no file that is also a
// folder. Whatever does not fit is left out and named by Warnings, never
// guessed at.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

var (
	// ErrUnsupported marks what this build cannot read: a compression method,
	// encryption, split archives, sparse files.
	ErrUnsupported = errors.New("unsupported archive feature")
	// ErrFormat marks an archive that contradicts itself or ends too early.
	ErrFormat = errors.New("malformed archive")
	// ErrChecksum marks a member whose bytes are not those that were packed.
	ErrChecksum = blob.ErrChecksum
	// ErrAmbiguous marks a name that two members share.
	ErrAmbiguous = errors.New("several members have this name")
	// ErrNotMember is returned for a name that is not in the archive.
	ErrNotMember = fs.ErrNotExist
)

// Archive is an opened archive. It is safe for many goroutines and lives as
// long as the blob that it was opened on, which it does not close.
type Archive interface {
	// Members lists the files, sorted by Path. Folders, links and devices are
	// not members.
	Members(ctx context.Context) ([]blob.Info, error)
	// Open opens a member. It does no I/O; ctx bounds the blob's reads.
	Open(ctx context.Context, name string) (blob.Blob, error)
}

// Indexed is implemented by an Archive that knows its members without I/O and
// without a slice of them: the cheap way to walk a million.
type Indexed interface {
	Archive
	Len() int
	At(i int) blob.Info // in the order of names
	Find(name string) (i int, ok bool)
	// Span is the range of the archive's bytes that member i lies in.
	Span(i int) blob.Span
	// Warnings says what was left out or cannot be opened, at most a hundred
	// lines and a count of the rest.
	Warnings() []string
}

// Type is a kind of archive.
type Type struct {
	Name  string
	Exts  []string // lower case, with the dot
	Asked []string // extensions of single packed files, which count where Env.Unpack asks for it
	Whole bool     // must be read from its first byte to its last to be listed
	Magic func(head []byte) bool
	// Open reads the index: from env.Facts when it is there, else from b.
	Open func(ctx context.Context, b blob.Blob, env Env) (Archive, error)
}

var (
	typesMu sync.RWMutex
	types   []Type
)

// Register adds a type; a duplicate name panics. It is called from init.
func Register(t Type) {
	typesMu.Lock()
	defer typesMu.Unlock()
	for _, o := range types {
		if o.Name == t.Name {
			panic("archive: type " + t.Name + " registered twice")
		}
	}
	types = append(types, t)
}

// Types lists the names of the registered types.
func Types() []string {
	typesMu.RLock()
	defer typesMu.RUnlock()
	var out []string
	for _, t := range types {
		out = append(out, t.Name)
	}
	slices.Sort(out)
	return out
}

// byName finds the type with the longest extension that name ends in.
func byName(name string, unpack bool) (best Type, ok bool) {
	typesMu.RLock()
	defer typesMu.RUnlock()
	name = strings.ToLower(typeName(name))
	longest := 0
	for _, t := range types {
		exts := t.Exts
		if unpack {
			exts = append(exts[:len(exts):len(exts)], t.Asked...)
		}
		for _, e := range exts {
			if strings.HasSuffix(name, e) && len(e) > longest {
				best, ok, longest = t, true, len(e)
			}
		}
	}
	return best, ok
}

// IsArchive reports whether Open knows the name's extension as an archive's.
// Single packed files such as .nii.gz are none.
func IsArchive(name string) bool {
	_, ok := byName(name, false)
	return ok
}

// IsPacked reports whether the name's extension is that of a single packed
// file: .gz, .bz2, .xz, .zst. With Env.Unpack it opens as an archive of one
// member, which has the file's name without the extension.
func IsPacked(name string) bool {
	_, ok := byName(name, true)
	return ok && !IsArchive(name)
}

// ReadsWhole reports whether an archive of this name must be read from its
// first byte to its last to be listed.
func ReadsWhole(name string) bool {
	t, ok := byName(name, true)
	return ok && t.Whole
}

// Open opens the archive in b by the extension of its name, or by its first
// bytes where that says nothing.
func Open(ctx context.Context, name string, b blob.Blob, env Env) (Archive, error) {
	env.defaults()
	t, ok := byName(name, env.Unpack)
	if !ok {
		head := make([]byte, min(512, b.Size()))
		if _, err := b.ReadAt(head, 0); err != nil && err != io.EOF {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if t, ok = byMagic(head); !ok {
			return nil, fmt.Errorf("%s: %w: not an archive of a known type", name, ErrUnsupported)
		}
	}
	a, err := t.Open(ctx, b, env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if x, ok := a.(Indexed); ok && len(t.Exts) == 0 {
		return &onlyMember{x, strings.TrimSuffix(path.Base(name), path.Ext(name))}, nil
	}
	return a, nil
}

func byMagic(head []byte) (Type, bool) {
	typesMu.RLock()
	defer typesMu.RUnlock()
	for _, t := range types {
		if t.Magic(head) {
			return t, true
		}
	}
	return Type{}, false
}

// onlyMember names the one member of a packed file.
type onlyMember struct {
	Indexed
	name string
}

func (o *onlyMember) At(i int) blob.Info {
	info := o.Indexed.At(i)
	info.Path = o.name
	return info
}

func (o *onlyMember) Find(name string) (int, bool) {
	if name > o.name {
		return 1, false
	}
	return 0, name == o.name
}

func (o *onlyMember) Members(context.Context) ([]blob.Info, error) {
	return []blob.Info{o.At(0)}, nil
}

func (o *onlyMember) Open(ctx context.Context, name string) (blob.Blob, error) {
	if name != o.name {
		return nil, fmt.Errorf("%s: %w", name, ErrNotMember)
	}
	return o.Indexed.Open(ctx, SingleMember)
}
