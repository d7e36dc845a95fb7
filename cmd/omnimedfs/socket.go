package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socketName is the control socket in the cache folder.
const socketName = "control.sock"

// maxSocketPath is what fits sockaddr_un.sun_path with its NUL (unix(7)).
const maxSocketPath = 107

// errNoMount is returned where no mount answers for a cache folder.
var errNoMount = errors.New("no mount uses this cache")

// withSocketPath calls use with a name of dir's socket that is short enough.
// A deep folder is reached through a file descriptor of it.
func withSocketPath(dir string, use func(path string) error) error {
	path := filepath.Join(dir, socketName)
	if len(path) <= maxSocketPath {
		return use(path)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer unix.Close(fd)
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", fd, socketName))
}

// probe returns nil where somebody answers on the socket. A process that was
// killed may still take connections for a moment, but it answers none.
func probe(path string) (err error) {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var c net.Conn
		if c, err = net.Dial("unix", path); err != nil {
			return err
		}
		_ = c.SetDeadline(end)
		_, err = io.WriteString(c, "GET /status HTTP/1.0\r\n\r\n")
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		c.Close()
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil // it answers, or is very slow
		}
	}
	return err
}

// listenSocket makes dir's socket, for its owner only. One that a dead process
// left is replaced; one that answers is an error.
func listenSocket(dir string) (net.Listener, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cache folder: %w", err)
	}
	var l net.Listener
	err := withSocketPath(dir, func(path string) error {
		switch err := probe(path); {
		case err == nil:
			return fmt.Errorf("a mount uses the cache %s already", dir)
		case errors.Is(err, syscall.ECONNREFUSED):
			if err := os.Remove(path); err != nil {
				return err
			}
		}
		old := unix.Umask(0o177) // there is no moment at which others may connect
		defer unix.Umask(old)
		ul, err := net.Listen("unix", path)
		if err != nil {
			return err
		}
		ul.(*net.UnixListener).SetUnlinkOnClose(false) // the short name may be gone by then
		l = &socketListener{ul, filepath.Join(dir, socketName)}
		return nil
	})
	return l, err
}

// socketListener removes its file when it closes.
type socketListener struct {
	net.Listener
	file string
}

func (l *socketListener) Close() error {
	_ = os.Remove(l.file) // a stale one is removed by the next mount
	return l.Listener.Close()
}

// dialSocket connects to dir's socket. The error is errNoMount where nothing
// listens.
func dialSocket(ctx context.Context, dir string) (net.Conn, error) {
	var c net.Conn
	err := withSocketPath(dir, func(path string) (err error) {
		var d net.Dialer
		c, err = d.DialContext(ctx, "unix", path)
		return err
	})
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, errNoMount
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("the mount that uses the cache %s belongs to another user: %w", dir, err)
	}
	return c, err
}
