package fs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	unmountWithin = 5 * time.Second // the whole of Unmount
	// cleanWithin is how long readers that were just told of the end may take
	// to close their files.
	cleanWithin = 1500 * time.Millisecond
)

// Unmount ends the mount: readers that wait get an error at once, then the
// mount is taken away, lazily when files stay open. It returns within 5 s, or
// when ctx ends. An error means that the mount is still to be seen at its
// folder; work that does not heed its context is left behind.
func (s *Server) Unmount(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, unmountWithin)
	defer stop()
	s.raw.cancel(ErrUnmounted)
	if err := s.takeAway(ctx); err != nil {
		return fmt.Errorf("unmount %s: %w", s.dir, err)
	}
	select {
	case <-s.served:
	case <-time.After(cleanWithin):
		// Detached, but somebody holds a file open: the connection lives until
		// it is closed, cut off, or this process ends.
		s.raw.opts.Logger.Info("files are still open on the mount", "dir", s.dir)
	case <-ctx.Done():
	}
	s.raw.handles.closeAll()
	if err := s.raw.workers.wait(ctx); err != nil {
		s.raw.opts.Logger.Warn("work under way does not end", "dir", s.dir)
	}
	return nil
}

// takeAway tries a clean unmount until cleanWithin has passed, then detaches
// and cuts the kernel's connection, where permitted.
func (s *Server) takeAway(ctx context.Context) error {
	select {
	case <-s.served:
		return nil // somebody else was quicker, and may have mounted anew
	default:
	}
	m, mounted, _ := mountAt(s.dir)
	if !mounted || m.fsType != fsType || s.device != "" && m.device != s.device {
		return nil
	}
	deadline := time.Now().Add(cleanWithin)
	for pause := 5 * time.Millisecond; ; pause *= 2 {
		err := unmount(s.dir, false)
		if err == nil || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOENT) {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) || ctx.Err() != nil || time.Now().Add(pause).After(deadline) {
			break
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	if err := detach(s.dir); err != nil {
		return err
	}
	if _, minor, ok := strings.Cut(m.device, ":"); ok {
		// Needs fusectl to be mounted; without it the readers' own closing, or
		// the end of this process, does the same.
		_ = os.WriteFile("/sys/fs/fuse/connections/"+minor+"/abort", []byte("1"), 0)
	}
	return nil
}
