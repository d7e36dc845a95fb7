package fs

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
)

// fsType is how the kernel lists our mounts.
const fsType = "fuse.omnimedfs"

// mountEntry is one line of /proc/self/mountinfo (proc(5)).
type mountEntry struct {
	device string // "major:minor"
	dir    string
	fsType string
}

// parseMountinfo returns the mounts in the order of the file: the last of
// several on one folder is the one that is seen. Lines that it does not
// understand are left out.
func parseMountinfo(r io.Reader) ([]mountEntry, error) {
	var mounts []mountEntry
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		head, tail, ok := strings.Cut(lines.Text(), " - ")
		fields, rest := strings.Fields(head), strings.Fields(tail)
		if !ok || len(fields) < 6 || len(rest) < 1 {
			continue
		}
		mounts = append(mounts, mountEntry{fields[2], unescapeOctal(fields[4]), rest[0]})
	}
	return mounts, lines.Err()
}

// unescapeOctal undoes the kernel's \040 for blanks, tabs, newlines and
// backslashes.
func unescapeOctal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mountAt returns the mount that is seen at dir, a clean absolute path without
// links, if one begins there.
func mountAt(dir string) (m mountEntry, ok bool, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return m, false, err
	}
	defer f.Close()
	all, err := parseMountinfo(f)
	for _, e := range all {
		if e.dir == dir {
			m, ok = e, true
		}
	}
	return m, ok, err
}
