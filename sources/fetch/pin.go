package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// pin is what tells one version of a file from another.
type pin struct {
	Size     int64  `json:"size"` // -1 unknown
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

func pinKey(rawURL string) string {
	safe, _ := Redact(rawURL)
	id, _ := strip(rawURL, signed)
	sum := sha256.Sum256([]byte(id))
	return "pin:" + safe + "#" + hex.EncodeToString(sum[:8])
}

// ifRange is the validator of RFC 9110, section 13.1.5: a strong ETag or the date.
func (p pin) ifRange() string {
	if p.ETag != "" && !strings.HasPrefix(p.ETag, "W/") {
		return p.ETag
	}
	return p.Modified
}

// check compares an answer with what is pinned. Where both have an ETag the
// date says no more.
func (p pin) check(now pin) error {
	switch {
	case p.Size >= 0 && now.Size >= 0 && p.Size != now.Size:
		return fmt.Errorf("%w: %d bytes, expected %d", ErrChanged, now.Size, p.Size)
	case p.ETag != "" && now.ETag != "":
		if strings.TrimPrefix(p.ETag, "W/") != strings.TrimPrefix(now.ETag, "W/") {
			return fmt.Errorf("%w: ETag %s, expected %s", ErrChanged, now.ETag, p.ETag)
		}
	case p.Modified != "" && now.Modified != "" && p.Modified != now.Modified:
		return fmt.Errorf("%w: modified %s, expected %s", ErrChanged, now.Modified, p.Modified)
	}
	return nil
}

func pinOf(h http.Header, size int64) pin {
	return pin{Size: size, ETag: h.Get("ETag"), Modified: h.Get("Last-Modified")}
}

// learn makes the size known: from Facts, from the declaration, or from the
// first block.
func (r *remote) learn(ctx context.Context, declared int64) error {
	r.mu.Lock()
	if !r.asked {
		r.asked = true
		if v, ok := r.c.opt.Facts.Get(pinKey(r.same)); ok {
			var p pin
			if json.Unmarshal(v, &p) == nil && p.Size >= 0 {
				r.pin, r.pinned = p, true
				r.setKey()
			}
		}
	}
	size := r.pin.Size
	if size < 0 && declared >= 0 {
		r.pin.Size, size = declared, declared
	}
	r.mu.Unlock()
	if size >= 0 {
		if declared >= 0 && declared != size {
			return fmt.Errorf("%s: %w: %d bytes, expected %d", r.safe, ErrChanged, size, declared)
		}
		return nil
	}
	if _, err := r.blocks(WithReason(ctx, "probe"), 0, 1, false); err != nil {
		return err
	}
	if r.size() < 0 {
		return fmt.Errorf("%s: %w: it does not say how long the file is", r.safe, ErrServer)
	}
	return nil
}

// setKey makes the version part of the blocks' key: openings of the same
// version share them, two versions never do. r.mu is held.
func (r *remote) setKey() {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s\x00%s", pinKey(r.same), r.pin.Size, r.pin.ETag, r.pin.Modified))
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	copy(r.key[:], sum[:])
}

// accept checks an answer against the pin, or makes it the pin.
func (r *remote) accept(now pin) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made {
		now.ETag, now.Modified = "", ""
	}
	if err := r.pin.check(now); err != nil {
		if r.made && now.Size >= 0 {
			r.keep(now) // the next opening starts with the new size
		}
		return err
	}
	if r.pinned || now.Size < 0 {
		return nil
	}
	r.pin, r.pinned = now, true
	r.setKey()
	r.keep(now)
	return nil
}

func (r *remote) keep(now pin) {
	v, err := json.Marshal(now)
	if err != nil {
		return
	}
	if err := r.c.opt.Facts.Set(pinKey(r.same), v); err != nil {
		r.c.opt.Log.Warn("pin not kept", "url", r.safe, "err", err)
	}
}

// contentRange reads "bytes 0-99/1234" and "bytes */1234"; first is -1 for the
// latter and total -1 for "*".
func contentRange(s string) (first, last, total int64, err error) {
	bad := func() (int64, int64, int64, error) {
		return 0, 0, 0, fmt.Errorf("%w: Content-Range %.80q", ErrServer, s)
	}
	rest, ok := strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(strings.TrimSpace(rest), "/")
	if !ok || !ok2 {
		return bad()
	}
	total = -1
	if size != "*" {
		if total, err = strconv.ParseInt(size, 10, 64); err != nil || total < 0 {
			return bad()
		}
	}
	if span == "*" {
		return -1, -1, total, nil
	}
	a, b, ok := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(a, 10, 64)
	last, err2 := strconv.ParseInt(b, 10, 64)
	if !ok || err1 != nil || err2 != nil || first < 0 || last < first || (total >= 0 && last >= total) {
		return bad()
	}
	return first, last, total, nil
}
