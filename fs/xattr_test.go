package fs

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

type withXattrs struct {
	tree.File
	err error
}

func (x withXattrs) Xattrs(context.Context) (map[string]string, error) {
	return map[string]string{"license": "CC0-1.0", "source": "zenodo:1", "empty": ""}, x.err
}

func xattrTree() *tree.StaticDir {
	f := tree.Bytes("f", []byte("x"), epoch).Node.(tree.File)
	return tree.Static(epoch, tree.Child{Name: "f", Node: withXattrs{f, nil}}, tree.Bytes("plain", nil, epoch),
		tree.Child{Name: "bad", Node: withXattrs{f, errors.New("no")}})
}

func TestXattrs(t *testing.T) {
	dir, _ := mount(t, xattrTree(), Options{Xattr: true})
	buf := make([]byte, 1000)
	for _, c := range []struct {
		file, attr, want string
		err              error
	}{
		{"f", "user.omnimed.license", "CC0-1.0", nil},
		{"f", "user.omnimed.empty", "", nil},
		{"f", "user.omnimed.none", "", syscall.ENODATA},
		{"f", "user.other", "", syscall.ENODATA},
		{"plain", "user.omnimed.license", "", syscall.ENODATA},
		{"bad", "user.omnimed.license", "", syscall.EIO},
	} {
		n, err := unix.Getxattr(dir+"/"+c.file, c.attr, buf)
		if !errors.Is(err, c.err) || err == nil && string(buf[:n]) != c.want {
			t.Errorf("%s %s: %q, %v", c.file, c.attr, buf[:max(n, 0)], err)
		}
	}
	want := "user.omnimed.empty\x00user.omnimed.license\x00user.omnimed.source\x00"
	if n, err := unix.Listxattr(dir+"/f", nil); n != len(want) || err != nil {
		t.Error(n, err)
	}
	if n, err := unix.Listxattr(dir+"/f", buf); err != nil || string(buf[:n]) != want {
		t.Errorf("%q %v", buf[:max(n, 0)], err)
	}
	if _, err := unix.Getxattr(dir+"/f", "user.omnimed.license", buf[:3]); !errors.Is(err, syscall.ERANGE) {
		t.Error(err)
	}
	if n, err := unix.Listxattr(dir+"/plain", buf); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestWithoutXattrOptionNoneIsAsked(t *testing.T) {
	dir, s := mount(t, xattrTree(), Options{})
	for range 5 {
		if _, err := unix.Getxattr(dir+"/f", "user.omnimed.license", nil); !errors.Is(err, syscall.EOPNOTSUPP) {
			t.Fatal(err)
		}
		run(t, "ls", "-l", dir)
	}
	if c := s.Counters(); c.GetXAttr != 0 || c.ListXAttr != 0 {
		t.Errorf("%+v", c)
	}
}
