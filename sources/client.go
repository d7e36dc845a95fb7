package sources

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

// Timeouts of the network; zero values mean package fetch's defaults.
type Timeouts struct {
	Connect time.Duration
	Header  time.Duration // from the request to the answer's header
	Stall   time.Duration // without a byte of body
}

// Retries say how stubborn the client is; zero values mean package fetch's
// defaults.
type Retries struct {
	Attempts   int // without progress, the first included
	Backoff    time.Duration
	MaxBackoff time.Duration
}

// Options of a Client.
type Options struct {
	Mirrors   []Mirror
	Offline   bool
	AllowHTTP bool  // plain http and ftp to public hosts too; mirrors may always
	Budget    int64 // bytes to download in the client's life; 0: no limit
	BudgetDay int64 // bytes to download in a day, as Facts remember it; 0: no limit
	PerHost   int   // requests at a time to one host
	Timeouts  Timeouts
	Retries   Retries
	Memory    int64        // bytes of the block cache
	Keep      fetch.Keeper // where fetched bytes are kept; nil: nowhere
	Whole     int64        // largest file kept in memory when its server has no ranges
	Spool     string       // folder for larger ones; "": the system's
	Facts     blob.Facts   // sizes, validators and archive indexes are kept here
	Log       *slog.Logger
	UserAgent string
}

// Client is what all platforms share. It is safe for many goroutines.
type Client struct {
	mirrors []Mirror
	fetch   *fetch.Client
	facts   blob.Facts

	mu      sync.Mutex
	sources map[string]Source
}

// NewClient returns a client that the caller closes.
func NewClient(o Options) *Client {
	var trusted []string
	for _, m := range o.Mirrors {
		if u, err := url.Parse(m.Target); err == nil && u.Host != "" {
			trusted = append(trusted, withPort(u))
		}
	}
	if o.Facts == nil {
		o.Facts = blob.NoFacts{}
	}
	return &Client{
		mirrors: o.Mirrors,
		facts:   o.Facts,
		sources: map[string]Source{},
		fetch: fetch.New(fetch.Options{
			Offline: o.Offline, AllowHTTP: o.AllowHTTP, Trusted: trusted, Budget: o.Budget, BudgetDay: o.BudgetDay, PerHost: o.PerHost,
			Connect: o.Timeouts.Connect, Header: o.Timeouts.Header, Stall: o.Timeouts.Stall,
			Attempts: o.Retries.Attempts, Backoff: o.Retries.Backoff, MaxBackoff: o.Retries.MaxBackoff,
			Memory: o.Memory, Keep: o.Keep, Whole: o.Whole, Spool: o.Spool,
			Facts: o.Facts, Log: o.Log, UserAgent: o.UserAgent,
		}),
	}
}

// Close ends all requests and waits for the client's goroutines.
func (c *Client) Close() error { return c.fetch.Close() }

// Source returns a platform's Source, made once for each client.
func (c *Client) Source(platform string) (Source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sources[platform]; s != nil {
		return s, nil
	}
	registryMu.Lock()
	open := registry[platform]
	registryMu.Unlock()
	if open == nil {
		return nil, fmt.Errorf("%w %q", ErrPlatform, platform)
	}
	s := open(c)
	c.sources[platform] = s
	return s, nil
}

// Open opens one file of a platform: through the Source where it is an Opener,
// otherwise by the file's URL. ctx bounds the blob's reads too.
func (c *Client) Open(ctx context.Context, platform string, f File) (blob.Blob, error) {
	s, err := c.Source(platform)
	if err != nil {
		return nil, err
	}
	if f.Size == 0 && f.Sum == "" {
		f.Size = -1 // recipes write 0 for a size that they do not know
	}
	if o, ok := s.(Opener); ok {
		return o.Open(ctx, f)
	}
	return c.openURL(ctx, f, access{})
}

// access is how a file is opened beyond its URL.
type access struct {
	auth string // value of an Authorization header for the URL's host
	made bool   // the server makes it anew for each request
	same string // names the file where its URL does not for long
}

// openURL opens a file by its http or https URL, mirrors applied.
func (c *Client) openURL(ctx context.Context, f File, a access) (blob.Blob, error) {
	to, folder, err := resolve(c.mirrors, f.URL)
	if err != nil {
		return nil, err
	}
	if folder != "" {
		return openIn(folder, to, f.Size)
	}
	if !sameOrLocal(f.URL, to) {
		a.auth = ""
	}
	return c.fetch.Open(ctx, fetch.Target{URL: to, Name: f.Path, Size: f.Size, Auth: a.auth, Made: a.made, Same: a.same})
}

// Get returns the body of a platform's API answer, mirrors applied; one of
// more than limit bytes is an error.
func (c *Client) Get(ctx context.Context, url string, limit int64) ([]byte, error) {
	body, _, err := c.getPage(ctx, url, "", limit)
	return body, err
}

// getPage is Get with a token and with the answer's header, which is nil where
// a mirror leads into a folder.
func (c *Client) getPage(ctx context.Context, url, auth string, limit int64) ([]byte, http.Header, error) {
	to, folder, err := resolve(c.mirrors, url)
	if err != nil {
		return nil, nil, err
	}
	if folder == "" {
		if auth != "" && sameOrLocal(url, to) {
			if ctx, err = fetch.WithAuth(ctx, to, auth); err != nil {
				return nil, nil, err
			}
		}
		return c.fetch.GetPage(fetch.WithReason(ctx, "api"), to, limit)
	}
	b, err := openIn(folder, to, -1)
	if err != nil {
		return nil, nil, err
	}
	defer b.Close()
	if b.Size() > limit {
		return nil, nil, fmt.Errorf("%s: more than %d bytes", to, limit)
	}
	body, err := blob.ReadAll(b)
	return body, nil, err
}

// peek returns what the answer to a URL says of a file, mirrors applied.
func (c *Client) peek(ctx context.Context, url string, limit int64) (*fetch.Head, error) {
	to, folder, err := resolve(c.mirrors, url)
	if err != nil {
		return nil, err
	}
	if folder != "" {
		return nil, fmt.Errorf("%w: %s is mirrored by a folder, which has no headers", ErrServer, url)
	}
	return c.fetch.Peek(fetch.WithReason(ctx, "api"), to, limit)
}

// sameOrLocal says whether a token for a URL may go to where mirrors have led
// it: to the same host, or to a program on this machine.
func sameOrLocal(raw, to string) bool {
	a, err1 := url.Parse(raw)
	b, err2 := url.Parse(to)
	if err1 != nil || err2 != nil {
		return false
	}
	ip, err := netip.ParseAddr(b.Hostname())
	return a.Scheme == b.Scheme && a.Host == b.Host || err == nil && ip.IsLoopback()
}

func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80", "ftp": "21"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// Stats returns what was downloaded, a line for each host and reason.
func (c *Client) Stats() []fetch.Stat { return c.fetch.Stats() }
