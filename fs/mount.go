package fs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// Server is a live mount.
type Server struct {
	raw    *rawFS
	fuse   *fuse.Server
	dir    string
	device string        // "major:minor" of the mount, to know it again
	served chan struct{} // closed when the kernel has let go
}

// Mount serves root at dir and returns when the mount answers. dir must be an
// empty folder, or is made when its parent exists; the dead mount of a killed
// process is taken away first. ctx bounds the mount's life: the work that
// readers ask for runs under it, and when it ends readers get errors; the mount
// itself goes with Unmount.
//
// Errors: ErrNoDevice, ErrDeviceClosed, ErrNoFusermount, ErrNotPermitted, ErrAllowOther,
// ErrMounted, ErrNotEmpty, ErrNotFolder, ErrUnresponsive and those of the
// system.
func Mount(ctx context.Context, dir string, root tree.Dir, opts Options) (*Server, error) {
	opts.setDefaults()
	if opts.Open != OpenENOSYS && opts.Open != OpenKeep {
		return nil, fmt.Errorf("open mode %q: want %q or %q", opts.Open, OpenENOSYS, OpenKeep)
	}
	if err := checkSystem(&opts); err != nil {
		return nil, err
	}
	dir, err := prepare(dir)
	if err != nil {
		return nil, err
	}
	raw := newRawFS(ctx, root, opts)
	server, err := fuse.NewServer(raw, dir, mountOptions(&opts))
	if err != nil {
		raw.cancel(ErrUnmounted)
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			err = fmt.Errorf("%w: %w", ErrNotPermitted, err)
		}
		return nil, fmt.Errorf("mount %s: %w", dir, err)
	}
	s := &Server{raw: raw, fuse: server, dir: dir, served: make(chan struct{})}
	go func() {
		defer close(s.served)
		server.Serve()
	}()
	if err := server.WaitMount(); err != nil {
		_ = s.Unmount(context.Background())
		return nil, fmt.Errorf("mount %s: %w", dir, err)
	}
	if m, ok, err := mountAt(dir); err == nil && ok {
		s.device = m.device
	}
	s.raiseReadAhead()
	return s, nil
}

// checkSystem finds what would make the mount fail with a number alone.
func checkSystem(opts *Options) error {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return ErrNoDevice
	}
	if asRoot() {
		return nil
	}
	if _, err := fusermount(); err != nil {
		return err
	}
	if unix.Access("/dev/fuse", unix.R_OK|unix.W_OK) != nil {
		return ErrDeviceClosed
	}
	if opts.AllowOther {
		conf, err := os.ReadFile("/etc/fuse.conf")
		if err == nil && !allowsOther(string(conf)) {
			return ErrAllowOther
		}
	}
	return nil
}

// allowsOther reads fuse.conf(5).
func allowsOther(conf string) bool {
	for line := range strings.Lines(conf) {
		if strings.TrimSpace(line) == "user_allow_other" {
			return true
		}
	}
	return false
}

func mountOptions(opts *Options) *fuse.MountOptions {
	o := &fuse.MountOptions{
		FsName: "omnimedfs", Name: "omnimedfs",
		AllowOther: opts.AllowOther,
		Options:    []string{"default_permissions"},
		// Read-only and noatime, or each read would cost a GETATTR.
		DirectMountFlags: syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOATIME,

		ExplicitDataCacheControl: true,
		EnableSymlinkCaching:     true,
		ExtraCapabilities:        fuse.CAP_NO_OPENDIR_SUPPORT,
		MaxWrite:                 1 << 20,
		DisableSplice:            true, // 1 MiB and its header do not fit a pipe
		// Reads ahead count as background, and one that waits for the network
		// must not hold up the others.
		MaxBackground:        128,
		DisableXAttrs:        !opts.Xattr,
		IgnoreSecurityLabels: true,
		Logger:               slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
	}
	if asRoot() {
		o.DirectMountStrict = true
	} else {
		o.Options = append(o.Options, "ro", "nosuid", "nodev", "noatime")
	}
	return o
}

// raiseReadAhead asks for longer reads where that is permitted (root). It is
// speed alone, so an error is only logged.
func (s *Server) raiseReadAhead() {
	kb := s.raw.opts.ReadAheadKB
	if kb < 0 || s.device == "" {
		return
	}
	file := "/sys/class/bdi/" + s.device + "/read_ahead_kb"
	if err := os.WriteFile(file, []byte(strconv.Itoa(kb)), 0); err != nil {
		s.raw.opts.Logger.Debug("read-ahead stays as it was", "file", file, "err", err)
	}
}

// Dir returns the folder that is mounted on, absolute.
func (s *Server) Dir() string { return s.dir }

// Counters tells what the kernel has asked for.
func (s *Server) Counters() Counters { return s.raw.counters.load() }

// Path returns the path of a node relative to the root.
func (s *Server) Path(id uint64) string {
	if snap := s.raw.volatile.get(id); snap != nil {
		id = snap.node
	}
	return s.raw.ids.path(id)
}

// Wait returns when the mount has ended, whoever ended it.
func (s *Server) Wait() { <-s.served }
