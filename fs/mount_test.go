package fs

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

var epoch = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// mount serves root in a fresh folder until the test ends.
func mount(t testing.TB, root tree.Dir, opts Options) (dir string, s *Server) {
	t.Helper()
	needFUSE(t)
	if opts.Logger == nil {
		opts.Logger = quiet
	}
	dir = filepath.Join(t.TempDir(), "mnt")
	s, err := Mount(context.Background(), dir, root, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Unmount(context.Background()); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir, s
}

func needFUSE(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse here:", err)
	}
	if os.Geteuid() != 0 {
		if _, err := fusermount(); err != nil {
			t.Skip(err)
		}
	}
}

// run returns what a program prints and fails the test when it fails.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// pattern returns n bytes that differ along the file.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16) + seed
	}
	return b
}

func sampleTree() (*tree.StaticDir, map[string][]byte) {
	files := map[string][]byte{
		"README.txt":               []byte("hello\n"),
		"datasets/a/images/1.png":  pattern(5000, 1),
		"datasets/a/images/2.png":  pattern(3<<20+17, 2),
		"datasets/a/empty":         {},
		"datasets/b/exact":         pattern(1<<20, 3),
		"datasets/b/name with ü\n": pattern(70000, 4),
	}
	f := func(name, path string) tree.Child { return tree.Bytes(name, files[path], epoch) }
	return tree.Static(epoch,
		f("README.txt", "README.txt"),
		tree.Folder("datasets", epoch,
			tree.Folder("a", epoch,
				tree.Folder("images", epoch, f("1.png", "datasets/a/images/1.png"), f("2.png", "datasets/a/images/2.png")),
				f("empty", "datasets/a/empty")),
			tree.Folder("b", epoch, f("exact", "datasets/b/exact"), f("name with ü\n", "datasets/b/name with ü\n"))),
		tree.Folder("by-modality", epoch, tree.Symlink("ct", "../datasets/a", epoch)),
	), files
}

func TestTreeThroughOrdinaryTools(t *testing.T) {
	for _, open := range []OpenMode{OpenENOSYS, OpenKeep} {
		t.Run(string(open), func(t *testing.T) {
			root, files := sampleTree()
			dir, _ := mount(t, root, Options{Open: open})
			checkFiles(t, dir, files)
			out := t.TempDir()
			run(t, "cp", "-r", dir, out+"/cp")
			checkFiles(t, out+"/cp", files)
			run(t, "tar", "-C", dir, "-cf", out+"/x.tar", ".")
			os.Mkdir(out+"/tar", 0o755)
			run(t, "tar", "-C", out+"/tar", "-xf", out+"/x.tar")
			checkFiles(t, out+"/tar", files)
			if got, want := strings.Count(run(t, "find", dir, "-type", "f", "-print0"), "\x00"), len(files); got != want {
				t.Errorf("find sees %d files, want %d", got, want)
			}
		})
	}
}

func TestMountConforms(t *testing.T) {
	dir, _ := mount(t, tree.Static(epoch, // small: each file is read byte by byte
		tree.Bytes("a", pattern(5000, 1), epoch),
		tree.Folder("d", epoch, tree.Bytes("empty", nil, epoch), tree.Symlink("up", "../a", epoch)),
		tree.Folder("e", epoch)), Options{})
	if err := fstest.TestFS(os.DirFS(dir), "a", "d/empty", "d/up", "e"); err != nil {
		t.Error(err)
	}
}

// checkFiles compares size before, bytes, and size after.
func checkFiles(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, want := range files {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if st.Size() != int64(len(want)) || !st.ModTime().Equal(epoch) && strings.HasSuffix(dir, "mnt") {
			t.Errorf("%s: size %d, time %v; want %d, %v", name, st.Size(), st.ModTime(), len(want), epoch)
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %d bytes, want %d, err %v", name, len(got), len(want), err)
		}
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Size() != int64(len(want)) {
			t.Errorf("%s after: %v %v", name, st, err)
		}
	}
}
