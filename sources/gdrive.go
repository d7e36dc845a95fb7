package sources

import (
	"context"
	"errors"
	"fmt"
	"html"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

func init() {
	Register("gdrive", func(c *Client) Source { return &gdrive{c: c, at: map[string]string{}} })
}

// gdrive is Google Drive without an account. The record is the ids of shared
// files, separated by commas; a recipe may give any of a file's links as its
// URL instead. A folder cannot be listed without a key: its files are named one
// by one. Names and sizes come from the answers' headers; there are no
// checksums and no licence.
//
// Above some size Drive answers with a page that asks whether to go on without
// a virus scan; its form is followed, and leads to a URL that is good for a
// while.
type gdrive struct {
	c *Client

	mu sync.Mutex
	at map[string]string // id: where the form has led
}

const (
	driveBase = "https://drive.usercontent.google.com/download?id="
	drivePage = 1 << 20 // bytes of a page that comes in place of a file
)

var (
	driveLink  = regexp.MustCompile(`^https://(?:drive|docs|drive\.usercontent)\.google\.com/(?:file/d/([^/?#]+)|(?:uc|open|download)\?(?:[^#]*&)?id=([^&#]+))`)
	driveForm  = regexp.MustCompile(`(?s)<form[^>]*id="download-form"[^>]*>`)
	driveTo    = regexp.MustCompile(`action="([^"]*)"`)
	driveInput = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"`)
)

func driveURL(id string) string { return driveBase + id + "&export=download&confirm=t" }

// driveID finds the id in a link.
func driveID(link string) (string, error) {
	if m := driveLink.FindStringSubmatch(link); m != nil && plainID(m[1]+m[2], "-_") {
		return m[1] + m[2], nil
	}
	return "", fmt.Errorf("%.200q: not a link to a file of Google Drive", link)
}

func (s *gdrive) Files(ctx context.Context, record string) ([]File, error) {
	var l listing
	for _, id := range strings.Split(record, ",") {
		id = strings.TrimSpace(id)
		if !plainID(id, "-_") {
			return nil, badRecord(record, "ids of files, separated by commas")
		}
		h, err := s.ask(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("record %.200q: %w", record, err)
		}
		_, p, err := mime.ParseMediaType(h.Header.Get("Content-Disposition"))
		if err != nil || p["filename"] == "" {
			return nil, fmt.Errorf("record %.200q: %w: no file name for %s", record, ErrServer, id)
		}
		l.add(strings.NewReplacer("/", "_", "\\", "_").Replace(p["filename"]), h.Size, "", driveURL(id))
	}
	return l.done(record)
}

// ask finds out where a file's bytes are, through the form where there is one.
func (s *gdrive) ask(ctx context.Context, id string) (*fetch.Head, error) {
	to := driveURL(id)
	for range 2 {
		h, err := s.c.peek(ctx, to, drivePage)
		if err != nil {
			return nil, err
		}
		if h.Page == nil {
			s.mu.Lock()
			s.at[id] = to
			s.mu.Unlock()
			return h, nil
		}
		if to, err = parseDriveForm(h.Page); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: its page asks again and again", ErrGone)
}

// parseDriveForm returns the URL that the page's form leads to.
func parseDriveForm(page []byte) (string, error) {
	at := driveForm.FindIndex(page)
	if at == nil {
		text := strings.ToLower(string(page))
		switch {
		case strings.Contains(text, "quota exceeded"), strings.Contains(text, "too many users have viewed or downloaded"):
			return "", fmt.Errorf("%w: the file's quota at Google Drive is spent for today", ErrRateLimited)
		case strings.Contains(text, "accounts.google.com"):
			return "", fmt.Errorf("%w: the file is not shared with everybody", ErrRefused)
		}
		return "", fmt.Errorf("%w: an HTML page came in place of the file (the files of a folder have ids of their own)", ErrGone)
	}
	action := driveTo.FindSubmatch(page[at[0]:at[1]])
	if action == nil {
		return "", fmt.Errorf("%w: a form without an address", ErrServer)
	}
	to := html.UnescapeString(string(action[1]))
	if err := sameHost(to, driveBase); err != nil {
		return "", fmt.Errorf("%w: its form leads elsewhere", ErrServer)
	}
	q := url.Values{}
	for _, m := range driveInput.FindAllSubmatch(page[at[1]:], 20) {
		q.Set(html.UnescapeString(string(m[1])), html.UnescapeString(string(m[2])))
	}
	if q.Get("id") == "" {
		return "", fmt.Errorf("%w: a form without the file's id", ErrServer)
	}
	to, _, _ = strings.Cut(to, "?")
	return to + "?" + q.Encode(), nil
}

func (s *gdrive) Open(ctx context.Context, f File) (blob.Blob, error) {
	id, err := driveID(f.URL)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	to := s.at[id]
	s.mu.Unlock()
	if to == "" {
		_, err := s.ask(ctx, id)
		if err != nil && !errors.Is(err, ErrOffline) {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		to = driveURL(id) // offline: what is kept is read without it
		s.mu.Lock()
		if at := s.at[id]; at != "" {
			to = at
		}
		s.mu.Unlock()
	}
	a := access{same: driveURL(id)}
	f.URL = to
	return s.c.openURL(ctx, f, a)
}
