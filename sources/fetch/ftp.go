package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jlaffaye/ftp"
)

// ftpShut is how long the reply to a transfer's end is waited for before the
// connection is given up.
const ftpShut = 2 * time.Second

// FTPEntry is one line of a folder's listing: the body of the answer to a URL
// that ends in a slash is a JSON list of them.
type FTPEntry struct {
	Name   string
	Folder bool
	Size   int64
}

// ftpTransport answers requests for ftp URLs as a web server would: a range
// becomes REST, and SIZE and MDTM the headers. So files of FTP servers have all
// that HTTP ones have: cache, resume, pins, budget, counters. Login is
// anonymous; the path is relative to the folder that login leads to.
type ftpTransport struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	wait time.Duration // for a data connection
	keep int           // idle connections of a host

	mu   sync.Mutex
	idle map[string][]*ftpConn
}

type ftpConn struct {
	*ftp.ServerConn
	ctrl net.Conn
	host string

	mu   sync.Mutex
	data net.Conn // the newest
}

// interrupt ends whatever waits for the connection.
func (c *ftpConn) interrupt() {
	past := time.Unix(1, 0)
	c.ctrl.SetDeadline(past)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data != nil {
		c.data.SetDeadline(past)
	}
}

func (t *ftpTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	u := req.URL
	if u.User != nil {
		return nil, refuse("a URL of %s names a user; only anonymous FTP is read", u.Host)
	}
	c, err := t.take(req.Context(), u)
	if err != nil {
		if resp := ftpStatus(req, err); resp != nil {
			return resp, nil
		}
		return nil, err
	}
	stop := context.AfterFunc(req.Context(), c.interrupt)
	path := strings.TrimPrefix(u.Path, "/")
	if strings.HasPrefix(path, "-") {
		path = "./" + path // LIST would take it for an option
	}
	var resp *http.Response
	if path == "" || strings.HasSuffix(path, "/") {
		resp, err = t.list(req, c, path, stop)
	} else {
		resp, err = t.retrieve(req, c, path, stop)
	}
	if err == nil {
		return resp, nil
	}
	reply := ftpStatus(req, err)
	if stop() && reply != nil && reply.StatusCode != http.StatusTooManyRequests {
		t.put(c)
	} else {
		c.ctrl.Close()
	}
	if reply != nil {
		return reply, nil
	}
	return nil, err
}

// take returns a connection that is logged in.
func (t *ftpTransport) take(ctx context.Context, u *url.URL) (*ftpConn, error) {
	host := hostPort(u)
	t.mu.Lock()
	if n := len(t.idle[host]); n > 0 {
		c := t.idle[host][n-1]
		t.idle[host] = t.idle[host][:n-1]
		t.mu.Unlock()
		stop := context.AfterFunc(ctx, c.interrupt)
		if err := c.NoOp(); err == nil && stop() {
			return c, nil
		}
		stop()
		c.ctrl.Close()
		return t.take(ctx, u)
	}
	t.mu.Unlock()
	c := &ftpConn{host: host}
	var peer string
	unwatch := func() bool { return true }
	defer func() { unwatch() }()
	sc, err := ftp.Dial(host, ftp.DialWithShutTimeout(ftpShut), ftp.DialWithDialFunc(func(network, addr string) (net.Conn, error) {
		if c.ctrl == nil {
			conn, err := t.dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			c.ctrl = conn
			peer, _, err = net.SplitHostPort(conn.RemoteAddr().String())
			unwatch = context.AfterFunc(ctx, c.interrupt)
			return conn, err
		}
		// Data comes from the host of the control connection, which was checked,
		// whatever address the server names.
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		d := net.Dialer{Timeout: t.wait}
		conn, err := d.Dial(network, net.JoinHostPort(peer, port))
		c.mu.Lock()
		c.data = conn
		c.mu.Unlock()
		return conn, err
	}))
	if err != nil {
		if c.ctrl != nil {
			c.ctrl.Close()
		}
		return nil, err
	}
	if err := sc.Login("anonymous", "anonymous@"); err != nil {
		c.ctrl.Close()
		return nil, err
	}
	c.ServerConn = sc
	return c, nil
}

func (t *ftpTransport) put(c *ftpConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.ctrl.SetDeadline(time.Time{}) // the end of a transfer has left one
	if len(t.idle[c.host]) >= t.keep {
		c.ctrl.Close()
		return
	}
	t.idle[c.host] = append(t.idle[c.host], c)
}

// CloseIdleConnections is called by http.Client.
func (t *ftpTransport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for host, all := range t.idle {
		for _, c := range all {
			c.ctrl.Close()
		}
		delete(t.idle, host)
	}
}

func (t *ftpTransport) list(req *http.Request, c *ftpConn, path string, stop func() bool) (*http.Response, error) {
	entries, err := c.List(strings.TrimSuffix(path, "/"))
	if err != nil {
		return nil, err
	}
	out := []FTPEntry{}
	for _, e := range entries {
		if e.Type != ftp.EntryTypeLink { // where it leads is not told
			out = append(out, FTPEntry{e.Name, e.Type == ftp.EntryTypeFolder, int64(min(e.Size, 1<<62))})
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	if stop() {
		t.put(c)
	} else {
		c.ctrl.Close()
	}
	return ftpAnswer(req, http.StatusOK, "200 OK", int64(len(body)), io.NopCloser(bytes.NewReader(body))), nil
}

func (t *ftpTransport) retrieve(req *http.Request, c *ftpConn, path string, stop func() bool) (*http.Response, error) {
	size, err := c.FileSize(path)
	if err != nil {
		return nil, err
	}
	status, first, end := http.StatusOK, int64(0), size
	if r := req.Header.Get("Range"); r != "" {
		var last int64
		if _, err := fmt.Sscanf(r, "bytes=%d-%d", &first, &last); err != nil || first < 0 || last < first {
			return nil, fmt.Errorf("malformed range %q", r)
		}
		status, end = http.StatusPartialContent, min(last+1, size)
	}
	if first >= size && status == http.StatusPartialContent {
		if stop() {
			t.put(c)
		}
		resp := ftpAnswer(req, http.StatusRequestedRangeNotSatisfiable, "416 beyond the end", 0, http.NoBody)
		resp.Header.Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
		return resp, nil
	}
	var modified string
	if c.IsGetTimeSupported() {
		if at, err := c.GetTime(path); err == nil {
			modified = at.UTC().Format(http.TimeFormat)
		}
	}
	body, err := c.RetrFrom(path, uint64(first))
	var reply *textproto.Error
	if first > 0 && errors.As(err, &reply) && reply.Code >= 500 && reply.Code <= 504 { // no REST here
		status, first, end = http.StatusOK, 0, size
		body, err = c.RetrFrom(path, 0)
	}
	if err != nil {
		return nil, err
	}
	resp := ftpAnswer(req, status, strconv.Itoa(status)+" "+http.StatusText(status), end-first, &ftpBody{t: t, c: c, r: body, left: end - first, more: end < size, stop: stop})
	if modified != "" {
		resp.Header.Set("Last-Modified", modified)
	}
	if status == http.StatusPartialContent {
		resp.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, size))
	}
	return resp, nil
}

// ftpBody is the wanted part of a transfer that goes on to the file's end.
type ftpBody struct {
	t    *ftpTransport
	c    *ftpConn
	r    *ftp.Response
	left int64
	more bool // the server would go on
	stop func() bool
	bad  bool
}

func (b *ftpBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if b.left == 0 && err == nil {
		err = io.EOF
	}
	b.bad = b.bad || err != nil && err != io.EOF
	return n, err
}

// Close leaves the transfer. The server's reply to that is read, so that the
// connection serves again.
func (b *ftpBody) Close() error {
	if b.r == nil {
		return nil
	}
	if b.bad || !b.stop() {
		b.c.ctrl.Close() // no reply is waited for
		b.r.Close()
		b.r = nil
		return nil
	}
	err := b.r.Close()
	b.r = nil
	var reply *textproto.Error
	left := b.more || b.left > 0
	usable := err == nil || left && errors.As(err, &reply) // 426: it noticed that we left
	if usable && (!left || b.c.NoOp() == nil) {
		b.t.put(b.c)
	} else {
		b.c.ctrl.Close()
	}
	return nil
}

// ftpStatus makes a server's reply an HTTP status; nil for what is none. 421
// is what servers say to one connection too many.
func ftpStatus(req *http.Request, err error) *http.Response {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return nil
	}
	status := http.StatusServiceUnavailable
	switch {
	case reply.Code == ftp.StatusNotAvailable:
		status = http.StatusTooManyRequests
	case reply.Code == ftp.StatusNotLoggedIn, reply.Code == ftp.StatusLoginNeedAccount:
		status = http.StatusForbidden
	case reply.Code == ftp.StatusFileUnavailable:
		status = http.StatusNotFound
	case reply.Code >= 500:
		status = http.StatusNotImplemented
	}
	return ftpAnswer(req, status, fmt.Sprintf("%d of FTP", reply.Code), 0, http.NoBody)
}

func ftpAnswer(req *http.Request, code int, status string, size int64, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: status, StatusCode: code, Proto: "FTP", ContentLength: size, Body: body, Request: req,
		Header: http.Header{},
	}
}
