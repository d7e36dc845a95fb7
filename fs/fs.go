// Package fs is the Data layer: it serves a tree.Dir through FUSE.
//
// What a node id stands for never changes while the mount lives: content that
// changes gets a new id. So the kernel is told to keep names, attributes, pages
// and listings for years, that there is no open and no close, and a warm reader
// never wakes this process. Ids are arithmetic: a folder that was visited owns
// a span of them, one a child, and a file costs nothing here, however many
// there are.
//
// The work that a request asks for belongs to the mount, not to the request: a
// reader that is interrupted leaves with EINTR, the work goes on, and the next
// reader finds it done.
package fs

import (
	"log/slog"
	"os"
)

// OpenMode says what the kernel is told about open(2).
type OpenMode string

const (
	// OpenENOSYS tells the kernel that there is no open: none of open, flush
	// and close costs a round trip.
	OpenENOSYS OpenMode = "enosys"
	// OpenKeep answers every open and keeps the cached pages: for kernels and
	// tools that do not get on with OpenENOSYS.
	OpenKeep OpenMode = "keep"
)

// DefaultReadAheadKB is the read-ahead that is asked of the kernel, whose own
// default is 128: one request of 1 MiB costs less than eight.
const DefaultReadAheadKB = 1024

// Owner is whom the files belong to.
type Owner struct{ UID, GID uint32 }

// Options of a mount. The zero value is ready for use.
type Options struct {
	AllowOther bool     // let other users read
	Open       OpenMode // "" is OpenENOSYS
	Xattr      bool     // serve user.omnimed.*: a round trip a file in ls -l
	// ReadAheadKB is written to the kernel where permitted; 0 is
	// DefaultReadAheadKB, a negative value leaves the kernel's own.
	ReadAheadKB int
	Owner       *Owner       // nil is the mounting user
	Logger      *slog.Logger // nil is slog.Default()
	// DenyComm names processes (/proc/PID/comm) that get EACCES: crawlers, which
	// would download everything.
	DenyComm []string
	// OnError is called for each operation that failed, from many goroutines.
	// path is relative to the mount's root.
	OnError func(path string, err error)
}

func (o *Options) setDefaults() {
	if o.Open == "" {
		o.Open = OpenENOSYS
	}
	if o.ReadAheadKB == 0 {
		o.ReadAheadKB = DefaultReadAheadKB
	}
	if o.Owner == nil {
		o.Owner = &Owner{uint32(os.Getuid()), uint32(os.Getgid())}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.OnError == nil {
		o.OnError = func(string, error) {}
	}
}
