package fs

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/cache"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

func TestErrno(t *testing.T) {
	for err, want := range map[error]syscall.Errno{
		ErrInterrupted:             syscall.EINTR,
		ErrUnmounted:               syscall.ENOTCONN,
		ErrSize:                    syscall.EIO,
		fetch.ErrOffline:           syscall.ENETUNREACH,
		fetch.ErrGone:              syscall.EREMOTEIO,
		fetch.ErrRefused:           syscall.EACCES,
		fetch.ErrRateLimited:       syscall.EBUSY,
		fetch.ErrBudget:            syscall.EDQUOT,
		fetch.ErrTimeout:           syscall.ETIMEDOUT,
		fetch.ErrServer:            syscall.EIO,
		blob.ErrChecksum:           syscall.EBADMSG,
		convertcore.ErrUnsupported: syscall.EOPNOTSUPP,
		convertcore.ErrFormat:      syscall.EIO,
		archive.ErrUnsupported:     syscall.EOPNOTSUPP,
		syscall.ENOSPC:             syscall.ENOSPC,
		cache.ErrFull:              syscall.ENOSPC,
		context.DeadlineExceeded:   syscall.ETIMEDOUT,
		context.Canceled:           syscall.EIO,
		errors.New("anything"):     syscall.EIO,
	} {
		if got := Errno(fmt.Errorf("kvasir-seg: case 12: %w", err)); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	if Errno(nil) != 0 {
		t.Error("nil is an error")
	}
}
