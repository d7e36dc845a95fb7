package sources_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// program starts a real server and waits until it accepts connections.
func program(t *testing.T, addr, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin/", "../.bin/"} {
		if err != nil {
			path, err = exec.LookPath(dir + name)
		}
	}
	if err != nil {
		t.Skipf("%s is not installed; scripts/test.sh installs it", name)
	}
	var said bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	cmd.Process.Kill()
	cmd.Wait()
	t.Fatalf("%s does not answer: %s", name, said.String())
}

func freeAddr(t *testing.T) (addr, port string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return l.Addr().String(), port
}

// served puts files below dir and returns them.
func served(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	rng := rand.NewChaCha8([32]byte{9})
	files := map[string][]byte{}
	for name, size := range map[string]int{"a.bin": 3 << 20, "sub/b c+d.bin": 70_000, "sub/deep/empty": 0, "sub/deep/ä.bin": 5} {
		data := make([]byte, size)
		rng.Read(data)
		files[name] = data
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// readAll checks a platform's files against what was served.
func readAll(t *testing.T, c *sources.Client, platform string, list []sources.File, files map[string][]byte) {
	t.Helper()
	if len(list) != len(files) {
		t.Errorf("%d files listed, want %d: %+v", len(list), len(files), list)
	}
	for _, f := range list {
		want, ok := files[f.Path]
		if !ok || f.Size >= 0 && f.Size != int64(len(want)) {
			t.Errorf("%+v: want %d bytes", f, len(want))
			continue
		}
		b, err := c.Open(context.Background(), platform, f)
		if err != nil {
			t.Errorf("%s: %v", f.Path, err)
			continue
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			off, p := rng.IntN(len(want)+1), make([]byte, rng.IntN(50_000))
			n, err := b.ReadAt(p, int64(off))
			if exp := want[off:min(off+len(p), len(want))]; err != nil && err != io.EOF || !bytes.Equal(p[:n], exp) {
				t.Errorf("%s: %d bytes at %d: %d, %v", f.Path, len(p), off, n, err)
			}
		}
		if got, err := blob.ReadAll(b); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", f.Path, len(got), err)
		}
		b.Close()
	}
}

func TestNginx(t *testing.T) {
	dir := t.TempDir()
	files := served(t, filepath.Join(dir, "www"))
	addr, _ := freeAddr(t)
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; master_process off; %s pid %[2]s/pid; error_log %[2]s/error.log;
events {}
http { access_log off; client_body_temp_path %[2]s/1; proxy_temp_path %[2]s/2; fastcgi_temp_path %[2]s/3; uwsgi_temp_path %[2]s/4; scgi_temp_path %[2]s/5;
server { listen %[3]s; root %[2]s/www; default_type application/octet-stream; } }`, user, dir, addr)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	program(t, addr, "nginx", "-c", conf)
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: "https://example.org", Target: "http://" + addr}}})
	defer c.Close()
	var list []sources.File
	for name := range files {
		list = append(list, sources.File{Info: blob.Info{Path: name, Size: -1}, URL: "https://example.org/" + strings.NewReplacer(" ", "%20", "ä", "%C3%A4").Replace(name)})
	}
	readAll(t, c, "http", list, files)
}

func TestVsftpd(t *testing.T) {
	dir := t.TempDir()
	files := served(t, filepath.Join(dir, "pub"))
	addr, port := freeAddr(t)
	conf := filepath.Join(dir, "vsftpd.conf")
	text := "listen=YES\nlisten_address=127.0.0.1\nlisten_port=" + port + "\nanonymous_enable=YES\nanon_root=" + dir +
		"\nrun_as_launching_user=YES\nno_anon_password=NO\nlocal_enable=NO\nseccomp_sandbox=NO\nbackground=NO\nxferlog_enable=NO\nftp_username=" + me(t) + "\nutf8_filesystem=YES\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, addr, "vsftpd", conf)
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: "ftp://ftp.example.org", Target: "ftp://" + addr}}})
	defer c.Close()
	src, err := c.Source("ftp")
	if err != nil {
		t.Fatal(err)
	}
	list, err := src.Files(context.Background(), "ftp://ftp.example.org/pub/")
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, c, "ftp", list, files)
	for _, url := range []string{"ftp://ftp.example.org/pub/none", "ftp://ftp.example.org/pub/sub"} {
		if _, err := c.Open(context.Background(), "ftp", sources.File{Info: blob.Info{Path: "x", Size: -1}, URL: url}); err == nil {
			t.Errorf("%s opened", url)
		}
	}
	plain := sources.NewClient(sources.Options{})
	defer plain.Close()
	src, _ = plain.Source("ftp")
	if _, err := src.Files(context.Background(), "ftp://ftp.example.org/pub/"); err == nil || !strings.Contains(err.Error(), "--allow-http") {
		t.Errorf("without --allow-http: %v", err)
	}
	if _, err := src.Files(context.Background(), "ftp://user:password@ftp.example.org/pub/"); err == nil {
		t.Error("a record with a password is listed")
	}
}

func me(t *testing.T) string {
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestVersityGW(t *testing.T) {
	dir := t.TempDir()
	files := served(t, filepath.Join(dir, "root", "public", "data", "v1"))
	addr, _ := freeAddr(t)
	side := filepath.Join(dir, "side")
	os.Mkdir(side, 0o755)
	program(t, addr, "versitygw", "--access", "key", "--secret", "secret", "--port", addr, "posix", "--sidecar", side, filepath.Join(dir, "root"))
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::public","arn:aws:s3:::public/*"]}]}`
	if out, err := exec.Command("curl", "-sS", "--fail-with-body", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "key:secret",
		"-X", "PUT", "-H", fmt.Sprintf("x-amz-content-sha256: %x", sha256.Sum256([]byte(policy))), "--data-binary", policy, "http://"+addr+"/public?policy=").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := sources.NewClient(sources.Options{Mirrors: []sources.Mirror{{Prefix: "https://s3.example.org", Target: "http://" + addr}}})
	defer c.Close()
	src, err := c.Source("s3")
	if err != nil {
		t.Fatal(err)
	}
	list, err := src.Files(context.Background(), "https://s3.example.org/public/data/v1/")
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, c, "s3", list, files)
}
