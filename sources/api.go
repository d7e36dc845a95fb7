package sources

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

const (
	apiBytes  = 64 << 20  // of one answer of an API
	apiPages  = 10_000    // of one listing
	maxListed = 2_000_000 // files of a record
)

// getJSON reads an API's answer into v.
func (c *Client) getJSON(ctx context.Context, url, auth string, v any) error {
	body, _, err := c.getPage(ctx, url, auth, apiBytes)
	if err != nil {
		return err
	}
	return decode(body, v)
}

// decode reads JSON. What is none is often a page that says why.
func decode(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: not the JSON of its API: %.60q", ErrServer, body)
	}
	return nil
}

// listing collects a record's files as an API names them and refuses what
// would not do as a path: names come from strangers.
type listing struct {
	files []File
	seen  map[string]bool
	err   error
}

// add appends a file; the first error stays. sum may be "" and is left out
// where it is malformed.
func (l *listing) add(path string, size int64, sum, rawURL string) {
	if l.err != nil {
		return
	}
	path = strings.TrimPrefix(path, "/")
	switch {
	case !fs.ValidPath(path) || path == "." || strings.ContainsAny(path, "\x00\\") || len(path) > 4096:
		l.err = fmt.Errorf("%w: file name %.200q", ErrServer, path)
	case l.seen[path]:
		l.err = fmt.Errorf("%w: %.200q listed twice", ErrServer, path)
	case len(l.files) >= maxListed:
		l.err = fmt.Errorf("%w: more than %d files", ErrServer, maxListed)
	case checkRemote(rawURL) != nil:
		l.err = fmt.Errorf("%w: %.200q has no URL", ErrServer, path)
	}
	if l.err != nil {
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[path] = true
	if _, err := blob.NewHash(sum); err != nil {
		sum = ""
	}
	l.files = append(l.files, File{blob.Info{Path: path, Size: max(size, -1), Sum: sum}, rawURL})
}

// done returns the files, sorted; a record without any is an error, since it
// only ever means that a place was not understood or is not public.
func (l *listing) done(record string) ([]File, error) {
	if l.err == nil && len(l.files) == 0 {
		l.err = fmt.Errorf("%w: it lists no files", ErrGone)
	}
	if l.err != nil {
		return nil, fmt.Errorf("record %.200q: %w", record, l.err)
	}
	return sorted(l.files), nil
}

// sum makes "md5:…" of what an API gives; "" stays "".
func sum(algorithm, digest string) string {
	algorithm = strings.ToLower(strings.ReplaceAll(algorithm, "-", ""))
	digest = strings.ToLower(strings.TrimSpace(digest))
	if digest == "" {
		return ""
	}
	return algorithm + ":" + digest
}

// escapePath escapes the segments of a path for a URL. "+" too: S3 reads it
// as a space.
func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i, s := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(s), "+", "%2B")
	}
	return strings.Join(parts, "/")
}

// plainID accepts what may be put into a URL as it stands.
func plainID(s, more string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(more, r) {
			return false
		}
	}
	return s != "" && len(s) <= 200 && !strings.Contains(s, "..")
}

func badRecord(record, want string) error {
	return fmt.Errorf("record %.200q: want %s", record, want)
}

// sameHost lets an API lead to its next page at its own host only.
func sameHost(next, base string) error {
	a, err := url.Parse(next)
	b, err2 := url.Parse(base)
	if err != nil || err2 != nil || a.Host != b.Host || a.Scheme != b.Scheme {
		return fmt.Errorf("%w: its next page is elsewhere", ErrServer)
	}
	return nil
}

// bearer returns an Authorization value from the environment; "" without one.
func bearer(scheme string, names ...string) string {
	for _, n := range names {
		if v := strings.TrimSpace(os.Getenv(n)); v != "" && !strings.ContainsAny(v, "\r\n") {
			return scheme + " " + v
		}
	}
	return ""
}
