package fs

import (
	"context"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

// errnos says what the kernel is told of an error: the first line that
// errors.Is finds counts.
var errnos = []struct {
	is    error
	errno syscall.Errno
}{
	{ErrInterrupted, syscall.EINTR},
	// Not EINTR: Python and Go begin an interrupted read again, for ever.
	{ErrUnmounted, syscall.ENOTCONN},
	{tree.ErrNotExist, syscall.ENOENT},
	{fetch.ErrOffline, syscall.ENETUNREACH},
	{fetch.ErrGone, syscall.EREMOTEIO},
	{fetch.ErrRefused, syscall.EACCES},
	{fetch.ErrRateLimited, syscall.EBUSY},
	{fetch.ErrBudget, syscall.EDQUOT},
	{fetch.ErrTimeout, syscall.ETIMEDOUT},
	{blob.ErrChecksum, syscall.EBADMSG},
	// Other bytes than those that the sizes and sums here were made of.
	{fetch.ErrChanged, syscall.EBADMSG},
	{convertcore.ErrUnsupported, syscall.EOPNOTSUPP},
	{archive.ErrUnsupported, syscall.EOPNOTSUPP},
	{cache.ErrFull, syscall.ENOSPC},
	{syscall.ENOSPC, syscall.ENOSPC}, // of another folder, such as the spool's
	{context.DeadlineExceeded, syscall.ETIMEDOUT},
	{os.ErrDeadlineExceeded, syscall.ETIMEDOUT},
}

// Errno is the only place where errors become errno numbers. What is not in
// the table is EIO.
func Errno(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	for _, e := range errnos {
		if errors.Is(err, e.is) {
			return e.errno
		}
	}
	return syscall.EIO
}

// ErrnoName is the name of an error's errno, such as "EREMOTEIO".
func ErrnoName(err error) string { return unix.ErrnoName(Errno(err)) }
