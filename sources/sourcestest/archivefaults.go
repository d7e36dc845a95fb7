package sourcestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// archiveFaults are how the server of an archive fails, and what its readers
// may get in place of the right bytes.
var archiveFaults = []struct {
	name  string
	fault func() *Fault
	want  []error // none: the right bytes
}{
	{"no ranges", NoRanges, nil},
	{"cut once", func() *Fault { return Cut(100).Times(1) }, nil},
	{"cut once without ranges", func() *Fault { return CutWhole(100).Times(1) }, nil},
	{"truncated for ever", func() *Fault { return CutWhole(100) }, []error{sources.ErrServer}},
	{"wrong length", func() *Fault { return WrongLength(10) }, []error{sources.ErrServer, sources.ErrChanged}},
	{"broken once", func() *Fault { return Status(503, 0).Times(1) }, nil},
	{"rate limited once", func() *Fault { return Status(429, 0).Times(1) }, nil},
	{"rate limited", func() *Fault { return Status(429, 0) }, []error{sources.ErrRateLimited}},
	{"gone", func() *Fault { return Status(404, -1) }, []error{sources.ErrGone}},
	{"refused", func() *Fault { return Status(403, -1) }, []error{sources.ErrRefused}},
	{"login page", func() *Fault { return HTML("text/html") }, []error{sources.ErrGone, sources.ErrChanged}},
	{"broken server", func() *Fault { return Status(500, -1) }, []error{sources.ErrServer}},
	{"stalled", func() *Fault { return Stall(0) }, []error{sources.ErrTimeout}},
	{"other bytes", Tampered, []error{archive.ErrChecksum, archive.ErrFormat, archive.ErrUnsupported}},
}

// conformRemote reads an archive from a server that fails, at once or after
// some requests: in the end there are the right bytes or the right error, and
// what failed leaves nothing behind that a later reader would get.
func conformRemote(t *testing.T, f ArchiveFixture, data []byte, files map[string][]byte) {
	for _, tt := range archiveFaults {
		for _, skip := range []int{0, 1, 3} {
			t.Run(fmt.Sprintf("%s after %d", tt.name, skip), func(t *testing.T) {
				srv := Serve(t, map[string][]byte{"x": data})
				r := remoteArchive{t: t, srv: srv, name: f.Name, files: files, spool: archive.NewSpool(t.TempDir(), 1<<28), facts: factsInMemory{}}
				defer r.spool.Close()
				opt := sources.Options{Retries: sources.Retries{Attempts: 2}}
				if tt.name == "stalled" {
					opt.Timeouts = sources.Timeouts{Header: 100 * time.Millisecond, Stall: 100 * time.Millisecond}
				}
				srv.SetFaults(tt.fault().Skip(skip))
				err := r.read(opt)
				met := false
				for _, e := range tt.want {
					met = met || errors.Is(err, e)
				}
				n, _ := srv.Count()
				// A tar has no checksums of what it holds.
				plain := tt.name == "other bytes" && strings.HasSuffix(f.Name, ".tar") && errors.Is(err, errWrongBytes)
				if err != nil && !met && !plain || err == nil && len(tt.want) > 0 && n > skip {
					t.Errorf("after %d requests: %v, want %v", n, err, tt.want)
				}
				if tt.name == "other bytes" {
					return // the index may have been made of them; a checksum of the file would tell
				}
				srv.SetFaults()
				if err := r.read(sources.Options{}); err != nil {
					t.Error("afterwards:", err)
				}
			})
		}
	}
	t.Run("offline", func(t *testing.T) {
		r := remoteArchive{t: t, srv: Serve(t, map[string][]byte{"x": data}), name: f.Name, files: files, facts: factsInMemory{}}
		if err := r.read(sources.Options{Offline: true}); !errors.Is(err, sources.ErrOffline) {
			t.Error(err)
		}
	})
	t.Run("changed", func(t *testing.T) {
		srv := Serve(t, map[string][]byte{"x": data}, Changed().Skip(1))
		r := remoteArchive{t: t, srv: srv, name: f.Name, files: files, facts: factsInMemory{}}
		err := r.read(sources.Options{Memory: 1})
		if n, _ := srv.Count(); n > 1 && !errors.Is(err, sources.ErrChanged) || n <= 1 && err != nil {
			t.Errorf("%d requests, %v", n, err)
		}
	})
}

// remoteArchive is an archive behind a server.
type remoteArchive struct {
	t     *testing.T
	srv   *Server
	name  string
	files map[string][]byte
	spool *archive.Spool // nil: one of its own
	facts factsInMemory
}

var errWrongBytes = errors.New("wrong bytes")

// read opens the archive with a client of its own and reads all members.
func (r *remoteArchive) read(opt sources.Options) error {
	opt.Mirrors = []sources.Mirror{{Prefix: r.srv.URL, Target: r.srv.URL}}
	opt.Retries.Backoff = time.Millisecond
	c := sources.NewClient(opt)
	defer c.Close()
	spool := r.spool
	if spool == nil {
		spool = archive.NewSpool(r.t.TempDir(), 1<<28)
		defer spool.Close()
	}
	ctx := context.Background()
	b, err := c.Open(ctx, "http", sources.File{Info: blob.Info{Path: r.name, Size: -1}, URL: r.srv.URL + "/x"})
	if err != nil {
		return err
	}
	defer b.Close()
	a, err := archive.Open(ctx, r.name, b, archive.Env{Facts: r.facts, Key: "k", Spool: spool, Unpack: true})
	if err != nil {
		return err
	}
	list, err := a.Members(ctx)
	if err != nil {
		return err
	}
	if len(list) != len(r.files) {
		return fmt.Errorf("%w: %d members of %d", errWrongBytes, len(list), len(r.files))
	}
	for _, m := range list {
		v, err := a.Open(ctx, m.Path)
		if err != nil {
			return err
		}
		got, err := blob.ReadAll(v)
		v.Close()
		if err != nil {
			return err
		}
		if !bytes.Equal(got, r.files[m.Path]) {
			return fmt.Errorf("%w of %s", errWrongBytes, m.Path)
		}
	}
	return nil
}
