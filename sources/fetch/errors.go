package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

var (
	ErrOffline     = errors.New("no network")                                   // asked to stay offline, or no route
	ErrGone        = errors.New("the file is no longer there")                  // 404, 410, an HTML page in its place
	ErrRefused     = errors.New("access refused")                               // 401, 403
	ErrRateLimited = errors.New("rate limited")                                 // 429 after all attempts
	ErrBudget      = errors.New("download budget spent")                        // Options.Budget
	ErrTimeout     = errors.New("timed out")                                    // connect, header or stalled body after all attempts
	ErrChanged     = errors.New("the file has changed since it was first seen") // validator or size
	ErrServer      = errors.New("the server does not answer as it should")      // 5xx, cut or contradictory answers after all attempts
	ErrChecksum    = blob.ErrChecksum

	errClosed = errors.New("fetch: client is closed")
	errStall  = errors.New("no byte came in time")
)

// transient is a failure that another attempt may mend.
type transient struct {
	err   error
	after time.Duration // at least this long
}

func (t *transient) Error() string { return t.err.Error() }
func (t *transient) Unwrap() error { return t.err }

// classify turns an error of the transport into one of ours. The URL that
// net/http puts in front is left out: it may hold a token.
func classify(ctx context.Context, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errStall) {
		return ctxError(cause)
	}
	var p *policy
	if errors.As(err, &p) {
		return p.err
	}
	var ne net.Error
	var dns *net.DNSError
	switch {
	case errors.Is(context.Cause(ctx), errStall), errors.As(err, &ne) && ne.Timeout():
		return &transient{err: fmt.Errorf("%w: %w", ErrTimeout, errStall)}
	case errors.As(err, &dns), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return &transient{err: fmt.Errorf("%w: %w", ErrOffline, err)}
	}
	return &transient{err: fmt.Errorf("%w: %w", ErrServer, err)}
}

// ctxError makes a deadline one of our timeouts and leaves a cancel as it is.
func ctxError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrTimeout) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// signed reports parameters that only carry a signature: they change from one
// signing to the next and say nothing of which file is meant.
func signed(name string) bool {
	n := strings.ToLower(name)
	if strings.HasPrefix(n, "x-amz-") || strings.HasPrefix(n, "x-goog-") {
		return true
	}
	switch n {
	case "signature", "sig", "expires", "se", "sp", "sv", "sr", "st", "skoid", "sktid", "policy",
		"key-pair-id", "awsaccesskeyid", "googleaccessid", "token", "access_token":
		return true
	}
	return false
}

// secret reports parameters whose values must not be shown.
func secret(name string) bool {
	n := strings.ToLower(name)
	for _, s := range []string{"token", "signature", "secret", "passw", "key", "auth", "credential"} {
		if strings.Contains(n, s) {
			return true
		}
	}
	return signed(name)
}

// Redact returns the URL without user, password and parameters that may be
// secret: fit for logs and messages.
func Redact(raw string) (string, error) { return strip(raw, secret) }

func strip(raw string, drop func(param string) bool) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", errors.New("malformed URL")
	}
	if (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ftp") || u.Host == "" {
		return "", fmt.Errorf("not an http or ftp URL: scheme %q", u.Scheme)
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if u.RawQuery != "" {
		var keep []string
		for _, kv := range strings.Split(u.RawQuery, "&") {
			k, _, _ := strings.Cut(kv, "=")
			if name, err := url.QueryUnescape(k); err == nil && !drop(name) {
				keep = append(keep, kv)
			}
		}
		u.RawQuery = strings.Join(keep, "&")
	}
	return u.String(), nil
}

func baseName(safe string) string {
	u, err := url.Parse(safe)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}
