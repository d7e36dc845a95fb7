package fs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("OMNIMEDFS_TEST_SERVE"); dir != "" {
		serveForTest(dir)
		return
	}
	os.Exit(m.Run())
}

// serveForTest is the process that tests kill.
func serveForTest(dir string) {
	root, _ := sampleTree()
	s, err := Mount(context.Background(), dir, root, Options{AllowOther: os.Getenv("OMNIMEDFS_TEST_ALLOW_OTHER") != ""})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println("ready")
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		if err := s.Unmount(context.Background()); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}()
	s.Wait()
}

// serve starts a process that mounts at dir and returns its first line.
func serve(t *testing.T, dir string, attr *syscall.SysProcAttr) (cmd *exec.Cmd, end func(), line string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if attr != nil { // the test's binary may be in a folder that is closed to others
		open := filepath.Join(dir, "..", "test.bin")
		run(t, "cp", self, open)
		os.Chmod(open, 0o755)
		self = open
	}
	cmd = exec.Command(self)
	cmd.Env = append(os.Environ(), "OMNIMEDFS_TEST_SERVE="+dir)
	cmd.SysProcAttr = attr
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ = bufio.NewReader(out).ReadString('\n')
	return cmd, func() { in.Close(); cmd.Wait() }, strings.TrimSpace(line)
}

func TestUnmountWithStalledReadersAndOpenFiles(t *testing.T) {
	needFUSE(t)
	var started atomic.Int64
	dir := filepath.Join(t.TempDir(), "mnt")
	root := tree.Static(epoch, stalled("never", &started), stalled("never2", &started), tree.Bytes("held", []byte("x"), epoch))
	s, err := Mount(context.Background(), dir, root, Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(dir + "/held")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	var readers []*exec.Cmd
	for _, args := range [][]string{
		{"cat", dir + "/never"},
		{"python3", "-c", "open('" + dir + "/never2','rb').read()"},
		{"dd", "if=" + dir + "/never", "of=/dev/null", "bs=4k", "skip=10", "status=none"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		readers = append(readers, cmd)
	}
	for started.Load() < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	start := time.Now()
	if err := s.Unmount(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > unmountWithin+500*time.Millisecond {
		t.Errorf("took %v", took)
	}
	if _, mounted, _ := mountAt(dir); mounted {
		t.Error("still mounted")
	}
	for _, cmd := range readers {
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err == nil {
				t.Errorf("%s ended well", cmd)
			}
		case <-time.After(3 * time.Second):
			t.Errorf("%s hangs", cmd)
			cmd.Process.Kill()
		}
	}
}

func TestUnmountFreesEverything(t *testing.T) {
	needFUSE(t)
	before := runtime.NumGoroutine()
	for range 3 {
		root, files := sampleTree()
		dir := filepath.Join(t.TempDir(), "mnt")
		s, err := Mount(context.Background(), dir, root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkFiles(t, dir, files)
		if err := s.Unmount(context.Background()); err != nil {
			t.Error(err)
		}
		s.Wait()
		if err := s.Unmount(context.Background()); err != nil {
			t.Error("a second time:", err)
		}
	}
	for end := time.Now().Add(3 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestWorkersThatAreDoneNeedNoTime(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for range 50 {
		w := newWorkers()
		w.start()
		w.done()
		if err := w.wait(ended); err != nil || w.start() {
			t.Fatal(err)
		}
	}
	w := newWorkers()
	w.start()
	if err := w.wait(ended); err == nil {
		t.Error("did not wait")
	}
}

func TestUnmountFromOutside(t *testing.T) {
	root, _ := sampleTree()
	dir, s := mount(t, root, Options{})
	if err := unmount(dir, false); err != nil {
		t.Fatal(err)
	}
	s.Wait()
	if s.raw.ctx.Err() == nil {
		t.Error("the work goes on")
	}
	other, err := Mount(context.Background(), dir, root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unmount(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir + "/README.txt"); err != nil {
		t.Error("the old server took the new mount away:", err)
	}
	if err := other.Unmount(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestDeadMountIsReplaced(t *testing.T) {
	needFUSE(t)
	dir := filepath.Join(t.TempDir(), "mnt")
	for range 3 {
		cmd, _, line := serve(t, dir, nil)
		if line != "ready" {
			t.Fatal(line)
		}
		if _, err := os.ReadFile(dir + "/README.txt"); err != nil {
			t.Error(err)
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	root, files := sampleTree()
	link := filepath.Join(t.TempDir(), "link") // to the dead mount
	os.Symlink(dir, link)
	s, err := Mount(context.Background(), link, root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkFiles(t, dir, files)
	if err := s.Unmount(context.Background()); err != nil {
		t.Error(err)
	}
	if _, mounted, _ := mountAt(dir); mounted {
		t.Error("something is still mounted")
	}
}

func TestMountRefuses(t *testing.T) {
	root, _ := sampleTree()
	live, _ := mount(t, root, Options{})
	full := t.TempDir()
	os.WriteFile(full+"/x", nil, 0o644)
	file := filepath.Join(t.TempDir(), "f")
	os.WriteFile(file, nil, 0o644)
	for _, c := range []struct {
		dir  string
		opts Options
		want error
	}{
		{live, Options{}, ErrMounted},
		{full, Options{}, ErrNotEmpty},
		{file, Options{}, ErrNotFolder},
		{full + "/no/parent", Options{}, os.ErrNotExist},
		{t.TempDir(), Options{Open: "perhaps"}, nil},
	} {
		s, err := Mount(context.Background(), c.dir, root, c.opts)
		if err == nil {
			s.Unmount(context.Background())
			t.Errorf("mounted at %s", c.dir)
		} else if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.dir, err, c.want)
		}
	}
	if _, err := os.ReadFile(live + "/README.txt"); err != nil {
		t.Error("the live mount suffered:", err)
	}
}

func TestMountThroughALink(t *testing.T) {
	needFUSE(t)
	base := t.TempDir()
	os.Mkdir(base+"/real", 0o755)
	os.Symlink("real", base+"/link")
	root, files := sampleTree()
	s, err := Mount(context.Background(), base+"/link", root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Unmount(context.Background())
	if s.Dir() != base+"/real" {
		t.Error(s.Dir())
	}
	checkFiles(t, base+"/link", files)
}

// inOpenNamespace runs the test again where /dev/fuse is open to all, as it is
// on most systems, without opening that of this machine.
func inOpenNamespace(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	node := filepath.Join(t.TempDir(), "fuse")
	run(t, "mknod", "-m", "666", node, "c", "10", "229")
	out := run(t, "unshare", "-m", "sh", "-c", `mount --bind "$0" /dev/fuse && exec "$1" -test.v -test.run "^$2\$"`, node, self, t.Name())
	if !strings.Contains(out, "--- PASS: "+t.Name()) {
		t.Error(out)
	}
}

func TestOrdinaryUserMountsWithFusermount(t *testing.T) {
	needFUSE(t)
	if os.Geteuid() != 0 {
		t.Skip("the other tests are this one")
	}
	if _, err := fusermount(); err != nil {
		t.Skip(err)
	}
	if st, err := os.Stat("/dev/fuse"); err == nil && st.Mode().Perm()&0o006 != 0o006 {
		inOpenNamespace(t)
		return
	}
	base, err := os.MkdirTemp("/tmp", "omnimedfs-user")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	const nobody = 65534
	os.Chown(base, nobody, nobody)
	os.Chmod(base, 0o755)
	dir := base + "/mnt"
	user := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	as := func(args ...string) (string, error) {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.SysProcAttr = user
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	cmd, _, line := serve(t, dir, user)
	if strings.Contains(line, ErrNotPermitted.Error()) {
		t.Skip(line)
	}
	if line != "ready" {
		t.Fatal(line)
	}
	if out, err := as("cat", dir+"/README.txt"); err != nil || out != "hello\n" {
		t.Errorf("%q %v", out, err)
	}
	if m, _, _ := mountAt(dir); m.fsType != fsType {
		t.Errorf("%+v", m)
	}
	cmd.Process.Kill()
	cmd.Wait()
	_, end, line := serve(t, dir, user) // over the dead one
	if line != "ready" {
		t.Fatal(line)
	}
	if out, err := as("stat", "-c", "%u %a %s", dir+"/README.txt"); err != nil || out != "65534 444 6\n" {
		t.Errorf("%q %v", out, err)
	}
	end()
	if _, mounted, _ := mountAt(dir); mounted {
		t.Error("still mounted")
		detach(dir)
	}
}
