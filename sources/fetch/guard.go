package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// guard says where requests may go. URLs come from records that strangers
// write: without it one could make this machine ask its own network (SSRF).
type guard struct {
	allowHTTP bool
	trusted   map[string]bool // "host" or "host:port"
	connect   time.Duration

	mu      sync.Mutex
	proxies map[string]bool // host:port of the proxies that the environment names
}

func newGuard(o Options) *guard {
	g := &guard{allowHTTP: o.AllowHTTP, trusted: map[string]bool{}, connect: o.Connect, proxies: map[string]bool{}}
	for _, h := range o.Trusted {
		g.trusted[strings.ToLower(h)] = true
	}
	return g
}

// policy is a refusal of ours, which no further attempt mends.
type policy struct{ err error }

func (p *policy) Error() string { return p.err.Error() }
func (p *policy) Unwrap() error { return p.err }

func refuse(format string, args ...any) error {
	return &policy{fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)}
}

func (g *guard) trusts(u *url.URL) bool {
	return g.trustsAddr(hostPort(u)) || g.trusted[strings.ToLower(u.Hostname())]
}

func (g *guard) trustsAddr(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	return g.trusted[strings.ToLower(addr)] || g.trusted[strings.ToLower(host)]
}

// hostPort returns the address that a URL leads to, its port spelled out.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "ftp": "21"}[u.Scheme]
	}
	if port == "" {
		port = "443"
	}
	return strings.ToLower(net.JoinHostPort(u.Hostname(), port))
}

// check refuses a URL before anything is sent. Only what began at a trusted
// host may go on to one: a stranger's redirect must not reach a mirror.
func (g *guard) check(u, began *url.URL) error {
	if g.trusts(u) && g.trusts(began) {
		return nil
	}
	switch {
	case u.Scheme == "http" && !g.allowHTTP:
		return refuse("%s is plain http, which --allow-http permits", u.Host)
	case u.Scheme == "ftp" && !g.allowHTTP:
		return refuse("%s is plain ftp, which --allow-http permits", u.Host)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !public(ip) {
		return refuse("%s is a private address, which only a mirror may name", u.Host)
	}
	if u != began && g.trusts(u) {
		return refuse("a redirect leads to the mirror %s", u.Host)
	}
	return nil
}

// dial connects, and looks at the address that the name has resolved to: a
// name that leads elsewhere the second time (DNS rebinding) gains nothing.
func (g *guard) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: g.connect, KeepAlive: 30 * time.Second}
	g.mu.Lock()
	proxy := g.proxies[strings.ToLower(addr)]
	g.mu.Unlock()
	if !proxy && !g.trustsAddr(addr) {
		d.Control = func(_, resolved string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(resolved)
			if err != nil || !public(ap.Addr()) {
				return refuse("%s has a private address, which only a mirror may name", addr)
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, addr)
}

// proxy is http.ProxyFromEnvironment; the proxy itself may be in the local network.
func (g *guard) proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if u != nil {
		addr := hostPort(u)
		if strings.HasPrefix(u.Scheme, "socks5") && u.Port() == "" {
			addr = net.JoinHostPort(u.Hostname(), "1080")
		}
		g.mu.Lock()
		g.proxies[addr] = true
		g.mu.Unlock()
	}
	return u, err
}

// redirect is the CheckRedirect of http.Client.
func (g *guard) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > 10 {
		return &policy{fmt.Errorf("%w: more than ten redirects", ErrServer)}
	}
	last, began := via[len(via)-1].URL, via[0].URL
	if last.Scheme == "https" && req.URL.Scheme != "https" {
		return refuse("a redirect leads from https to plain %s", req.URL.Scheme)
	}
	// net/http keeps the header for subdomains; a token is for one host.
	req.Header.Del("Authorization")
	if a, ok := authOf(req.Context()); ok && a.host == hostPort(req.URL) && req.URL.Scheme == began.Scheme {
		req.Header.Set("Authorization", a.value)
	}
	req.Header.Del("Referer") // it may hold a signature
	return g.check(req.URL, began)
}

// reserved are the networks that are neither public nor known to netip's own
// predicates (IANA special-purpose registries); the last three can stand for
// IPv4 addresses inside.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"),
}

func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !ip.IsLoopback()
}

type auth struct{ host, value string }

type authKey struct{}

// WithAuth adds an Authorization header to the requests under ctx that go to
// the host of rawURL, and to no other: also not after a redirect.
func WithAuth(ctx context.Context, rawURL, value string) (context.Context, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return nil, errors.New("malformed URL")
	}
	return context.WithValue(ctx, authKey{}, auth{hostPort(u), value}), nil
}

func authOf(ctx context.Context) (auth, bool) {
	a, ok := ctx.Value(authKey{}).(auth)
	return a, ok
}
