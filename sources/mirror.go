package sources

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// Mirror sends requests for URLs that start with Prefix elsewhere.
type Mirror struct {
	Prefix string // http or https URL
	Target string // http or https URL, or the absolute path of a folder
}

// ParseMirror reads PREFIX=TARGET. PREFIX is an http or https URL; TARGET one
// too, or a folder. The first "=" that is followed by a URL or a path splits
// them, so that a prefix may have a query.
func ParseMirror(s string) (Mirror, error) {
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			continue
		}
		prefix, target := s[:i], s[i+1:]
		if !isURL(target) && !strings.HasPrefix(target, "/") && !strings.HasPrefix(target, ".") && !strings.HasPrefix(target, "~") {
			continue
		}
		return newMirror(prefix, target)
	}
	prefix, target, ok := strings.Cut(s, "=")
	if !ok {
		return Mirror{}, errors.New("a mirror is PREFIX=URL or PREFIX=FOLDER")
	}
	return newMirror(prefix, target)
}

func newMirror(prefix, target string) (Mirror, error) {
	if err := checkRemote(prefix); err != nil {
		return Mirror{}, fmt.Errorf("mirror prefix: %w", err)
	}
	if target == "" || strings.ContainsRune(target, 0) {
		return Mirror{}, errors.New("mirror target: empty")
	}
	if isURL(target) {
		if err := checkRemote(target); err != nil {
			return Mirror{}, fmt.Errorf("mirror target: %w", err)
		}
		if isHTTP(prefix) && !isHTTP(target) {
			return Mirror{}, errors.New("mirror target: http cannot be read from ftp")
		}
		return Mirror{prefix, target}, nil
	}
	if strings.Contains(target, "://") {
		return Mirror{}, errors.New("mirror target: neither http, https nor a folder")
	}
	folder, err := filepath.Abs(target)
	if err != nil {
		return Mirror{}, fmt.Errorf("mirror target: %w", err)
	}
	return Mirror{prefix, folder}, nil
}

func isHTTP(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

func isFTP(s string) bool { return strings.HasPrefix(s, "ftp://") }

func isURL(s string) bool { return isHTTP(s) || isFTP(s) }

// checkRemote accepts what a mirror can name.
func checkRemote(s string) error {
	if u, err := url.Parse(s); err != nil || u.Host == "" || !isURL(s) {
		return errors.New("neither an http nor an ftp URL")
	}
	return nil
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !isHTTP(s) {
		return errors.New("not an http URL")
	}
	return nil
}

// resolve applies the mirror with the longest matching prefix. Where it leads
// into a folder, folder is that and to is the slash-separated path below it.
func resolve(mirrors []Mirror, raw string) (to, folder string, err error) {
	best := -1
	for i, m := range mirrors {
		if matches(raw, m.Prefix) && (best < 0 || len(m.Prefix) > len(mirrors[best].Prefix)) {
			best = i
		}
	}
	if best < 0 {
		return raw, "", nil
	}
	m := mirrors[best]
	rest := raw[len(m.Prefix):]
	if isURL(m.Target) {
		return m.Target + rest, "", nil
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	rest, err = url.PathUnescape(strings.TrimLeft(rest, "/"))
	if err != nil || rest == "" || strings.ContainsRune(rest, 0) {
		return "", "", fmt.Errorf("mirror %s: no file name after the prefix", m.Prefix)
	}
	return rest, m.Target, nil
}

// matches keeps the host whole: https://a.org must not catch https://a.org.evil.
func matches(raw, prefix string) bool {
	rest, ok := strings.CutPrefix(raw, prefix)
	if !ok {
		return false
	}
	_, after, _ := strings.Cut(prefix, "://")
	return strings.Contains(after, "/") || rest == "" || strings.ContainsRune("/?#", rune(rest[0]))
}
