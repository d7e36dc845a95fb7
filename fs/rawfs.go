package fs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sync/singleflight"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

var (
	// ErrUnmounted ends what is under way when the mount goes.
	ErrUnmounted = errors.New("unmounted")
	// ErrInterrupted ends the wait of a reader that got a signal.
	ErrInterrupted = errors.New("interrupted")
)

// rawFS answers the kernel's requests.
type rawFS struct {
	fuse.RawFileSystem // ENOSYS for what is not here

	opts      Options
	ctx       context.Context // the mount's
	cancel    context.CancelCauseFunc
	ids       *ids
	counters  counters
	flights   singleflight.Group
	workers   *workers
	handles   *handles
	volatile  *snapshots
	aheadSem  chan struct{} // header reads ahead
	decodeSem chan struct{} // files that are decoded ahead
	aliases   aliases
	denied    denied
}

func newRawFS(ctx context.Context, root tree.Dir, opts Options) *rawFS {
	ctx, cancel := context.WithCancelCause(ctx)
	return &rawFS{
		RawFileSystem: fuse.NewDefaultRawFileSystem(),
		opts:          opts,
		ctx:           ctx, cancel: cancel,
		ids:       newIDs(root),
		denied:    denied{comm: opts.DenyComm},
		workers:   newWorkers(),
		handles:   newHandles(maxHandles),
		volatile:  newSnapshots(),
		aheadSem:  make(chan struct{}, aheadWorkers),
		decodeSem: make(chan struct{}, aheadFiles),
	}
}

func (s *rawFS) String() string { return "omnimedfs" }

// OnUnmount is called when the kernel has let go of the mount.
func (s *rawFS) OnUnmount() {
	s.cancel(ErrUnmounted)
	s.handles.closeAll()
}

// do runs fn under the mount's context, once among callers with the same what
// and id, and waits for it, for the request's interrupt or for the unmount.
func (s *rawFS) do(cancel <-chan struct{}, what string, id uint64, fn func(ctx context.Context) (any, error)) (any, error) {
	select {
	case r := <-s.begin(what, id, fn):
		return r.Val, r.Err
	case <-cancel:
		return nil, ErrInterrupted
	case <-s.ctx.Done():
		return nil, ErrUnmounted
	}
}

// begin is do without the wait.
func (s *rawFS) begin(what string, id uint64, fn func(ctx context.Context) (any, error)) <-chan singleflight.Result {
	return s.flights.DoChan(what+strconv.FormatUint(id, 10), func() (v any, err error) {
		if !s.workers.start() {
			return nil, ErrUnmounted
		}
		defer s.workers.done()
		defer s.recovered(&err)
		return fn(s.ctx)
	})
}

// recovered turns a panic into an error: one bad file must not take the mount
// with it.
func (s *rawFS) recovered(err *error) {
	if r := recover(); r != nil {
		s.opts.Logger.Error("panic while serving", "panic", r, "stack", string(debug.Stack()))
		*err = fmt.Errorf("panic: %v", r)
	}
}

// load brings the folder's listing and gives its children their ids.
func (s *rawFS) load(cancel <-chan struct{}, f *folder) error {
	if f.loaded.Load() {
		return nil
	}
	_, err := s.do(cancel, "load", f.id, func(ctx context.Context) (any, error) {
		if err := f.dir.Load(ctx); err != nil {
			return nil, err
		}
		return nil, s.ids.span(f)
	})
	return err
}

// size returns the exact size of file, the node with that id.
func (s *rawFS) size(cancel <-chan struct{}, id uint64, file tree.File) (int64, error) {
	if n, ok := file.KnownSize(); ok && n >= 0 {
		return n, nil
	}
	v, err := s.do(cancel, "size", id, sizeOf(file))
	if err != nil {
		return 0, err
	}
	return v.(int64), nil
}

func sizeOf(file tree.File) func(ctx context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		n, err := file.Size(ctx)
		if err == nil && n < 0 {
			err = fmt.Errorf("size of %d bytes", n)
		}
		return n, err
	}
}

// fail tells of err, which happened to node id (or to its child name), and
// returns what the kernel is to be told.
func (s *rawFS) fail(id uint64, name string, err error) fuse.Status {
	if s.ctx.Err() != nil {
		return fuse.Status(Errno(ErrUnmounted))
	}
	if errors.Is(err, ErrInterrupted) {
		s.counters.interrupts.Add(1)
		return fuse.Status(syscall.EINTR)
	}
	s.counters.errors.Add(1)
	p := s.ids.path(id)
	if name != "" {
		p += "/" + name
	}
	s.opts.Logger.Warn("operation failed", "path", p, "err", err)
	s.opts.OnError(p, err)
	return fuse.Status(Errno(err))
}
