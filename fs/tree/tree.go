// Package tree is the mounted tree without FUSE: folders of numbered children,
// files with exact sizes, relative links. The FUSE server, the io/fs adapter,
// exports and tests walk the same tree.
//
// Children are numbers, not objects: a folder of a million files holds a
// sorted table of names and makes a Node for child i when it is asked for one.
package tree

import (
	"context"
	"errors"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// ErrNotExist is returned by Dir.Find for a name that is not there.
var ErrNotExist = errors.New("no such file")

// Kind tells the three node types apart.
type Kind uint8

const (
	KindDir Kind = iota
	KindFile
	KindLink
)

// Entry is one listed child.
type Entry struct {
	Name string
	Kind Kind
}

// Node is a Dir, a File or a Link.
type Node interface {
	ModTime() time.Time // the same on every mount of the same catalog
}

// Dir is a folder. Its children are numbered 0..Total()-1, the first Len() of
// them listed, in the byte order of their names; the rest answer only when asked for by
// name (case.nii beside the listed case.nii.gz). Entry and Child answer for all
// Total() of them. Once Load has returned nil the numbering never changes, and
// Len, Total, Entry, Find and Child do no I/O.
type Dir interface {
	Node
	Load(ctx context.Context) error
	Len() int
	Total() int
	Entry(i int) Entry
	Find(name string) (i int, ok bool)
	Child(i int) Node
}

// File is immutable content of exact size.
type File interface {
	Node
	// KnownSize returns the size where it is known without any I/O.
	KnownSize() (size int64, ok bool)
	// Size costs at most a header read.
	Size(ctx context.Context) (int64, error)
	// Open may fetch and convert. ctx bounds the blob's reads too.
	Open(ctx context.Context) (blob.Blob, error)
}

// Resident is implemented by files that may have to be fetched or converted.
type Resident interface {
	// Resident reports whether opening and reading does neither.
	Resident() bool
}

// Volatile is a file whose content changes while it is mounted: the status and
// error files. A snapshot is what one opening of it sees.
type Volatile interface {
	Node
	Snapshot() []byte
}

// Link is a symbolic link.
type Link interface {
	Node
	Target() string
}

// Xattrer is implemented by nodes with extended attributes.
type Xattrer interface {
	// Xattrs returns names without the "user.omnimed." prefix and their values.
	Xattrs(ctx context.Context) (map[string]string, error)
}

// Aliased is implemented by files that stand at another place of the same tree
// as well: both are one file to the kernel, which then keeps its bytes once.
type Aliased interface {
	// Alias returns the folder, a slash-separated path below the root, and the
	// name in it of the file that this one is.
	Alias() (dir, name string)
}
