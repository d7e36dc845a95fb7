package fetch

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPublic(t *testing.T) {
	for s, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1": true,
		"127.0.0.1": false, "10.1.2.3": false, "192.168.0.1": false, "172.16.0.1": false, "169.254.169.254": false, "0.0.0.0": false,
		"100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false,
		"::1": false, "::": false, "fe80::1": false, "fd00::1": false, "::ffff:127.0.0.1": false, "64:ff9b::7f00:1": false, "::127.0.0.1": false,
	} {
		if public(netip.MustParseAddr(s)) != want {
			t.Errorf("%s: public is %v", s, !want)
		}
	}
}

func get(t *testing.T, o Options, u, token string) (string, error) {
	t.Helper()
	o.Attempts, o.Backoff = 2, time.Millisecond
	c := New(o)
	defer c.Close()
	ctx := context.Background()
	if token != "" {
		ctx, _ = WithAuth(ctx, u, token)
	}
	body, err := c.Get(ctx, u, 1<<20)
	return string(body), err
}

func addr(s *httptest.Server) string { u, _ := url.Parse(s.URL); return u.Host }

func TestGuardRefuses(t *testing.T) {
	hits := 0
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	defer inner.Close()
	_, port, _ := net.SplitHostPort(addr(inner))
	hop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("to"), http.StatusFound)
	}))
	defer hop.Close()
	tests := []struct {
		name, url string
		opt       Options
	}{
		{"plain http", "http://93.184.216.34/x", Options{}},
		{"private", inner.URL, Options{AllowHTTP: true}},
		{"private by name", "http://localhost:" + port, Options{AllowHTTP: true}},
		{"metadata service", "http://169.254.169.254/latest", Options{AllowHTTP: true}},
		{"mapped", "http://[::ffff:127.0.0.1]:" + port, Options{AllowHTTP: true}},
		{"redirect to private", hop.URL + "/?to=" + inner.URL, Options{AllowHTTP: true, Trusted: []string{addr(hop)}}},
		{"redirect to name of private", hop.URL + "/?to=http://localhost:" + port, Options{AllowHTTP: true, Trusted: []string{addr(hop)}}},
		{"redirect to plain", hop.URL + "/?to=http://93.184.216.34/", Options{Trusted: []string{addr(hop)}}},
	}
	for _, tt := range tests {
		if _, err := get(t, tt.opt, tt.url, ""); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want %v", tt.name, err, ErrRefused)
		}
	}
	if hits != 0 {
		t.Errorf("%d requests reached the private server", hits)
	}
	if _, err := get(t, Options{Trusted: []string{addr(hop), addr(inner)}}, hop.URL+"/?to="+inner.URL, ""); err != nil || hits != 1 {
		t.Error("a mirror that leads to a mirror:", err)
	}
	g := newGuard(Options{AllowHTTP: true, Trusted: []string{addr(inner)}})
	stranger, _ := url.Parse("http://93.184.216.34/")
	target, _ := url.Parse(inner.URL)
	if g.check(target, stranger) == nil {
		t.Error("a stranger's redirect reaches a mirror")
	}
}

func TestRedirectsEnd(t *testing.T) {
	n := 0
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		http.Redirect(w, r, s.URL+"/again", http.StatusFound)
	}))
	defer s.Close()
	if _, err := get(t, Options{Trusted: []string{addr(s)}}, s.URL, ""); !errors.Is(err, ErrServer) || n != 11 {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestTokenStaysAtItsHost(t *testing.T) {
	var there []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there = append(there, r.Header.Get("Authorization")+r.Header.Get("Referer"))
	}))
	defer other.Close()
	var here []string
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here = append(here, r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/b", http.StatusFound)
		case "/b":
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	}))
	defer own.Close()
	o := Options{Trusted: []string{"127.0.0.1"}}
	if _, err := get(t, o, own.URL+"/a", "Bearer secret"); err != nil {
		t.Fatal(err)
	}
	if strings.Join(here, ",") != "Bearer secret,Bearer secret" || strings.Join(there, ",") != "" {
		t.Errorf("here %q, there %q", here, there)
	}
}

// TestProxyAndCA runs itself anew, since the environment is read once: through
// a proxy on loopback, to a server whose certificate only SSL_CERT_FILE knows.
func TestProxyAndCA(t *testing.T) {
	if os.Getenv("FETCH_TEST_PROXY") != "" {
		body, err := get(t, Options{}, "https://example.com/x", "")
		if err != nil || body != "through" {
			t.Fatalf("%q, %v", body, err)
		}
		return
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "through") }))
	defer s.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "example.com:443" {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		up, err := net.Dial("tcp", addr(s))
		if err != nil {
			return
		}
		w.WriteHeader(200)
		down, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		go func() { io.Copy(up, buf); up.Close() }()
		io.Copy(down, up)
		down.Close()
	}))
	defer proxy.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{ca, "/dev/null"} {
		cmd := exec.Command(os.Args[0], "-test.run=TestProxyAndCA")
		cmd.Env = append(os.Environ(), "FETCH_TEST_PROXY=1", "HTTPS_PROXY="+proxy.URL, "NO_PROXY=", "SSL_CERT_DIR=/nonexistent", "SSL_CERT_FILE="+file)
		if out, err := cmd.CombinedOutput(); (err == nil) != (file == ca) {
			t.Errorf("certificates of %s: %v\n%s", file, err, out)
		}
	}
}

func TestRateLimitHeaders(t *testing.T) {
	h := http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"99999999999"}}
	if retryAfter(h) < time.Hour {
		t.Error("the window's end is not waited for")
	}
	if err := statusError(&http.Response{StatusCode: 403, Header: h}); !errors.Is(err, ErrRateLimited) {
		t.Error(err)
	}
}

func TestStatsByOrigin(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "12345") }))
	defer s.Close()
	c := New(Options{Trusted: []string{addr(s)}})
	defer c.Close()
	if _, err := c.Get(WithReason(WithOrigin(context.Background(), "zenodo", "a"), "api"), s.URL, 10); err != nil {
		t.Fatal(err)
	}
	if got := c.Stats(); len(got) != 1 || got[0] != (Stat{addr(s), "api", "zenodo", "a", 1, 5}) {
		t.Errorf("%+v", got)
	}
}
