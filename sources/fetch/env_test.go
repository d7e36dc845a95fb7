package fetch_test

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

// TestProxyAndCA runs itself again, since Go reads these variables once: a
// proxy in the local network leads to a host whose certificate a file vouches
// for.
func TestProxyAndCA(t *testing.T) {
	if os.Getenv("FETCH_CHILD") != "" {
		c := fetch.New(fetch.Options{Attempts: 1})
		defer c.Close()
		body, err := c.Get(context.Background(), "https://example.com/f", 1000)
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.Write(body)
		return
	}
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "through the proxy") }))
	defer host.Close()
	var tunnels atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "example.com:443" {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		tunnels.Add(1)
		to, err := net.Dial("tcp", host.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer to.Close()
		w.WriteHeader(http.StatusOK)
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		go io.Copy(to, from)
		io.Copy(from, to)
	}))
	defer proxy.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: host.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	child := func(env ...string) (string, error) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestProxyAndCA$")
		cmd.Env = append(os.Environ(), append(env, "FETCH_CHILD=1", "NO_PROXY=", "no_proxy=", "HTTPS_PROXY="+proxy.URL, "https_proxy=")...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := child("SSL_CERT_FILE=" + ca); err != nil || !strings.Contains(out, "through the proxy") || tunnels.Load() == 0 {
		t.Errorf("%v, %d tunnels: %s", err, tunnels.Load(), out)
	}
	if out, err := child("SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/nowhere"); err == nil || !strings.Contains(out, "x509") {
		t.Errorf("a certificate that nobody vouches for passes: %s", out)
	}
}
