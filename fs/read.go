package fs

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

var (
	// ErrSize marks content that is not as long as its file was said to be. It
	// is never served: the kernel would cut it or pad it with zeros.
	ErrSize = errors.New("content is not of the announced size")

	errNodeType = errors.New("neither folder, file nor link")
)

// Open tells the kernel that there is none, or to keep its pages.
func (s *rawFS) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	s.counters.open.Add(1)
	if s.opts.Open != OpenKeep {
		return fuse.ENOSYS
	}
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH
	return fuse.OK
}

// Flush tells the kernel that there is none.
func (s *rawFS) Flush(cancel <-chan struct{}, in *fuse.FlushIn) fuse.Status {
	s.counters.flush.Add(1)
	return fuse.ENOSYS
}

// Release has nothing to release: reads go by node id.
func (s *rawFS) Release(cancel <-chan struct{}, in *fuse.ReleaseIn) {}

// Ioctl knows none. Python asks for TCGETS at each open.
func (s *rawFS) Ioctl(cancel <-chan struct{}, in *fuse.IoctlIn, inbuf []byte, out *fuse.IoctlOut, outbuf []byte) fuse.Status {
	s.counters.ioctl.Add(1)
	return fuse.Status(syscall.ENOTTY)
}

// Read returns all bytes that were asked for up to the end of the file, or an
// error: never fewer.
func (s *rawFS) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	s.counters.read.Add(1)
	if s.denied.has(&in.InHeader) {
		return nil, fuse.EACCES
	}
	if in.NodeId >= volatileBase {
		return s.readVolatile(in)
	}
	file, ok := s.ids.node(in.NodeId).(tree.File)
	if !ok {
		return nil, fuse.Status(syscall.ESTALE)
	}
	// The kernel's buffer goes back to its pool when this function returns, so
	// work that may outlive the request has one of its own.
	done := make(chan readDone, 1)
	id, off, n := in.NodeId, int64(in.Offset), int64(in.Size)
	if !s.workers.start() {
		return nil, s.fail(id, "", ErrUnmounted)
	}
	go func() {
		defer s.workers.done()
		buf, err := s.readAt(id, file, off, n)
		done <- readDone{buf, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, s.fail(id, "", r.err)
		}
		if len(r.buf) == 0 {
			return fuse.ReadResultData(nil), fuse.OK
		}
		s.counters.readBytes.Add(int64(len(r.buf)))
		return pooledResult(r.buf), fuse.OK
	case <-cancel:
		return nil, s.fail(id, "", ErrInterrupted)
	case <-s.ctx.Done():
		return nil, s.fail(id, "", ErrUnmounted)
	}
}

type readDone struct {
	buf []byte
	err error
}

// readAt returns bytes [off, off+n) of file, cut at its end, in a pooled buffer.
func (s *rawFS) readAt(id uint64, file tree.File, off, n int64) (buf []byte, err error) {
	defer s.recovered(&err)
	h, first := s.handles.acquire(id)
	defer s.handles.release(h)
	if first {
		go s.open(h, file)
	}
	if off == 0 {
		s.readFilesAhead(id)
	}
	b, err := h.wait(s.ctx)
	if err != nil {
		return nil, err
	}
	size := b.Size()
	if off < 0 || off >= size {
		return nil, nil
	}
	buf = getBuffer(int(min(n, size-off)))
	got, err := b.ReadAt(buf, off)
	if got == len(buf) {
		return buf, nil
	}
	// The blob may be to blame: a damaged chunk, a connection that is gone. The
	// next read opens anew.
	s.handles.drop(h)
	putBuffer(buf)
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("%d of %d bytes at %d: %w", got, len(buf), off, io.ErrUnexpectedEOF)
	}
	return nil, err
}

// open opens the file for h and checks that it is as long as announced.
func (s *rawFS) open(h *handle, file tree.File) {
	if !s.workers.start() {
		s.handles.opened(h, nil, ErrUnmounted)
		return
	}
	defer s.workers.done()
	var err error
	defer func() {
		// Only after a panic is the handle still waited for.
		select {
		case <-h.ready:
		default:
			s.handles.opened(h, nil, err)
		}
	}()
	defer s.recovered(&err)
	b, err := file.Open(s.ctx)
	if err != nil {
		s.handles.opened(h, nil, err)
		return
	}
	v, err := sizeOf(file)(s.ctx)
	if err == nil && v.(int64) != b.Size() {
		err = fmt.Errorf("%w: %d bytes, announced %d", ErrSize, b.Size(), v)
	}
	if err != nil {
		b.Close()
		b = nil
	}
	s.handles.opened(h, b, err)
}
