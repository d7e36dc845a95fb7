// Package fetch makes a remote file a blob.Blob over HTTP ranges, and over FTP
// with REST.
//
// One Client owns everything that is shared: a bounded cache of 16 KiB blocks,
// the flights that several readers of the same block wait for, per-host
// concurrency, the download budget and the counters. A read asks for the
// missing blocks of its own span in one request and for nothing else, save
// where an opening is read in order (Ahead): then what follows is asked for
// before it is read, as much as was read so far, up to some megabytes.
//
// Size and validators of a file are learned from the first answer to a ranged
// GET (never HEAD, which signed URLs refuse), kept in Facts under "pin:", and
// checked on every later answer: bytes of two versions of a file never mix.
package fetch

import (
	"cmp"
	"context"
	"encoding/binary"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const (
	// blockSize is the unit of the block cache. A member of a zip starts and
	// ends inside a block, so a read costs at most two of them more than its span.
	blockSize = 16 << 10
	// mergeBlocks is the gap, in blocks, that is cheaper to read than to ask
	// for anew: 32 KiB take about 2.5 ms at 100 Mbit/s, a round trip takes more.
	mergeBlocks = 2
	// flightBytes bounds what one flight holds in memory. Larger reads stream
	// into the reader's own buffer.
	flightBytes = 8 << 20
)

// Options of a Client. Zero values mean the defaults named here.
type Options struct {
	Offline    bool              // refuse every request with ErrOffline
	Budget     int64             // bytes of bodies in the client's life; 0: no limit
	BudgetDay  int64             // bytes of bodies in a day (UTC), earlier clients' with the same Facts among them; 0: no limit
	PerHost    int               // requests at a time to one host; 10
	Connect    time.Duration     // 15 s
	Header     time.Duration     // from the request to the answer's header; 45 s
	Stall      time.Duration     // without a byte of body; 30 s
	Attempts   int               // without progress, the first included; 5
	Backoff    time.Duration     // before the second attempt, then doubled; 500 ms
	MaxBackoff time.Duration     // also the longest Retry-After that is waited for; 60 s
	Memory     int64             // bytes of the block cache; 64 MiB
	Keep       Keeper            // where fetched blocks are kept; nil: nowhere
	Whole      int64             // largest file kept in memory when the server has no ranges; 64 MiB
	Spool      string            // folder for larger ones; the system's
	Facts      blob.Facts        // blob.NoFacts
	Log        *slog.Logger      // discarded
	UserAgent  string            // "omnimedfs"
	AllowHTTP  bool              // plain http to public hosts too
	Trusted    []string          // "host" or "host:port" that may be private and plain: mirrors
	Transport  http.RoundTripper // one of the client's own
}

func (o *Options) defaults() {
	set(&o.PerHost, 10)
	set(&o.Connect, 15*time.Second)
	set(&o.Header, 45*time.Second)
	set(&o.Stall, 30*time.Second)
	set(&o.Attempts, 5)
	set(&o.Backoff, 500*time.Millisecond)
	set(&o.MaxBackoff, time.Minute)
	set(&o.Memory, 64<<20)
	set(&o.Whole, 64<<20)
	set(&o.UserAgent, "omnimedfs")
	if o.Facts == nil {
		o.Facts = blob.NoFacts{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

func set[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// Client opens remote files. It is safe for many goroutines.
type Client struct {
	opt    Options
	guard  *guard
	http   *http.Client
	ftp    *ftpTransport   // nil where Options.Transport is set
	ctx    context.Context // of the client's life
	cancel context.CancelFunc
	wg     sync.WaitGroup
	spent  atomic.Int64 // bytes of bodies
	today  day

	mu      sync.Mutex // all below
	closed  bool
	cache   lru
	flights map[blockKey]*flight
	remotes map[string]*remote
	seen    uint64    // remotes so far
	idle    []*remote // without readers, kept for their spool files; oldest first
	slots   map[string]chan struct{}
	stats   map[statKey]*Stat
}

// New returns a client that the caller closes.
func New(o Options) *Client {
	o.defaults()
	ctx, cancel := context.WithCancel(context.Background())
	g := newGuard(o)
	c := &Client{
		opt:     o,
		guard:   g,
		ctx:     ctx,
		cancel:  cancel,
		cache:   lru{limit: o.Memory, m: map[blockKey]*entry{}},
		flights: map[blockKey]*flight{},
		remotes: map[string]*remote{},
		slots:   map[string]chan struct{}{},
		stats:   map[statKey]*Stat{},
	}
	rt := o.Transport
	if rt == nil {
		t := &http.Transport{
			Proxy:                 g.proxy,
			DialContext:           g.dial,
			TLSHandshakeTimeout:   o.Connect,
			ForceAttemptHTTP2:     true,
			MaxIdleConnsPerHost:   o.PerHost,
			IdleConnTimeout:       60 * time.Second,
			ExpectContinueTimeout: time.Second,
			DisableCompression:    true,
		}
		c.ftp = &ftpTransport{dial: g.dial, wait: o.Connect, keep: o.PerHost, idle: map[string][]*ftpConn{}}
		t.RegisterProtocol("ftp", c.ftp)
		rt = t
	}
	c.http = &http.Client{Transport: rt, CheckRedirect: g.redirect}
	return c
}

// Close ends all requests and waits for the client's goroutines. Blobs that
// are still open fail from then on.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wg.Wait()
	c.today.keep(c.opt.Facts)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.remotes {
		r.dropSpool()
	}
	c.remotes, c.idle = map[string]*remote{}, nil
	c.cache = lru{limit: c.opt.Memory, m: map[blockKey]*entry{}}
	c.http.CloseIdleConnections()
	if c.ftp != nil {
		c.ftp.CloseIdleConnections()
	}
	return nil
}

// Target names a remote file.
type Target struct {
	URL string
	// Same is a URL that names the file where URL holds what changes from one
	// opening to the next; "": URL.
	Same string
	Name string // its file name, which tells whether HTML is expected; "": the URL's
	Size int64  // what it must be; -1 when unknown
	// Auth is the value of an Authorization header for the URL's own host.
	Auth string
	// Made says that the server makes the file anew for each request, as it
	// does archives: validators then say nothing, only the size is held to.
	Made bool
}

// Open returns the file as a blob. It costs no request when the size is
// declared or pinned, and one of a block otherwise. ctx bounds the blob's
// reads too.
func (c *Client) Open(ctx context.Context, t Target) (blob.Blob, error) {
	r, err := c.acquire(t)
	if err != nil {
		return nil, err
	}
	f := &file{r: r, ctx: ctx}
	if err := r.learn(ctx, t.Size); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (c *Client) acquire(t Target) (*remote, error) {
	safe, err := Redact(t.URL)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	r := c.remotes[t.URL]
	if r == nil {
		r = &remote{c: c, url: t.URL, safe: safe, same: cmp.Or(t.Same, t.URL), name: t.Name, auth: t.Auth, made: t.Made, pin: pin{Size: -1}}
		if r.name == "" {
			r.name = baseName(safe)
		}
		c.seen++
		binary.LittleEndian.PutUint64(r.key[:], c.seen)
		c.remotes[t.URL] = r
	}
	r.refs++
	return r, nil
}

// idleSpools is how many files without readers keep their spool file: a file
// that is opened again and again must not be downloaded each time.
const idleSpools = 4

func (c *Client) release(r *remote) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.refs--; r.refs > 0 || c.remotes[r.url] != r {
		return
	}
	if r.spool == nil {
		delete(c.remotes, r.url)
		return
	}
	c.idle = append(slices.DeleteFunc(c.idle, func(o *remote) bool { return o == r }), r)
	if len(c.idle) > idleSpools {
		old := c.idle[0]
		c.idle = c.idle[1:]
		if old.refs == 0 && c.remotes[old.url] == old {
			delete(c.remotes, old.url)
			old.dropSpool()
		}
	}
}
