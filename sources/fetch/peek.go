package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Head is what an answer says of a file before its bytes.
type Head struct {
	Header http.Header
	Size   int64  // -1 where it is not told
	Page   []byte // the body, where it is an HTML page
}

// Peek asks for one byte of a URL and reads none of it, unless a page comes:
// that is read, up to limit bytes. It is for platforms whose listing is the
// files' own headers.
func (c *Client) Peek(ctx context.Context, rawURL string, limit int64) (*Head, error) {
	safe, err := Redact(rawURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	var out *Head
	err = c.retry(ctx, safe, func() (bool, error) {
		a, err := c.do(ctx, rawURL, http.Header{"Range": {"bytes=0-0"}})
		if err != nil {
			return false, err
		}
		defer a.Close()
		h := &Head{Header: a.Header, Size: a.ContentLength}
		if a.StatusCode != http.StatusOK {
			if _, _, h.Size, err = contentRange(a.Header.Get("Content-Range")); err != nil {
				return false, &transient{err: err}
			}
		}
		if strings.HasPrefix(strings.ToLower(a.Header.Get("Content-Type")), "text/html") {
			if h.Page, err = io.ReadAll(io.LimitReader(a, limit+1)); err != nil {
				return false, cut(err, int64(len(h.Page)), a.ContentLength)
			}
			if int64(len(h.Page)) > limit {
				return false, fmt.Errorf("%w: a page of more than %d bytes", ErrServer, limit)
			}
		}
		out = h
		return false, nil
	})
	return out, err
}
