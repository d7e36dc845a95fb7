package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// mountPoint is a mount of ours on this machine.
type mountPoint struct {
	Dir string
	ID  string // unique while it is mounted
}

// ourMounts reads the mounts of omnimedfs from a file in the form of
// /proc/self/mountinfo (proc(5)), the oldest first.
func ourMounts(path string) ([]mountPoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []mountPoint
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 {
			continue
		}
		if fstype, _, _ := strings.Cut(after, " "); fstype == "fuse.omnimedfs" {
			out = append(out, mountPoint{Dir: unescapeOctal(fields[4]), ID: fields[0]})
		}
	}
	return out, lines.Err()
}

// unescapeOctal undoes the \040 that mountinfo writes for a space.
func unescapeOctal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && isOctal(s[i+1]) && isOctal(s[i+2]) && isOctal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

// realDir is dir as mountinfo names it. The last element is not looked at: it
// may be a mount whose server is gone, where lstat fails.
func realDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if st, err := os.Lstat(dir); err == nil && st.Mode()&os.ModeSymlink != 0 {
		return filepath.EvalSymlinks(dir)
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(dir)), nil
}

// mountAt returns the topmost mount of ours at dir.
func mountAt(dir string) (mountPoint, bool, error) {
	mounts, err := ourMounts("/proc/self/mountinfo")
	if err != nil {
		return mountPoint{}, false, err
	}
	for i := len(mounts) - 1; i >= 0; i-- {
		if mounts[i].Dir == dir {
			return mounts[i], true, nil
		}
	}
	return mountPoint{}, false, nil
}

// treePath turns a path into one of the mounted tree: what lies in a mount
// loses the mount point, and the verb then asks that mount. IDs and paths of
// the tree stay as they are.
func (p *program) treePath(arg string) string {
	abs, err := realDir(arg)
	if err != nil { // its folder may be what cannot be read
		abs, _ = filepath.Abs(arg)
	}
	mounts, _ := ourMounts("/proc/self/mountinfo")
	for _, m := range mounts {
		rel, err := filepath.Rel(m.Dir, abs)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			continue
		}
		p.mountDir = m.Dir
		if st, err := readStatus(m.Dir); err == nil && st.Cache != "" {
			p.opts.Cache = st.Cache
		}
		return filepath.ToSlash(rel)
	}
	return strings.Trim(filepath.ToSlash(filepath.Clean(arg)), "/")
}

// mountOf returns the mount that the last treePath was in.
func (p *program) mountOf() (string, bool) { return p.mountDir, p.mountDir != "" }

// statusWait bounds the wait for a mount whose server may hang.
const statusWait = 3 * time.Second

// readStatus reads the status that a mount shows of itself.
func readStatus(dir string) (*status, error) {
	type answer struct {
		data []byte
		err  error
	}
	c := make(chan answer, 1)
	go func() {
		data, err := os.ReadFile(filepath.Join(dir, ".omnimedfs", "status.json"))
		c <- answer{data, err}
	}()
	select {
	case a := <-c:
		if a.err != nil {
			return nil, a.err
		}
		st := new(status)
		return st, json.Unmarshal(a.data, st)
	case <-time.After(statusWait):
		return nil, errors.New("the mount does not answer")
	}
}

// readFailures reads the kept failures of path from the mount's own list, the
// newest first.
func readFailures(dir, path string) ([]failure, error) {
	f, err := os.Open(filepath.Join(dir, ".omnimedfs", "errors.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []failure
	for d := json.NewDecoder(f); d.More(); {
		var line failure
		if err := d.Decode(&line); err != nil {
			return nil, err
		}
		if path == "." || line.Path == path || strings.HasPrefix(line.Path, path+"/") {
			out = append([]failure{line}, out...)
		}
	}
	return out, nil
}
