package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

// check is one thing that doctor looks at.
type check struct {
	Name  string `json:"name"`
	State string `json:"state"` // ok, warning or failed
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

func ok(text string, args ...any) check { return check{State: "ok", Text: fmt.Sprintf(text, args...)} }

func warn(hint, text string, args ...any) check {
	return check{State: "warning", Text: fmt.Sprintf(text, args...), Hint: hint}
}

func failed(hint, text string, args ...any) check {
	return check{State: "failed", Text: fmt.Sprintf(text, args...), Hint: hint}
}

// runDoctor says what on this machine would keep a mount from working well.
func runDoctor(ctx context.Context, p *program, _ []string) error {
	var checks []check
	add := func(name string, c check) {
		c.Name = name
		checks = append(checks, c)
	}
	add("FUSE", checkFUSE())
	add("fusermount3", checkFusermount())
	add("user_allow_other", checkAllowOther("/etc/fuse.conf"))
	add("PRUNEFS", checkPruneFS("/etc/updatedb.conf"))
	add("cache folder", checkCache(p.opts.Cache))
	add("free disk", checkDisk(p.opts.Cache, p.opts.CacheLimit))
	add("clock", checkClock(time.Now()))
	if p.opts.Offline {
		add("platforms", ok("not asked: --offline"))
	} else {
		checks = append(checks, checkPlatforms(ctx)...)
	}
	if p.opts.JSON {
		if err := printJSON(p.stdout, checks); err != nil {
			return err
		}
	} else {
		for _, c := range checks {
			fmt.Fprintf(p.stdout, "%-8s %s: %s\n", c.State, c.Name, c.Text)
			if c.Hint != "" {
				fmt.Fprintf(p.stdout, "%-8s   %s\n", "", c.Hint)
			}
		}
	}
	if slices.ContainsFunc(checks, func(c check) bool { return c.State == "failed" }) {
		return cli.ErrFailures
	}
	return nil
}

func checkFUSE() check {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return failed("modprobe fuse; in a container: --device /dev/fuse --cap-add SYS_ADMIN", "/dev/fuse is missing")
	case err != nil:
		return failed("chmod 666 /dev/fuse", "%v", err)
	}
	f.Close()
	return ok("/dev/fuse can be opened")
}

func checkFusermount() check {
	path, err := exec.LookPath("fusermount3")
	if err != nil && os.Getuid() == 0 {
		return warn("apt-get install fuse3", "not found; root can do without")
	}
	if err != nil {
		return failed("apt-get install fuse3", "not found")
	}
	st, err := os.Stat(path)
	if err == nil && st.Mode()&os.ModeSetuid == 0 && os.Getuid() != 0 {
		return warn("chmod u+s "+path, "%s is not setuid root, so that ordinary users cannot mount", path)
	}
	return ok("%s", path)
}

// confLines returns the lines of a config file that are no comments.
func confLines(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out, nil
}

func checkAllowOther(file string) check {
	lines, err := confLines(file)
	if err == nil && slices.Contains(lines, "user_allow_other") || os.Getuid() == 0 {
		return ok("--allow-other may be used")
	}
	return warn("add the line user_allow_other to "+file, "--allow-other is for root only here")
}

// checkPruneFS looks whether locate's nightly crawl passes mounts over.
func checkPruneFS(file string) check {
	lines, err := confLines(file)
	if err != nil {
		return ok("no %s: nothing crawls by it", file)
	}
	for _, line := range lines {
		if name, value, _ := strings.Cut(line, "="); strings.TrimSpace(name) == "PRUNEFS" {
			for fs := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
				if fs == "fuse.omnimedfs" {
					return ok("updatedb passes over fuse.omnimedfs")
				}
			}
		}
	}
	return warn(`add fuse.omnimedfs to PRUNEFS in `+file+`, or mount with --deny-comm updatedb`, "updatedb would crawl through mounts")
}

func checkCache(dir string) check {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return failed("--cache DIR", "%v", err)
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return failed("--cache DIR", "%v", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) == nil {
		switch uint32(st.Type) {
		case 0x6969, 0xff534d42, 0x517b: // NFS, CIFS, SMB
			return warn("--cache with a folder on a local disk", "%s is on a network file system, which is slow and may lose locks", dir)
		}
	}
	return ok("%s can be written", dir)
}

func checkDisk(dir string, limit int64) check {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return warn("", "%s: %v", dir, err)
	}
	free := int64(st.Bavail) * st.Bsize
	if limit > 0 && free < limit/10 {
		return warn("--cache-limit, or --cache with another disk", "%s free, the cache may take %s", cli.FormatBytes(free), cli.FormatBytes(limit))
	}
	return ok("%s free, the cache may take %s", cli.FormatBytes(free), cli.FormatBytes(limit))
}

// built is a day before which no clock that is right can be.
var built = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func checkClock(now time.Time) check {
	if now.Before(built) {
		return failed("set the clock: certificates cannot be checked", "it is %s", now.Format(time.DateOnly))
	}
	return ok("%s", now.UTC().Format(time.DateTime))
}

// platformHosts are asked for a head alone.
var platformHosts = []string{
	"https://zenodo.org", "https://api.figshare.com", "https://data.mendeley.com", "https://services.cancerimagingarchive.net",
	"https://www.kaggle.com", "https://huggingface.co", "https://s3.amazonaws.com", "https://github.com", "https://osf.io",
}

func checkPlatforms(ctx context.Context) []check {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	out := make([]check, len(platformHosts))
	var wg sync.WaitGroup
	for i, url := range platformHosts {
		wg.Go(func() {
			out[i] = checkPlatform(ctx, client, url)
			out[i].Name = strings.TrimPrefix(url, "https://")
		})
	}
	wg.Wait()
	return out
}

func checkPlatform(ctx context.Context, client *http.Client, url string) check {
	start := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return failed("", "%v", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return warn("proxy or firewall? HTTPS_PROXY is heeded", "%v", err)
	}
	resp.Body.Close()
	return ok("answers in %d ms", time.Since(start).Milliseconds())
}
